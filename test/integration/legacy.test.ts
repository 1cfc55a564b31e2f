/** node-redis's callback interface, on the active database. */
import { setImmediate } from 'node:timers/promises';
import { ClientClosedError, type MultiDbClient } from 'redis-multidb';
import { expect, it } from 'vitest';
import { waitFor } from '../kit/index.js';
import { clientOf, connected, servers, switchTo } from './support.js';

type Callback = (error: unknown, reply?: unknown) => void;
type Legacy = Record<string, (...args: unknown[]) => unknown>;
type LegacyMulti = Record<string, (...args: unknown[]) => LegacyMulti> & {
  exec(callback?: Callback): void;
};

const legacyOf = (client: unknown) => (client as MultiDbClient).legacy() as unknown as Legacy;

const call = (legacy: Legacy, name: string, ...args: unknown[]) =>
  new Promise<unknown>((resolve, reject) => {
    const callback: Callback = (error, reply) => (error ? reject(error) : resolve(reply));
    (legacy[name] as Legacy[string])(...args, callback);
  });

it('answers through callbacks, and goes along with a switch', async () => {
  const [east, west] = await servers();
  const client = await connected([east, west]);
  const legacy = legacyOf(client);
  expect(await call(legacy, 'SET', 'key', 1)).toBe('OK');
  expect(await call(legacy, 'get', 'key')).toBe('1');
  expect(await call(legacy, 'sendCommand', 'GET', 'key')).toBe('1');
  expect(await call(legacy, 'sAdd', 'set', ['a', 'b'])).toBe(2);
  expect(await east.command('GET', 'key')).toBe('1');

  await west.command('SET', 'key', 'west');
  const switched = switchTo(client, 'west');
  void east.kill();
  // Accepted before the switch, answered after it.
  expect(await call(legacy, 'get', 'key')).toBe('west');
  await switched;
  const multi = legacy.multi?.() as LegacyMulti;
  multi.set?.('key', 'again').get?.('key');
  const replies = await new Promise((resolve, reject) => {
    multi.exec((error, reply) => (error ? reject(error) : resolve(reply)));
  });
  expect(replies).toEqual(['OK', 'again']);
  expect(await west.command('GET', 'key')).toBe('again');
});

it('tells errors to the callback, and without one as an error event that ends nothing', async () => {
  const [east] = await servers();
  const client = await connected([east]);
  const legacy = legacyOf(client);
  await expect(call(legacy, 'hGet', 'key')).rejects.toThrow(/wrong number of arguments/);
  await expect(call(legacy, 'sendCommand', 'select', '1')).rejects.toThrow(
    /SELECT: set `database`/,
  );
  await expect(call(legacy, 'sendCommand', ['MULTI'])).rejects.toThrow(/use `multi\(\)`/);

  // Nobody listens: a plain node-redis client would end the process.
  legacy.hGet?.('key');
  await client.ping();
  await setImmediate();
  const errors: string[] = [];
  client.on('error', (error: Error) => errors.push(error.message));
  legacy.hGet?.('key');
  const multi = legacy.multi?.() as LegacyMulti;
  multi.sendCommand?.('SUBSCRIBE', 'x');
  multi.exec();
  await waitFor(() => errors.length === 2, { what: 'the errors' });
  expect(errors.sort()).toEqual([
    expect.stringMatching(/wrong number of arguments/),
    expect.stringMatching(/^SUBSCRIBE: use subscribe/),
  ]);
});

it('of a view has its options, of a closed client its error', async () => {
  const [east] = await servers();
  const view = (await connected([east])).withCommandOptions({ timeout: 20 });
  await east.freeze();
  await expect(call(legacyOf(view), 'incr', 'key')).rejects.toThrow(/no reply within/);
  const unopened = clientOf([east]);
  await expect(call(legacyOf(unopened), 'get', 'key')).rejects.toThrow('The client is closed');
  view.destroy();
  await expect(call(legacyOf(view), 'get', 'key')).rejects.toThrow(ClientClosedError);
});
