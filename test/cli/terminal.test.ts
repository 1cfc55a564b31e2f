import { afterEach, describe, expect, it } from 'vitest';
import { createHttpHandler } from '../../src/http/index.js';
import { createMultiDbClient, type MultiDbClient } from '../../src/index.js';
import {
  freePort,
  type RedisServer,
  serveHandler,
  startRedis,
  stopAll,
  waitFor,
} from '../kit/index.js';
import { noTerminal, OnTerminal, screen } from './on-terminal.js';
import { run } from './run.js';

const opened: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0)) await close();
  await stopAll();
});

async function application(): Promise<{ url: string; client: MultiDbClient; east: RedisServer }> {
  const [east, west] = await Promise.all([startRedis(), startRedis()]);
  const client = createMultiDbClient({
    databases: [
      { id: 'east', weight: 1, client: { url: east.url } },
      { id: 'west', weight: 0.5, client: { url: west.url } },
    ],
    initialWaitMs: 20_000,
  });
  await client.connect();
  await waitFor(() => client.databases.every(({ health }) => health === 'healthy'), {
    what: 'verdicts',
  });
  const handler = createHttpHandler(client, { authorize: () => true });
  const { url, close } = await serveHandler(handler);
  opened.push(close, () => client.close());
  return { url, client, east };
}

function onTerminal(...given: ConstructorParameters<typeof OnTerminal>): OnTerminal {
  const terminal = new OnTerminal(...given);
  opened.push(() => terminal.close());
  return terminal;
}

const SHOW_CURSOR = '\u001b[?25h';

if (noTerminal !== undefined) it.skip(noTerminal, () => {});

describe.skipIf(noTerminal !== undefined)('a question', () => {
  it.each([
    ['y\r', 0, 'west'],
    ['YES\r', 0, 'west'],
    ['n\r', 2, 'east'],
    ['\r', 2, 'east'],
    ['maybe\r', 2, 'east'],
    ['\u0004', 2, 'east'],
    ['\u0003', 130, 'east'],
  ])('of switch, answered with %j, ends with %d', async (keys, code, active) => {
    const { url, client } = await application();
    const terminal = onTerminal(['switch', 'west', '--url', url]);
    await terminal.shows(/Switch\? \[y\/N\] /);
    expect(terminal.output).toContain('All new commands will go to west instead of east');
    expect(client.activeDatabase).toBe('east');
    terminal.type(keys);
    expect(await terminal.ended).toBe(code);
    expect(client.activeDatabase).toBe(active);
    // Nobody who answers a question wants to see where in the code it stood.
    expect(terminal.output).not.toMatch(/ at .*:\d+|Abort|Warning/);
  });

  it.each([
    ['n\r', 2],
    ['\r', 2],
    ['\u0004', 2],
    ['\u0003', 130],
  ])('of drill, before it touches anything elsewhere: %j ends with %d', async (keys, code) => {
    const terminal = onTerminal(['drill', 'redis://east.invalid', 'redis://west.invalid']);
    await terminal.shows(/Go on\? \[y\/N\] /);
    expect(terminal.output).toMatch(/east\.invalid:6379[\s\S]*west\.invalid:6379/);
    terminal.type(keys);
    expect(await terminal.ended).toBe(code);
    expect(terminal.output).not.toMatch(/ at .*:\d+|Abort|Warning|not known/);
  });

  it('of drill, answered with y, goes on', async () => {
    const terminal = onTerminal(['drill', 'redis://east.invalid', 'redis://west.invalid']);
    await terminal.shows(/Go on\? \[y\/N\] /);
    terminal.type('y\r');
    expect(await terminal.ended).toBe(1);
    expect(terminal.output).toContain('the host name cannot be resolved');
  });

  it.each([
    ['upgrade\r', 1, /can't be read[\s\S]*Publish\? \[y\/N\] /],
    ['\r', 2, /Say why: --reason TEXT/],
    ['\u0004', 2, /Say why: --reason TEXT/],
    ['\u0003', 130, /Why\?/],
  ])('of steer, for the reason: %j ends with %d', async (keys, code, shown) => {
    const key = ['--key', 'ops:steering'];
    const databases = ['redis://east.invalid', 'redis://west.invalid'];
    const terminal = onTerminal(['steer', 'drain', 'east.invalid:6379', ...key, ...databases]);
    await terminal.shows(/Why\? All who look will read it: /);
    terminal.type(keys);
    await terminal.shows(shown);
    if (code === 1) terminal.type('y\r');
    expect(await terminal.ended).toBe(code);
    expect(terminal.output).not.toMatch(/ at .*:\d+|Abort|Warning/);
  });

  it.each([
    [['redis://east.invalid', '--url', 'http://localhost'], 'not both'],
    [['--url', 'http://localhost', '--force'], '--force needs the databases'],
    [['redis://east.invalid', 'redis://west.invalid'], 'known databases'],
  ])('of steer, which asks for no reason before a mistake is named: %j', async (args, message) => {
    const terminal = onTerminal(['steer', 'hold', 'north', '--key', 'ops:steering', ...args]);
    expect(await terminal.ended).toBe(2);
    expect(terminal.output).toContain(message);
    expect(terminal.output).not.toContain('Why?');
  });

  it('of check, which goes on without what was not agreed to', async () => {
    const terminal = onTerminal(['check', 'redis://east.invalid', '--timeout', '2s']);
    await terminal.shows(/Write a test key .* to east\.invalid:6379, .*\[y\/N\] /);
    terminal.type('n\r');
    expect(await terminal.ended).toBe(1);
    expect(terminal.output).toContain('the host name cannot be resolved');
  });
});

it('without a terminal nobody is asked, and nothing is done', async () => {
  const { url, client } = await application();
  const ran = await run(['switch', 'west', '--url', url]);
  expect(ran).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('Add --yes') });
  expect(client.activeDatabase).toBe('east');
  const drill = await run(['drill', 'redis://east.invalid', 'redis://west.invalid']);
  expect(drill).toMatchObject({ code: 2, stdout: '', stderr: expect.stringContaining('--yes') });
});

describe.skipIf(noTerminal !== undefined)('watch', () => {
  it('draws over what it drew, at any width, and gives the cursor back', async () => {
    const { url, client, east } = await application();
    const terminal = onTerminal(['watch', url], { columns: 100 });
    await terminal.shows(/east is active/);
    expect(terminal.output).toContain('\u001b[?25l');
    const frames = () => terminal.output.split('east is active').length;
    await waitFor(() => frames() > 3, { what: 'more frames', timeoutMs: 15_000 });
    const before = screen(terminal.output, 100);
    expect(before.filter((line) => /east is active/.test(line))).toHaveLength(1);
    // Nothing is erased before it is drawn again.
    expect(terminal.output).not.toContain('\u001b[2J');

    const from = terminal.output.length;
    terminal.resize(40);
    await waitFor(() => terminal.output.slice(from).includes('\u001b[2J'), {
      what: 'a drawing of the new size',
      timeoutMs: 15_000,
    });
    await east.kill();
    await client.set('a', '1').catch(() => {});
    await waitFor(() => /west is active/.test(terminal.output.slice(from)), {
      what: 'the switch',
      timeoutMs: 15_000,
    });
    terminal.type('\u0003');
    expect(await terminal.ended).toBe(130);
    expect(terminal.output.trimEnd().endsWith(SHOW_CURSOR)).toBe(true);
    const drawn = terminal.output.slice(terminal.output.indexOf('\u001b[2J'));
    const after = screen(drawn, 40);
    expect(after.filter((line) => /is active/.test(line))).toEqual([
      expect.stringContaining('west is active'),
    ]);
    expect(after.filter((line) => [...line].length > 40)).toEqual([]);
    expect(terminal.output).not.toMatch(/ at .*:\d+|Abort/);
  });

  it('keeps to a terminal that is lower than the status', async () => {
    const { url } = await application();
    const terminal = onTerminal(['watch', url], { columns: 60, rows: 5 });
    await terminal.shows(/east is active/);
    const frames = () => terminal.output.split('east is active').length;
    await waitFor(() => frames() > 3, { what: 'more frames', timeoutMs: 15_000 });
    terminal.type('\u0003');
    expect(await terminal.ended).toBe(130);
    const lines = screen(terminal.output, 60, 5).filter((line) => /is active/.test(line));
    expect(lines).toHaveLength(1);
  });

  it('draws several applications, also those that are not reached', async () => {
    const { url } = await application();
    const terminal = onTerminal(['watch', url, `http://127.0.0.1:${await freePort()}`], {
      columns: 100,
    });
    await terminal.shows(/1 of 2 applications use east, 1 not reached/);
    await terminal.shows(/✗.*can't be reached: .*ECONNREFUSED/);
    terminal.type('\u0003');
    expect(await terminal.ended).toBe(130);
    expect(terminal.output.trimEnd().endsWith(SHOW_CURSOR)).toBe(true);
    const drawn = screen(terminal.output, 100).filter((line) => line.includes(' of 2 '));
    expect(drawn).toHaveLength(1);
  });
});
