/** rate-limiter-flexible: limits are counted on one database, never twice. */

import { RateLimiterMemory, RateLimiterRedis, RateLimiterRes } from 'rate-limiter-flexible';
import type { MultiDbClient } from 'redis-multidb';
import { isMultiDbError } from 'redis-multidb';
import { expect, it } from 'vitest';
import { expectNoLeaks, type RedisServer, startRedis } from '../../kit/index.js';
import { clientOf, connected, errorOf, own, servers, switchTo, Traffic } from '../support.js';
import { expectUnknownOnly } from './support.js';

type Options = Partial<ConstructorParameters<typeof RateLimiterRedis>[0]>;

function limiterOf(client: MultiDbClient, options: Options = {}): RateLimiterRedis {
  return new RateLimiterRedis({
    storeClient: client,
    useRedisPackage: true,
    keyPrefix: 'limit',
    points: 5,
    duration: 60,
    ...options,
  });
}

/** The answer of a limiter that refuses. */
async function refusal(consumed: Promise<RateLimiterRes>): Promise<RateLimiterRes> {
  const answer = (await errorOf(consumed as Promise<unknown>)) as unknown;
  expect(answer).toBeInstanceOf(RateLimiterRes);
  return answer as RateLimiterRes;
}

const pointsOn = async (server: RedisServer, key: string) =>
  Number(await server.command('GET', `limit:${key}`));

it('counts every point once, on one database or the other, when one is killed under load', async () => {
  const [east, west] = await Promise.all([startRedis({ persist: true }), startRedis()]);
  await expectNoLeaks(async () => {
    const client = await connected([east, west]);
    const limiter = limiterOf(client, { points: 1_000_000 });
    const traffic = new Traffic(() => limiter.consume('all'), { callers: 50 });
    await traffic.flows();
    const switched = switchTo(client, 'west');
    await east.kill();
    await switched;
    await traffic.flows();
    await traffic.stop();
    expectUnknownOnly(traffic.errors);
    // An acknowledged point was consumed once; a point with an unknown outcome once or not at all.
    expect(traffic.errors.length).toBeLessThanOrEqual(50);
    await client.close();
    await east.restart();
    const counted = (await pointsOn(east, 'all')) + (await pointsOn(west, 'all'));
    expect(counted).toBeGreaterThanOrEqual(traffic.successes);
    expect(counted).toBeLessThanOrEqual(traffic.successes + traffic.errors.length);
  });
});

it('keeps limits after the switch as before it', async () => {
  const [east, west] = await servers();
  const client = await connected([east, west]);
  const limiter = limiterOf(client, { blockDuration: 30 });
  const usesUp = async (key: string) => {
    for (let left = 4; left >= 0; left -= 1) {
      expect((await limiter.consume(key)).remainingPoints).toBe(left);
    }
    expect((await refusal(limiter.consume(key))).msBeforeNext).toBeGreaterThan(0);
  };
  await usesUp('someone');
  const switched = switchTo(client, 'west');
  await east.kill();
  await switched;
  // The databases are independent: what was counted in the other one is not here.
  await usesUp('someone');
  expect(await pointsOn(west, 'someone')).toBe(6);
  expect(await west.command('PTTL', 'limit:someone')).toBeGreaterThan(0);

  expect((await limiter.get('someone'))?.consumedPoints).toBe(6);
  expect((await limiter.penalty('other', 2)).consumedPoints).toBe(2);
  expect((await limiter.reward('other')).consumedPoints).toBe(1);
  expect((await limiter.set('other', 4, 60)).consumedPoints).toBe(4);
  await limiter.block('other', 60);
  await refusal(limiter.consume('other'));
  expect(await limiter.delete('other')).toBe(true);
  expect(await limiter.get('other')).toBeNull();
});

it('limits forever as well, which goes through a transaction', async () => {
  const [east, west] = await servers();
  const client = await connected([east, west]);
  const limiter = limiterOf(client, { duration: 0, points: 1_000_000 });
  const traffic = new Traffic(() => limiter.consume('forever'), { callers: 20 });
  await traffic.flows(200);
  const switched = switchTo(client, 'west');
  await east.kill();
  await switched;
  await traffic.flows(200);
  await traffic.stop();
  expectUnknownOnly(traffic.errors);
  expect(traffic.errors.length).toBeLessThanOrEqual(20);
  expect(await pointsOn(west, 'forever')).toBeGreaterThanOrEqual(200);
});

it('has its insurance answer what fails at a switch, and while all are down', async () => {
  const [east, west] = await servers();
  const client = own(await connected([east, west]));
  const insuranceLimiter = new RateLimiterMemory({ points: 1_000_000, duration: 60 });
  const limiter = limiterOf(client, {
    points: 1_000_000,
    insuranceLimiter,
    rejectIfRedisNotReady: true,
  });
  // The insurance answers without a turn of the event loop.
  const options = { callers: 20, pauseMs: 1 };
  const traffic = new Traffic(() => limiter.consume('insured'), options);
  await traffic.flows(200);
  await east.kill();
  await traffic.flows(200);
  const down = new Promise((resolve) => client.once('all-databases-down', resolve));
  await west.kill();
  await down;
  expect(client.isReady).toBe(false);
  await traffic.flows(200);
  expect(traffic.errors).toEqual([]);
  const recovered = new Promise((resolve) => client.once('recovered', resolve));
  await west.restart();
  await recovered;
  await traffic.flows(200);
  await traffic.stop();
  expect(traffic.errors).toEqual([]);
  expect(await pointsOn(west, 'insured')).toBeGreaterThan(0);
});

it('is refused at once with a typed error before connect and after close', async () => {
  const [east, west] = await servers();
  const client = clientOf([east, west]);
  const limiter = limiterOf(client);
  const closed = async () => {
    const error = await errorOf(limiter.consume('someone'));
    expect([isMultiDbError(error), error.code]).toEqual([true, 'CLIENT_CLOSED']);
  };
  await closed();
  await client.connect();
  expect((await limiter.consume('someone')).remainingPoints).toBe(4);
  await client.close();
  await closed();
});
