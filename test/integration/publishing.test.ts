/** A failed publication that is not awaited does not end the process; one that is awaited rejects. */
import { expect, it } from 'vitest';
import { isRedis7, startRedis } from '../kit/index.js';
import { takeUnhandled } from './libraries/support.js';
import { connected, errorOf, servers } from './support.js';

const NAMES = [
  'publish',
  'PUBLISH',
  ...((await isRedis7()) ? (['sPublish', 'SPUBLISH'] as const) : []),
] as const;

it.each(NAMES)('%s while every database is down', async (name) => {
  const [east, west] = await servers();
  const client = await connected([east, west]);
  const views = [client, client.asap(), client.withRetrySafety('connection'), client.duplicate()];
  await views[3]?.connect();
  for (const view of views) expect(await view[name]('channel', 'message')).toBe(0);
  const down = new Promise((resolve) => client.once('all-databases-down', resolve));
  await Promise.all([east.kill(), west.kill()]);
  await down;
  for (const view of views) {
    void view[name]('channel', 'message');
    expect((await errorOf(view[name]('channel', 'message'))).code).toBe('TEMPORARILY_UNAVAILABLE');
  }
  client.destroy();
  void client[name]('channel', 'message');
  expect((await errorOf(client[name]('channel', 'message'))).code).toBe('CLIENT_CLOSED');
  expect(await takeUnhandled()).toEqual([]);
});

it('a command other than a publication is still an unhandled rejection', async () => {
  const [east] = await servers(1);
  const client = await connected([east]);
  client.destroy();
  void client.set('key', 'value');
  expect(await takeUnhandled()).toEqual([expect.objectContaining({ code: 'CLIENT_CLOSED' })]);
});

it('so is what the server refuses', async () => {
  const server = await startRedis();
  await server.command('ACL', 'SETUSER', 'default', 'resetchannels');
  const client = await connected([server]);
  expect((await errorOf(client.publish('channel', 'message'))).message).toMatch(/^NOPERM/);
  void client.publish('channel', 'message');
  await client.ping();
  const unhandled = await takeUnhandled();
  expect(unhandled).toEqual([
    expect.objectContaining({ message: expect.stringMatching('NOPERM') }),
  ]);
});
