import { redisSteering } from 'redis-multidb/steering';
import { afterEach, expect, it } from 'vitest';
import { createHttpHandler } from '../../src/http/index.js';
import { createMultiDbClient } from '../../src/index.js';
import { serveHandler, startRedis, stopAll, waitFor } from '../kit/index.js';
import { run } from './run.js';

const closing: (() => void)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0)) close();
  await stopAll();
});

const KEY = 'ops:steering';
const SECRET = 'correct horse';

it('drains, shows and releases a fleet, signed, while a database is down', async () => {
  const [east, west] = await Promise.all([startRedis(), startRedis()]);
  const steering = redisSteering({ key: KEY, secret: SECRET, intervalMs: 50 });
  const client = createMultiDbClient({
    databases: [
      { id: 'east', weight: 1, client: { url: east.url } },
      { id: 'west', weight: 0.5, client: { url: west.url } },
    ],
    steering,
    initialWaitMs: 20_000,
    failbackCheckIntervalMs: 50,
  });
  closing.push(() => client.destroy());
  await client.connect();
  const target = [`east=${east.url}`, `west=${west.url}`];
  const steer = (...args: string[]) =>
    run(['steer', ...args, '--key', KEY, '--secret', 'env:S', ...target], { S: SECRET });

  const [dry, unconfirmed, unknown, silent] = await Promise.all([
    steer('drain', 'east', '--reason', 'upgrade', '--dry-run'),
    steer('drain', 'east', '--reason', 'upgrade'),
    steer('drain', 'north', '--reason', 'x', '--yes'),
    steer('drain', 'east', '--reason', ' \u001b', '--yes'),
  ]);
  expect(dry).toMatchObject({ code: 0, stdout: expect.stringContaining('Not written.') });
  expect(unconfirmed).toMatchObject({ code: 2, stderr: expect.stringContaining('--yes') });
  expect(unknown.code).toBe(2);
  expect(silent).toMatchObject({ code: 2, stderr: expect.stringContaining('--reason TEXT') });
  expect(await east.command('EXISTS', KEY)).toBe(0);

  const drained = await steer('drain', 'east', '--for', '1h', '--reason', 'upgrade', '--yes');
  expect(drained).toMatchObject({ code: 0, stderr: '' });
  expect(drained.stdout).toContain('was written to east, west');
  await waitFor(() => client.activeDatabase === 'west', { what: 'the steered move' });
  const shown = await steer('show', '--json');
  expect(JSON.parse(shown.stdout)).toMatchObject({
    consistent: true,
    newest: { drain: ['east'], reason: 'upgrade' },
  });

  // The same through an application: neither key nor secret nor databases are needed.
  const handler = createHttpHandler(client, {
    steering,
    authorize: ({ headers }) => headers.authorization === 'Bearer right',
  });
  const { url, close } = await serveHandler(handler);
  closing.push(close);
  const through = (...args: string[]) =>
    run(['steer', ...args, '--url', url, '--header', 'authorization: Bearer ${T}'], { T: 'right' });
  const held = await through('hold', 'east', '--reason', 'evacuation', '--by', 'ada', '--yes');
  expect(held).toMatchObject({ code: 0, stderr: '' });
  expect(held.stdout).toMatch(/^Version \d+ was written to east, west\.\nAll processes with the /);
  await waitFor(() => client.activeDatabase === 'east', { what: 'the hold' });
  expect(client.explain().steering?.obeyed).toMatchObject({ by: 'ada', reason: 'evacuation' });
  const refused = [
    [['hold', 'north', '--reason', 'x', '--yes'], 'known databases: east, west'],
    [['hold', 'east', '--reason', 'x', '--force', '--yes'], '--force needs the databases'],
    [['hold', 'east', target[0] as string, '--reason', 'x', '--yes'], 'not both'],
  ] as const;
  await Promise.all(
    refused.map(async ([args, message]) => {
      expect(await through(...args)).toMatchObject({
        code: 2,
        stderr: expect.stringContaining(message),
      });
    }),
  );
  const stranger = await run(['steer', 'release', '--url', url, '--yes']);
  expect(stranger).toMatchObject({ code: 1, stderr: expect.stringContaining('not allowed') });
  const again = await through('drain', 'east', '--reason', 'upgrade', '--yes', '--json');
  expect(JSON.parse(again.stdout)).toMatchObject({
    report: 'steer',
    until: null,
    written: ['east', 'west'],
    failed: [],
  });
  await waitFor(() => client.activeDatabase === 'west', { what: 'the drain' });

  await west.kill();
  await waitFor(() => client.activeDatabase === 'east', { what: 'the failover' });
  const released = await steer('release', '--yes');
  expect(released.code).toBe(0);
  expect(released.stdout).toContain('Not written to west');
  await waitFor(() => client.explain().steering?.obeyed?.asks === 'asks for nothing', {
    what: 'the release',
  });
  expect((await steer('show')).code).toBe(1);
  expect(drained.stdout + released.stdout).not.toContain(SECRET);
});
