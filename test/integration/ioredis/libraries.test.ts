/**
 * Published libraries that take an ioredis client, all at once over one client, under load while
 * something happens to its databases. The queue libraries have tests of their own (queues.test.ts).
 * `BULLMQ_FAULTS=all` also runs them over clients of ioredis 5 and iovalkey.
 */
import type { MultiDbClient } from 'redis-multidb';
import { expect, it } from 'vitest';
import { type RedisServer, startRedis, waitFor } from '../../kit/index.js';
import { runsAll, SETTINGS } from '../libraries/bullmq/faults.js';
import '../libraries/support.js';
import { active, Traffic } from '../support.js';
import { LIBRARY_USERS, type LibraryUser } from './library-users.js';
import { LIBRARIES, readyRedis } from './support.js';

const CALLERS = 2;

/** The class that libraries find when they import ioredis. */
const OF_PEERS = LIBRARIES[0]?.[1];

/** Libraries that take an instance of that class alone for a client (`instanceof`). */
const OF_PEERS_ONLY: readonly string[] = ['@nest-lab/throttler-storage-redis'];

interface World {
  readonly east: RedisServer;
  readonly west: RedisServer;
  readonly redis: Awaited<ReturnType<typeof readyRedis>>;
}

interface Fault {
  strike(world: World): Promise<unknown>;
  /** How many errors the callers of one library may see. */
  readonly maxErrors: number;
}

const FAULTS: Record<string, Fault> = {
  // Each caller can have one command under way whose outcome is unknown.
  kill: { strike: ({ east }) => east.kill(), maxErrors: CALLERS },
  freeze: { strike: ({ east }) => east.freeze(), maxErrors: CALLERS },
  'switch by hand': { strike: ({ redis }) => redis.setActiveDatabase('west'), maxErrors: 0 },
  'outage of all': {
    async strike({ east, west, redis }) {
      await Promise.all([east.kill(), west.kill()]);
      await waitFor(() => !redis.isReady, { what: 'the outage', timeoutMs: 10_000 });
      // Nothing hangs: commands are refused.
      await expect(redis.get('greeting')).rejects.toThrow('Connection is closed.');
      await west.restart();
    },
    maxErrors: Number.POSITIVE_INFINITY,
  },
};

const RUNS = (runsAll ? LIBRARIES : LIBRARIES.slice(0, 1)).flatMap(([library, Redis]) =>
  Object.entries(FAULTS).map(([fault, each]) => ({ library, fault, Redis, ...each })),
);

it.each(RUNS)('go on by themselves with $library: $fault', async ({ Redis, strike, maxErrors }) => {
  const [east, west] = await Promise.all([startRedis(), startRedis()]);
  const redis = await readyRedis([east, west], { ...SETTINGS, Redis });
  const users = new Map<string, LibraryUser>();
  for (const [name, start] of Object.entries(LIBRARY_USERS)) {
    if (Redis === OF_PEERS || !OF_PEERS_ONLY.includes(name)) users.set(name, await start(redis));
  }
  let number = 0;
  const idOf = (name: string) => `${name}-${number++}`;
  const traffic = [...users].map(([name, user]) => ({
    name,
    load: new Traffic(() => user.use(idOf(name)), { callers: CALLERS, pauseMs: 2 }),
  }));
  const flow = async () => {
    await Promise.all(
      traffic.map(({ name, load }) =>
        load.flows(20).catch((error) => {
          throw new Error(`${name}: ${error.message}: ${load.errors.at(-1)}`);
        }),
      ),
    );
  };
  await flow();
  expect(traffic.filter(({ load }) => load.errors.length > 0)).toEqual([]);
  await strike({ east, west, redis });
  await active(redis as unknown as MultiDbClient, 'west');
  await flow();
  await Promise.all(traffic.map(({ load }) => load.stop()));
  for (const { name, load } of traffic) {
    expect(load.errors.length, `${name}: ${load.errors}`).toBeLessThanOrEqual(maxErrors);
  }
  for (const [name, user] of users) await user.verify(idOf(name));
  for (const user of users.values()) await user.close();
});
