/** A server that sends surplus or invalid replies: the connection counts as lost. */
import { ErrorReply } from '@redis/client';
import {
  createMultiDbClient,
  isMultiDbError,
  type MultiDbClient,
  type MultiDbClientOptions,
} from 'redis-multidb';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  GARBAGE,
  type GarbageName,
  type HostileServer,
  startCluster,
  startHostileServer,
  startRedis,
  startSentinel,
  waitFor,
} from '../kit/index.js';
import { active, clientOf, errorOf, own, QUICK } from './support.js';

const names = Object.keys(GARBAGE) as GarbageName[];
/** A client may take it for a push, and ignores one that it does not know. */
const PUSHES: readonly GarbageName[] = ['a push of nothing known', 'an empty push'];

let hostile: HostileServer;

beforeEach(async () => {
  hostile = await startHostileServer({ target: await startRedis() });
});

/** Health checks that disturb nothing, and short waits for replies that were broken. */
const RARELY = {
  healthCheck: { intervalMs: 60_000, numProbes: 1 },
  suspectAfterMs: 1000,
  commandTimeoutMs: 500,
  commandRetry: { waitDurationMs: 20 },
} as const;

const isLost = (error: unknown) =>
  (error as { code?: unknown }).code === 'CONNECTION_LOST' &&
  (error as { maybeExecuted?: unknown }).maybeExecuted === true;

/**
 * What a caller may get when the stream breaks under a command: a lost connection, no database to
 * serve, or a server's words that came in the place of a reply. Never what a library threw.
 */
const isTyped = (error: unknown) => isMultiDbError(error) || error instanceof ErrorReply;

/** Reconnects at once, as often as a test breaks a connection. */
const AT_ONCE = { socket: { reconnectStrategy: () => 0 } } as const;

/** Connects, without waiting for the first verdicts. */
async function open(options: Partial<MultiDbClientOptions> = {}): Promise<MultiDbClient> {
  const client = clientOf([hostile], { ...RARELY, client: AT_ONCE, ...options });
  await client.connect();
  return client;
}

describe.each([2, 3] as const)('RESP %d', (RESP) => {
  it('an idle connection that says anything is replaced, and no command fails', async () => {
    const client = await open({ client: { RESP, ...AT_ONCE } });
    await client.set('k', 'v');
    await healthyAll(client);
    for (const name of names) {
      const before = client.databases[0]?.lastProbe;
      hostile.say(GARBAGE[name]);
      if (RESP === 2 || !PUSHES.includes(name)) {
        // The next one must not be taken for the reply to a health check, which would fail.
        const isChecked = () => client.databases[0]?.lastProbe !== before && hostile.isQuiet;
        await waitFor(isChecked, { what: `${name} to be noticed` });
      }
      expect([name, await client.get('k')]).toEqual([name, 'v']);
    }
    expect(client.stats().pending).toBe(0);
    expect(client.activeDatabase).toBe('east');
  });
});

it('an error line and a FIN in the turn in which commands are issued: they go out anew', async () => {
  const client = await open();
  await client.set('k', 'v');
  const rejected: unknown[] = [];
  const note = (error: unknown) => void rejected.push(error);
  for (let round = 0; round < 8; round += 1) {
    await waitFor(() => client.isReady, { what: 'a connection' });
    hostile.say(GARBAGE['error line'], { end: true });
    const all: Promise<unknown>[] = [];
    for (let turn = 0; turn < 40; turn += 1) {
      all.push(client.get('k').catch(note), client.incr('n').catch(note));
      // Nobody looks at it: a rejection would end the process.
      client.publish('channel', 'message');
      await new Promise((resolve) => setImmediate(resolve));
    }
    await Promise.all(all);
  }
  expect(rejected.filter((error) => !isTyped(error))).toEqual([]);
  expect(client.stats().pending).toBe(0);
});

it.each(['an HTTP answer', 'random bytes', 'a huge array'] as const)(
  '%s as replies: what was written is lost, and the next database serves',
  async (name) => {
    const west = await startRedis();
    await west.command('SET', 'k', 'west');
    const client = clientOf([hostile, west]);
    await client.connect();
    await active(client, 'east');
    await healthyAll(client);
    hostile.answer(GARBAGE[name]);
    const [read, write] = await Promise.allSettled([client.get('k'), client.incr('n')]);
    expect(read).toEqual({ status: 'fulfilled', value: 'west' });
    expect(isLost((write as PromiseRejectedResult).reason)).toBe(true);
    expect(client.activeDatabase).toBe('west');
    expect(client.databases[0]?.health).toBe('unhealthy');
    hostile.behave();
    await waitFor(() => client.activeDatabase === 'east', { what: 'failback', timeoutMs: 10_000 });
  },
);

async function healthyAll(client: MultiDbClient): Promise<void> {
  const all = () => client.databases.every(({ id }) => client.isHealthy(id));
  await waitFor(all, { what: 'all to be healthy' });
}

it('a database that never says anything else is not used, and harms nothing', async () => {
  const west = await startRedis();
  hostile.greet(GARBAGE['an HTTP answer']);
  hostile.answer(GARBAGE['random bytes']);
  const client = clientOf([hostile, west]);
  await client.connect();
  expect(client.activeDatabase).toBe('west');
  expect(await client.set('k', 'v')).toBe('OK');
});

it('subscriptions go on over a new connection', async () => {
  const client = await open();
  const heard: string[] = [];
  await client.subscribe('channel', (message) => heard.push(message));
  for (const name of ['half a reply', 'an HTTP answer', 'one reply more'] as const) {
    hostile.say(GARBAGE[name]);
    await waitFor(
      async () => {
        await client.publish('channel', name);
        return heard.includes(name);
      },
      { what: `a message after ${name}`, timeoutMs: 10_000 },
    );
  }
});

it('a transaction under way rejects with a typed error, and the next one works', async () => {
  const client = await open();
  for (const name of ['half a reply', 'random bytes', 'an HTTP answer'] as const) {
    let calls = 0;
    const attempt = client.transaction(
      ['k'],
      async (tx) => {
        calls += 1;
        const before = hostile.accepted;
        // A health check that gets it as a reply finds the database unhealthy, as it should.
        hostile.say(GARBAGE[name], { toThoseThatSent: 'WATCH' });
        await waitFor(() => hostile.accepted > before, { what: 'the loss' });
        return tx.multi().incr('n').exec();
      },
      { maxAttempts: 1 },
    );
    expect([(await errorOf(attempt)).name, calls]).toEqual(['ConnectionLostError', 1]);
    expect(await client.transaction(['k'], (tx) => tx.multi().echo(name).exec())).toEqual([name]);
  }
  expect(await client.get('n')).toBeNull();
});

it('a pool replaces its connections', async () => {
  const client = own(
    createMultiDbClient({
      ...QUICK,
      ...RARELY,
      databases: [{ topology: 'pool', client: { url: hostile.url }, pool: { minimum: 3 } }],
      client: AT_ONCE,
    }),
  );
  await client.connect();
  await client.set('k', 'v');
  for (const name of names) {
    hostile.say(GARBAGE[name]);
    const outcomes = await Promise.allSettled(Array.from({ length: 20 }, () => client.get('k')));
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') expect(outcome.reason).toSatisfy(isTyped);
    }
  }
  await waitFor(async () => (await client.get('k').catch(() => '')) === 'v', { what: 'a reply' });
});

it('so do a node of a cluster and a sentinel', async () => {
  const [cluster, sentinel] = await Promise.all([
    startCluster({ masters: 3, replicas: 0 } as never),
    startSentinel(),
  ]);
  const nodes = new Map<string, HostileServer>();
  for (const { host, port } of [...cluster.nodes, await sentinel.master()]) {
    nodes.set(`${host}:${port}`, await startHostileServer({ target: { host, port } }));
  }
  const asked = await startHostileServer({ target: sentinel.seeds[0] as { port: number } });
  // The other sentinels and replicas are reached directly.
  const nodeAddressMap = (address: string) => {
    const direct = Number(address.split(':').at(-1));
    return { host: '127.0.0.1', port: nodes.get(address)?.port ?? direct };
  };
  const rootNodes = cluster.seeds.map(({ url }) => ({ url }));
  const { name } = sentinel;
  const sentinelRootNodes = [{ host: '127.0.0.1', port: asked.port }];
  const client = own(
    createMultiDbClient({
      ...QUICK,
      ...RARELY,
      databases: [
        { id: 'cluster', topology: 'cluster', cluster: { rootNodes, nodeAddressMap } },
        {
          id: 'sentinel',
          weight: 0.5,
          topology: 'sentinel',
          sentinel: { name, sentinelRootNodes, nodeAddressMap },
        },
      ],
    }),
  );
  await client.connect();
  await waitFor(() => client.databases.every(({ id }) => client.isHealthy(id)), { what: 'all' });
  for (const id of ['cluster', 'sentinel']) {
    await client.forceActiveDatabase(id);
    await Promise.all(Array.from({ length: 30 }, (_, index) => client.set(`k${index}`, 'v')));
    for (const name of ['error line', 'random bytes', 'a huge array', 'half a reply'] as const) {
      for (const node of [...nodes.values(), asked]) node.say(GARBAGE[name]);
      const outcomes = await Promise.allSettled(
        Array.from({ length: 30 }, (_, index) => client.get(`k${index}`)),
      );
      for (const outcome of outcomes) {
        if (outcome.status === 'rejected') expect(outcome.reason).toSatisfy(isTyped);
      }
    }
    await waitFor(async () => (await client.get('k1').catch(() => '')) === 'v', {
      what: 'a reply',
    });
  }
});
