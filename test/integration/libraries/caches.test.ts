/** @keyv/redis under keyv and cache-manager. */
import KeyvRedis, { createKeyv, createKeyvNonBlocking, Keyv } from '@keyv/redis';
import { createCache } from 'cache-manager';
import type { MultiDbClient } from 'redis-multidb';
import { expect, it } from 'vitest';
import { expectNoLeaks } from '../../kit/index.js';
import { clientOf, connected, connections, own, servers, switchTo, Traffic } from '../support.js';
import { expectUnknownOnly } from './support.js';

// @keyv/redis brings a copy of @redis/client 5 along, so the types of version 6 are foreign to it,
// node-redis's own as well.
type Accepted = Parameters<typeof createKeyv>[0] & Parameters<typeof createKeyvNonBlocking>[0];
const handed = (client: MultiDbClient) => client as unknown as Accepted;

it('keyv goes on when a database is killed under load, and has what was written after it', async () => {
  const [east, west] = await servers();
  await expectNoLeaks(async () => {
    const client = await connected([east, west]);
    const cache = new Keyv(
      new KeyvRedis(handed(client.withRetrySafety('last-write-wins')), { throwOnErrors: true }),
      { namespace: 'cache', throwOnErrors: true },
    );
    const failures: unknown[] = [];
    cache.on('error', (error) => failures.push(error));
    let isSwitched = false;
    let next = 0;
    const missing: number[] = [];
    const traffic = new Traffic(
      async () => {
        const number = next++;
        const wasSwitched = isSwitched;
        await cache.set(`key-${number}`, { number });
        const found = await cache.get<{ number: number }>(`key-${number}`);
        if (wasSwitched && found?.number !== number) missing.push(number);
      },
      { callers: 20 },
    );
    await traffic.flows(200);
    const switched = switchTo(client, 'west');
    await east.kill();
    await switched;
    isSwitched = true;
    await traffic.flows(200);
    await traffic.stop();
    expect([traffic.errors, failures, missing]).toEqual([[], [], []]);
    expect(await west.command('DBSIZE')).toBeGreaterThanOrEqual(200);
    await cache.disconnect();
    expect(client.isOpen).toBe(false);
  });
});

it('with the default safety a write under way is an error event, and no more', async () => {
  const [east, west] = await servers();
  const client = await connected([east, west]);
  const cache = createKeyv(handed(client));
  const failures: unknown[] = [];
  cache.on('error', (error) => failures.push(error));
  let next = 0;
  const traffic = new Traffic(() => cache.set(`key-${next++}`, 'value'), { callers: 20 });
  await traffic.flows(200);
  await east.kill();
  await traffic.flows(200);
  await traffic.stop();
  expect(traffic.errors).toEqual([]);
  expectUnknownOnly(failures);
  expect(new Set(failures).size).toBeLessThanOrEqual(20);
});

it('has every method of the adapter after a switch', async () => {
  const [east, west] = await servers();
  const client = await connected([east, west]);
  const adapter = new KeyvRedis(handed(client), { namespace: 'all', throwOnErrors: true });
  const cache = new Keyv(adapter, { namespace: 'all', useKeyPrefix: false, throwOnErrors: true });
  expect([adapter.isCluster(), adapter.isSentinel()]).toEqual([false, false]);
  await cache.set('key', 'east');
  const switched = switchTo(client, 'west');
  await east.kill();
  await switched;
  expect(await cache.get('key')).toBeUndefined();
  await cache.setMany([
    { key: 'a', value: 1 },
    { key: 'b', value: 2, ttl: 60_000 },
  ]);
  expect(await cache.getMany(['a', 'b', 'c'])).toEqual([1, 2, undefined]);
  expect(await cache.hasMany(['a', 'c'])).toEqual([true, false]);
  expect(await cache.has('b')).toBe(true);
  const entries: unknown[] = [];
  for await (const entry of cache.iterator?.(undefined) ?? []) entries.push(entry);
  expect(entries).toHaveLength(2);
  expect(await cache.delete('a')).toBe(true);
  expect(await cache.deleteMany(['b', 'c'])).toBe(true);
  await cache.set('d', 4);
  await cache.clear();
  expect(await west.command('DBSIZE')).toBe(0);
});

it('connects a client that is not open, once, and closes it', async () => {
  const [east, west] = await servers();
  const client = own(clientOf([east, west]));
  const cache = createKeyvNonBlocking(handed(client), { namespace: 'lazy' });
  await Promise.all(Array.from({ length: 20 }, (_, number) => cache.set(`key-${number}`, number)));
  expect(await cache.get('key-7')).toBe(7);
  expect(client.isOpen).toBe(true);
  // One for data and one for health checks.
  expect(await connections(east)).toBe(2);
  await cache.disconnect();
  expect(client.isOpen).toBe(false);
});

it('cache-manager wraps, and computes again what the next database does not have', async () => {
  const [east, west] = await servers();
  const client = await connected([east, west]);
  const cache = createCache({
    ttl: 60_000,
    stores: [createKeyv(handed(client.withRetrySafety('last-write-wins')))],
  });
  const failures: unknown[] = [];
  cache.on('set', ({ error }) => error !== undefined && failures.push(error));
  const computed: number[] = [];
  let next = 0;
  const traffic = new Traffic(
    async () => {
      const number = next++ % 50;
      const value = await cache.wrap(`key-${number}`, async () => {
        computed.push(number);
        return { number };
      });
      expect(value).toEqual({ number });
    },
    { callers: 20 },
  );
  await traffic.flows(300);
  const switched = switchTo(client, 'west');
  await east.kill();
  await switched;
  await traffic.flows(300);
  await traffic.stop();
  expect([traffic.errors, failures]).toEqual([[], []]);
  // Computed for each database, by more than one caller at most as long as nobody had stored it.
  expect(new Set(computed).size).toBe(50);
  expect(await west.command('DBSIZE')).toBe(50);
  const before = computed.length;
  for (let number = 0; number < 50; number += 1) {
    expect(await cache.get(`key-${number}`)).toEqual({ number });
  }
  expect(computed.length).toBe(before);
});

it('while every database is down a cache misses, and stores again when one is back', async () => {
  const [east, west] = await servers();
  const client = await connected([east, west]);
  const cache = createCache({ stores: [createKeyv(handed(client))] });
  expect(await cache.wrap('key', async () => 1)).toBe(1);
  const down = new Promise((resolve) => client.once('all-databases-down', resolve));
  await Promise.all([east.kill(), west.kill()]);
  await down;
  expect(await cache.wrap('key', async () => 2)).toBe(2);
  expect(await cache.get('key')).toBeUndefined();
  const recovered = new Promise((resolve) => client.once('recovered', resolve));
  await west.restart();
  await recovered;
  expect(await cache.wrap('key', async () => 3)).toBe(3);
  expect(await cache.get('key')).toBe(3);
});
