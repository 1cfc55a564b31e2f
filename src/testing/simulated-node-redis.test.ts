/** Libraries and applications over fake databases, with the API of node-redis. */
import { ErrorReply, WatchError } from '@redis/client';
import { RedisStore } from 'connect-redis';
import { RateLimiterRedis } from 'rate-limiter-flexible';
import { beforeEach, expect, it } from 'vitest';
import type { MultiDbClient } from '../client/node-redis/client-type.js';
import { FakeDatabase } from './fake-database.js';
import { createSimulatedClient } from './simulated-node-redis.js';
import { VirtualClock } from './virtual-clock.js';

let clock: VirtualClock;
let east: FakeDatabase;
let west: FakeDatabase;
let client: MultiDbClient;

beforeEach(async () => {
  clock = new VirtualClock();
  east = new FakeDatabase({ id: 'east', clock });
  west = new FakeDatabase({ id: 'west', clock });
  client = createSimulatedClient({
    clock,
    databases: [
      { database: east, weight: 1 },
      { database: west, weight: 0.5 },
    ],
    options: { gracePeriodMs: 30_000, failbackCheckIntervalMs: 10_000 },
  });
  await clock.settled(client.connect());
  return () => client.destroy();
});

const settled = <T>(promise: PromiseLike<T>) => clock.settled(promise);
const errorOf = (promise: Promise<unknown>) =>
  settled(
    promise.then(
      () => undefined,
      (error: unknown) => error,
    ),
  );

it('has the commands of node-redis, with replies of the same shape', async () => {
  expect(await settled(client.set('key', 'value', { EX: 10 }))).toBe('OK');
  expect(await settled(client.get('key'))).toBe('value');
  expect(await settled(client.ttl('key'))).toBe(10);
  await clock.advance(10_000);
  expect(await settled(client.get('key'))).toBe(null);
  expect(await settled(client.hSet('hash', { a: '1', b: '2' }))).toBe(2);
  expect({ ...(await settled(client.hGetAll('hash'))) }).toEqual({ a: '1', b: '2' });
  expect(await settled(client.lPush('list', ['a', 'b']))).toBe(2);
  expect(await settled(client.lRange('list', 0, -1))).toEqual(['b', 'a']);
  expect(await settled(client.sAdd('set', ['a', 'a', 'b']))).toBe(2);
  expect(await settled(client.zAdd('sorted', [{ score: 2, value: 'b' }]))).toBe(1);
  expect(await settled(client.zScore('sorted', 'b'))).toBe(2);
  expect(await settled(client.multi().incr('n').incrBy('n', 4).exec())).toEqual([1, 5]);
  expect(await settled(client.mGet(['n', 'none']))).toEqual(['5', null]);
  const keys = settled(
    (async () => {
      const found: string[] = [];
      for await (const page of client.scanIterator({ MATCH: 's*' })) found.push(...page);
      return found;
    })(),
  );
  expect(await keys).toEqual(['set', 'sorted']);
  expect(await settled(client.exists(['set', 'n', 'none']))).toBe(2);
});

it('rejects with the errors of node-redis', async () => {
  await settled(client.set('key', 'text'));
  const wrong = await errorOf(client.lPush('key', 'item'));
  expect(wrong).toBeInstanceOf(ErrorReply);
  expect(String(wrong)).toContain('WRONGTYPE');
  expect(String(await errorOf(client.sendCommand(['NO-SUCH'])))).toContain('unknown command');
  const conflict = client.transaction(
    'key',
    async (tx) => {
      await client.set('key', 'other');
      return tx.multi().get('key');
    },
    { maxAttempts: 1 },
  );
  expect(await errorOf(conflict)).toBeInstanceOf(WatchError);
});

it('fails over and back, with duplicates and subscriptions', async () => {
  const other = client.duplicate();
  await settled(other.connect());
  const heard: string[] = [];
  await settled(other.subscribe('news', (message) => heard.push(message)));
  east.crash();
  await clock.advance(100);
  expect(client.activeDatabase).toBe('west');
  expect(await settled(client.incr('visits'))).toBe(1);
  west.publish('news', 'hello');
  await clock.advance(10);
  expect(heard).toEqual(['hello']);
  east.restart();
  await clock.until(() => client.activeDatabase === 'east', 120_000, 'the failback');
  other.destroy();
});

it('serves connect-redis', async () => {
  const store = new RedisStore({ client, ttl: 60 });
  const session = { cookie: { originalMaxAge: null } } as never;
  await settled(store.set('id', session));
  expect(await settled(store.get('id'))).toEqual(session);
  expect(await settled(store.ids())).toEqual(['id']);
  east.crash();
  expect(await settled(store.get('id'))).toBeFalsy();
  expect(client.activeDatabase).toBe('west');
  await settled(store.set('id', session));
  await clock.advance(60_000);
  expect(await settled(store.get('id'))).toBeFalsy();
});

it('serves rate-limiter-flexible, whose script the test provides', async () => {
  const limiter = new RateLimiterRedis({
    storeClient: client,
    useRedisPackage: true,
    points: 2,
    duration: 60,
  });
  expect(String(await errorOf(limiter.consume('user')))).toContain('no Lua');
  for (const database of [east, west]) {
    database.scripts = ({ keys: [key = ''], args: [points = '', seconds = ''], call }) => {
      call('SET', key, 0, 'EX', seconds, 'NX');
      return [call('INCRBY', key, points), call('PTTL', key)];
    };
  }
  await settled(limiter.consume('user'));
  await settled(limiter.consume('user'));
  expect(await errorOf(limiter.consume('user'))).toMatchObject({ remainingPoints: 0 });
  await clock.advance(60_000);
  expect(await settled(limiter.consume('user'))).toMatchObject({ remainingPoints: 1 });
});

it('adds a fake database that it was given, and refuses RESP 3', async () => {
  const north = new FakeDatabase({ id: 'north', clock });
  const own = createSimulatedClient({ clock, databases: [{ database: east }], others: [north] });
  await settled(own.connect());
  await settled(
    own.addDatabase({ id: 'north', weight: 2, client: { url: `redis://${north.address}` } }),
  );
  await clock.until(() => own.activeDatabase === 'north', 60_000, 'the better database');
  own.destroy();
  expect(() =>
    createSimulatedClient({
      clock,
      databases: [{ database: east }],
      options: { client: { RESP: 3 } },
    }),
  ).toThrow('client.RESP: expected 2 over fake databases, received 3');
});

it('tells what did not settle', async () => {
  east.silence();
  west.silence();
  await expect(clock.settled(client.get('key'), 1000)).rejects.toThrow(
    'the result did not come within 1000 ms',
  );
});
