/** scanIterator and its kin: a switch in the middle. */
import type { MultiDbClient } from 'redis-multidb';
import { beforeEach, describe, expect, it } from 'vitest';
import { type RedisServer, startProxy } from '../kit/index.js';
import { connected, errorOf, own, servers, switchTo } from './support.js';

const BY_HAND = { failbackSupported: false };
const SIZE = 1000;
let east: RedisServer;
let west: RedisServer;

beforeEach(async () => {
  [east, west] = await servers();
  for (const server of [east, west]) {
    const names = Array.from({ length: SIZE }, (_, index) => `m${index}`);
    await server.command('DEBUG', 'POPULATE', String(SIZE));
    await server.command('HSET', 'hash', ...names.flatMap((name) => [name, 'x'.repeat(80)]));
    await server.command('SADD', 'set', ...names);
    await server.command('ZADD', 'zset', ...names.flatMap((name, score) => [String(score), name]));
  }
});

type Pages = AsyncIterable<readonly unknown[]>;
const nameOf = (item: unknown) => {
  const { field, value } = item as { field?: string; value?: string };
  return String(field ?? value ?? item);
};
const ITERATORS: Record<string, (client: MultiDbClient) => Pages> = {
  scanIterator: (client) => client.scanIterator({ COUNT: 50 }),
  hScanIterator: (client) => client.hScanIterator('hash', { COUNT: 50 }),
  sScanIterator: (client) => client.sScanIterator('set', { COUNT: 50 }),
  zScanIterator: (client) => client.zScanIterator('zset', { COUNT: 50 }),
};

/** All that it answers; `disturb` is called after the third page. */
async function collect(pages: Pages, disturb: () => Promise<unknown> = async () => {}) {
  const seen = new Set<string>();
  let count = 0;
  for await (const page of pages) {
    for (const item of page) seen.add(nameOf(item));
    count += 1;
    if (count === 3) await disturb();
  }
  return seen;
}

const sizeOf = (name: string) => (name === 'scanIterator' ? SIZE + 3 : SIZE);

describe.each(Object.entries(ITERATORS))('%s', (name, iterate) => {
  it('sees everything without a switch', async () => {
    const client = await connected([east, west]);
    expect((await collect(iterate(client))).size).toBe(sizeOf(name));
  });

  it('throws a typed error at a switch', async () => {
    const client = await connected([east, west], BY_HAND);
    const error = await errorOf(collect(iterate(client), () => client.setActiveDatabase('west')));
    expect(error).toMatchObject({ code: 'DATABASE_SWITCHED', databaseId: 'east' });
  });

  it('begins again on the new database, if it is told to', async () => {
    const client = await connected([east, west], { ...BY_HAND, iterators: 'restart' });
    const seen = await collect(iterate(client), () => client.setActiveDatabase('west'));
    expect(seen.size).toBe(sizeOf(name));
  });

  it('begins again after a kill in the middle', async () => {
    const client = await connected([east, west], BY_HAND);
    const view = client.withCommandOptions({ iterators: 'restart' });
    const seen = await collect(iterate(view as unknown as MultiDbClient), () => east.kill());
    expect(seen.size).toBe(sizeOf(name));
    expect(client.activeDatabase).toBe('west');
  });
});

it('begins again after a page under way was cut off or came to nothing', async () => {
  const proxy = await startProxy(east);
  const options = { ...BY_HAND, iterators: 'restart', commandTimeoutMs: 1000 } as const;
  const client = await connected([proxy, west], options);
  const seen = await collect(client.scanIterator({ COUNT: 50 }), async () => {
    proxy.silence('to-client');
  });
  expect(seen.size).toBe(SIZE + 3);
  expect(client.activeDatabase).toBe('west');
});

it('throws what cuts a page off, where it is to throw', async () => {
  const client = await connected([east, west], BY_HAND);
  const pages = client.scanIterator({ COUNT: 50 });
  await pages.next();
  const switched = switchTo(client, 'west');
  await east.kill();
  const error = await errorOf(pages.next());
  expect(['CONNECTION_LOST', 'DATABASE_SWITCHED']).toContain(error.code);
  await switched;
  // An iterator that has thrown is over.
  expect(await pages.next()).toEqual({ done: true, value: undefined });
});

it('sends no cursor of before to a database that comes back', async () => {
  const client = await connected([east, west], BY_HAND);
  const there = ['west', 'east'];
  const pages = client.scanIterator({ COUNT: 50 });
  await pages.next();
  for (const id of there) await client.setActiveDatabase(id);
  // Active again; meanwhile it may have been another server.
  expect(await errorOf(pages.next())).toMatchObject({ code: 'DATABASE_SWITCHED' });
  const again = client
    .withCommandOptions({ iterators: 'restart' })
    .scanIterator({ COUNT: 50 }) as Pages;
  const seen = await collect(again, async () => {
    for (const id of there) await client.setActiveDatabase(id);
  });
  expect(seen.size).toBe(SIZE + 3);
});

it('begins again when only its connection was cut', async () => {
  const client = await connected([east, west], { iterators: 'restart' });
  const seen = await collect(client.scanIterator({ COUNT: 50 }), () =>
    east.command('CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes'),
  );
  expect(seen.size).toBe(SIZE + 3);
  expect(client.activeDatabase).toBe('east');
});

it('leaves errors of the server and of the loop alone', async () => {
  const client = await connected([east, west], { iterators: 'restart' });
  expect((await errorOf(collect(client.hScanIterator('set')))).message).toMatch(/^WRONGTYPE/);
  const thrown = new Error('of the loop');
  const error = await errorOf(collect(client.scanIterator(), () => Promise.reject(thrown)));
  expect(error).toBe(thrown);
  const duplicate = own(client.duplicate());
  await duplicate.connect();
  expect((await collect(duplicate.scanIterator())).size).toBe(SIZE + 3);
});
