/** `steer` against real servers: what it writes, what a client makes of it, and what it refuses. */
import { redisSteering } from 'redis-multidb/steering';
import { afterEach, expect, it } from 'vitest';
import { createMultiDbClient } from '../../src/index.js';
import { startRedis, stopAll, waitFor } from '../kit/index.js';
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
  const client = createMultiDbClient({
    databases: [
      { id: 'east', weight: 1, client: { url: east.url } },
      { id: 'west', weight: 0.5, client: { url: west.url } },
    ],
    steering: redisSteering({ key: KEY, secret: SECRET, intervalMs: 50 }),
    failbackCheckIntervalMs: 50,
  });
  closing.push(() => client.destroy());
  await client.connect();
  const target = [`east=${east.url}`, `west=${west.url}`];
  const steer = (...args: string[]) =>
    run(['steer', ...args, '--key', KEY, '--secret', 'env:S', ...target], { S: SECRET });

  const dry = await steer('drain', 'east', '--reason', 'upgrade', '--dry-run');
  expect(dry).toMatchObject({ code: 0, stdout: expect.stringContaining('Not written.') });
  expect(await east.command('EXISTS', KEY)).toBe(0);
  const unconfirmed = await steer('drain', 'east', '--reason', 'upgrade');
  expect(unconfirmed).toMatchObject({ code: 2, stderr: expect.stringContaining('--yes') });
  expect((await steer('drain', 'north', '--reason', 'x', '--yes')).code).toBe(2);

  const drained = await steer('drain', 'east', '--for', '1h', '--reason', 'upgrade', '--yes');
  expect(drained).toMatchObject({ code: 0, stderr: '' });
  expect(drained.stdout).toContain('was written to east, west');
  await waitFor(() => client.activeDatabase === 'west', { what: 'the steered move' });
  const shown = await steer('show', '--json');
  expect(JSON.parse(shown.stdout)).toMatchObject({
    consistent: true,
    newest: { drain: ['east'], reason: 'upgrade' },
  });
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
