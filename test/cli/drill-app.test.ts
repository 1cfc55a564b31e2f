/** The drill with a user's application as the load: what it gets wrong has to show. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { RunResult } from '../../src/drill/report/model.js';
import { startRedis, stopAll, waitFor } from '../kit/index.js';
import { directory, run, start } from './run.js';

afterAll(stopAll);

const app = `${process.execPath} "${path.join(import.meta.dirname, 'apps/brittle.mjs')}"`;

function drill(wrong: string, ...more: readonly string[]): string[] {
  return [
    'drill',
    '--app',
    app,
    '--request',
    'http://127.0.0.1:{port}/',
    '--env',
    'PORT={port}',
    '--env',
    `WRONG=${wrong}`,
    '--hold',
    '300ms',
    ...more,
  ];
}

const violations = ({ promises }: RunResult) => promises.flatMap((each) => each.violations);

const isRunning = (pid: number) => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

/** The process of the application, below that of the drill. */
async function appOf(drill: number): Promise<number> {
  const children = `/proc/${drill}/task/${drill}/children`;
  return waitFor(
    () =>
      readFileSync(children, 'utf8')
        .split(' ')
        .filter((pid) => pid !== '')
        .map(Number)
        .find((pid) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('brittle.mjs')),
    { what: 'the application', timeoutMs: 30_000 },
  );
}

describe('a bad application', () => {
  it.concurrent('answers 500 for a while, and does not hear SIGTERM', async () => {
    const report = path.join(directory, 'bad.html');
    const ran = await run(
      drill(
        'deaf',
        '--faults',
        'kill',
        '--goal-recovery-ms',
        '500',
        '--stop-within',
        '300ms',
        '--report',
        report,
        '--json',
      ),
    );
    expect(ran.code).toBe(1);
    const result = JSON.parse(ran.stdout) as RunResult;
    const found = violations(result).join('\n');
    expect(found).toMatch(/^Kill east: \d.* s$/m);
    expect(found).toMatch(/Kill east: \d+ HTTP 500/);
    expect(found).toContain('it did not end within 300 ms and was killed');
    expect(result.application).toMatchObject({
      ended: { signal: 'SIGKILL', killed: true },
      answers: { 200: expect.any(Number), 500: expect.any(Number) },
    });
    const page = readFileSync(report, 'utf8');
    expect(page).toContain('3 of 6 goals missed');
    expect(page).not.toMatch(/(src|href)=|url\((?!#)|@import|<script|undefined|NaN/);
  });

  it.concurrent('ends at its start, and leaves its words without their password', async () => {
    const ran = await run(drill('start', '--faults', 'kill'));
    expect(ran.code).toBe(1);
    expect(ran.stderr).toContain('The application ended with code 3 before it was ready.');
    expect(ran.stderr).toContain('no configuration for redis.example.com');
    expect(ran.stderr).not.toContain('hunter2');
  });

  it.concurrent('can not be found', async () => {
    const args = drill('', '--faults', 'kill').map((each) => (each === app ? './nothing' : each));
    const ran = await run(args);
    expect(ran.code).toBe(1);
    expect(ran.stderr).toContain('could not be started: no such command');
  });

  it.concurrent('dies of the fault; passwords reach it and nobody else', async () => {
    const [east, west] = await Promise.all([
      startRedis({ password: 'correct/horse' }),
      startRedis({ password: 'correct/horse' }),
    ]);
    const file = path.join(directory, 'app.json');
    const databases = [
      { id: 'east', weight: 1, client: { url: east.url } },
      { id: 'west', weight: 0.5, client: { url: west.url } },
    ];
    writeFileSync(file, JSON.stringify({ databases }));
    const ran = await run([...drill('crash', '--faults', 'reset'), file]);
    expect(ran.code).toBe(1);
    expect(ran.stdout).toMatch(/Cut every connection of east: The application ended with code 7/);
    expect(ran.stdout).toMatch(/lost 127\.0\.0\.1:\d+ /);
    expect(ran.stdout + ran.stderr).not.toMatch(/correct(\/|%2F)horse/);
  });

  it.concurrent('goes past the drill', async () => {
    const direct = await startRedis();
    const ran = await run(drill('bypass', '--faults', 'kill', '--env', `DIRECT_URL=${direct.url}`));
    expect(ran.code).toBe(1);
    expect(ran.stderr).toContain('has not connected to east through the drill');
    expect(ran.stderr).toContain('EAST_URL');
  });

  it.concurrent('was written without a thought of its end', async () => {
    const ran = await run(drill('unprepared', '--faults', 'reset', '--json'));
    expect(ran.code).toBe(1);
    const found = violations(JSON.parse(ran.stdout) as RunResult).join('\n');
    expect(found).toContain('it was ended by SIGTERM: it does not handle SIGTERM');
  });
});

it.each(['SIGINT', 'SIGKILL'] as const)(
  '%s in the middle leaves no application',
  async (signal) => {
    const running = start(drill('deaf', '--faults', 'kill', '--hold', '20s'));
    const pid = await appOf(running.child.pid as number);
    await waitFor(() => running.stdout.includes('Kill east'), {
      what: 'the fault',
      timeoutMs: 30_000,
    });
    running.child.kill(signal);
    const { code } = await running.ended;
    expect(code).toBe(signal === 'SIGINT' ? 130 : null);
    await waitFor(() => !isRunning(pid), { what: 'the application to end' });
    expect(existsSync(`/proc/${pid}`)).toBe(false);
  },
);

it.each([
  [['--request', 'http://127.0.0.1:1'], '--request requires --app'],
  [['--app', 'node "x'], 'a quote is not closed'],
  [['--app', ' '], 'expected a command'],
  [['--app', 'node x'], 'Add --request http://127.0.0.1:3000/'],
  [['--app', 'node x', '--request', 'POST 127.0.0.1'], 'expected http://'],
  [
    ['--app', 'node x', '--request', 'http://u:hunter2@127.0.0.1'],
    'credentials are not allowed in the URL',
  ],
  [['--app', 'node x', '--request', 'http://127.0.0.1:1', '--env', '=x'], 'NAME=text'],
  [['--app', 'node x', '--request', 'http://app.example.com'], 'Add --yes to agree'],
  [['--app', 'node x', '--request', 'http://127.0.0.1:1', '--faults', 'switch'], '--status'],
])('%j is refused with 2', async (args, message) => {
  const { code, stderr } = await run(['drill', ...args]);
  expect(code).toBe(2);
  expect(stderr).toContain(message);
  expect(stderr).not.toContain('hunter2');
});
