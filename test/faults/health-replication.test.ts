/** ReplicationStrategy with real replication: a replica follows its primary through the fault proxy. */
import {
  InvalidOptionError,
  ReplicationStrategy,
  type ReplicationStrategyOptions,
} from 'redis-multidb';
import { describe, expect, it } from 'vitest';
import { active, clientOf, healthy, QUICK, servers } from '../integration/support.js';
import {
  type FaultProxy,
  type RedisServer,
  startProxy,
  startRedis,
  waitFor,
  waitForSync,
} from '../kit/index.js';

const GATE = { intervalMs: 100, timeoutMs: 1000, numProbes: 1 };
const TOLERANCE_MS = 150;

/** Replication from `primary` to `replica`, through a proxy that can cut it or slow it. */
async function replicate() {
  const primary = await startRedis();
  const link = await startProxy(primary);
  const replica = await startRedis({ replicaOf: { port: link.port } });
  await waitForSync(primary, replica);
  return { primary, link, replica };
}

/** `west` has the strategy as a gate; weights make it the one to be failed back to. */
async function withGate(east: { url: string }, west: { url: string }, options = {}) {
  const strategy = new ReplicationStrategy({ toleranceMs: TOLERANCE_MS, ...options });
  const healthCheck = [QUICK.healthCheck, { ...GATE, strategy }];
  const client = clientOf([], {
    databases: [
      { id: 'east', weight: 0.5, client: { url: east.url } },
      { id: 'west', weight: 1, client: { url: west.url }, healthCheck },
    ],
  });
  await client.connect();
  await healthy(client);
  await waitFor(
    () => client.databases.some(({ lastProbe }) => lastProbe?.check === 'REPLICATION'),
    {
      what: 'a probe of the replication',
    },
  );
  return client;
}

type Client = Awaited<ReturnType<typeof withGate>>;

const gateOf = (client: Client) => {
  const { active: present, others } = client.explain();
  const text = [present?.why, ...others.flatMap(({ details }) => details)].join('; ');
  return /gate closed \((.*?waited \d+ ms)\)/.exec(text)?.[1] ?? text;
};

async function closes(client: Client, reason: string | RegExp): Promise<void> {
  await waitFor(() => gateOf(client).match(reason), { what: `the gate to close: ${reason}` });
}

/** Open, or soon again: a canary of a busy machine may need longer than the tolerance. */
async function opens(client: Client): Promise<void> {
  await waitFor(() => !client.explain().toString().includes('gate closed'), {
    what: 'the gate to open',
    timeoutMs: 15_000,
  });
}

/** Resolves when `count` more canaries were published on `server`. */
async function probed(server: RedisServer, count: number): Promise<void> {
  const calls = async () => Number(await callsOf(server, 'publish'));
  const before = await calls();
  await waitFor(async () => (await calls()) >= before + count, { what: 'more canaries' });
}

async function callsOf(server: RedisServer, command: string): Promise<number> {
  const stats = String(await server.command('INFO', 'commandstats'));
  return Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(stats)?.[1] ?? 0);
}

describe('a replica that follows its primary', () => {
  it('passes while it does, with direction: in', async () => {
    const { primary, replica } = await replicate();
    const client = await withGate(primary, replica, { direction: 'in' });
    await probed(primary, 5);
    await opens(client);
  });

  it('fails while its link is cut, and passes when it has caught up', async () => {
    const { primary, link, replica } = await replicate();
    const client = await withGate(primary, replica, { direction: 'in' });
    await opens(client);
    link.refuse();
    link.reset();
    await closes(client, /^REPLICATION: no canary arrived east -> west; waited 150 ms$/);
    await link.restore();
    await opens(client);
    await probed(primary, 3);
    await opens(client);
  });

  it('fails while its link is silent, which the replica itself does not notice', async () => {
    const { primary, link, replica } = await replicate();
    const client = await withGate(primary, replica, { direction: 'in' });
    await opens(client);
    link.silence('to-client');
    await closes(client, 'no canary arrived east -> west');
    expect(await replica.info('master_link_status')).toBe('up');
    await link.restore();
    await opens(client);
  });

  it('fails while its link is slower than the tolerance, and passes when it is within', async () => {
    const { primary, link, replica } = await replicate();
    const client = await withGate(primary, replica, { direction: 'in' });
    await opens(client);
    link.delay({ toClientMs: TOLERANCE_MS * 3 });
    await closes(client, 'no canary arrived east -> west');
    link.delay({ toClientMs: TOLERANCE_MS / 10 });
    await opens(client);
  });

  it('is a one-way break when both directions are expected', async () => {
    const { primary, replica } = await replicate();
    const client = await withGate(primary, replica);
    await closes(
      client,
      /^REPLICATION: no canary arrived west -> east, while east -> west works \(a one-way break\); waited 150 ms$/,
    );
  });

  it('that breaks altogether is told from a one-way break', async () => {
    const { primary, link, replica } = await replicate();
    const client = await withGate(primary, replica);
    link.silence('to-client');
    await closes(client, 'no canary arrived east -> west nor west -> east');
  });

  it('the primary sees the same with direction: out', async () => {
    const { primary, link, replica } = await replicate();
    const client = await withGate(replica, primary, { direction: 'out' });
    await opens(client);
    link.silence('to-client');
    await closes(client, /no canary arrived west -> east; waited/);
    await link.restore();
    await opens(client);
  });
});

it('keeps a database that lags from being failed back to, until it has caught up', async () => {
  const { primary, link, replica } = await replicate();
  const west = await startProxy(replica);
  const client = await withGate(primary, west, { direction: 'in' });
  await opens(client);
  west.refuse();
  west.reset();
  await active(client, 'east');
  link.silence('to-client');
  await west.restore();
  await closes(client, 'no canary arrived east -> west');
  await waitFor(() => client.explain().others[0]?.lacks.join() === 'gate closed', {
    what: 'nothing but the gate to be in the way',
  });
  expect(client.activeDatabase).toBe('east');
  await client.set('written', 'meanwhile');
  await link.restore();
  await active(client, 'west');
  expect(await client.get('written')).toBe('meanwhile');
});

describe('a peer', () => {
  async function unreachable(fault: (proxy: FaultProxy) => unknown) {
    const { primary, replica } = await replicate();
    const proxy = await startProxy(primary);
    const client = await withGate(proxy, replica, { direction: 'in' });
    await opens(client);
    await fault(proxy);
    await waitFor(() => !client.isHealthy('east'), { what: 'east to be unhealthy' });
    return client;
  }

  it.each<[string, (proxy: FaultProxy) => unknown]>([
    [
      'refuses',
      (proxy) => {
        proxy.refuse();
        proxy.reset();
      },
    ],
    ['is silent', (proxy) => proxy.silence()],
    ['swallows new connections', (proxy) => proxy.halfOpen()],
  ])('that %s is left out: the gate of the one that takes over stays open', async (_, fault) => {
    const client = await unreachable(fault);
    const seen = Date.now();
    const isLater = () =>
      client.databases[1]?.lastProbe?.check === 'REPLICATION' &&
      client.databases[1].lastProbe.at.getTime() > seen + 1000;
    await waitFor(isLater, { what: 'another probe of the replication', timeoutMs: 10_000 });
    await opens(client);
    expect(client.explain().active).toMatchObject({ id: 'west', lastResort: false });
  });

  it('that is not in `peers` is not compared with', async () => {
    const { primary, replica } = await replicate();
    const [stranger] = await servers(1);
    const client = await withGate(primary, replica, { direction: 'in', peers: ['east'] });
    client.addDatabase({ id: 'north', weight: 0.1, client: { url: stranger.url } });
    await healthy(client, 'north');
    await probed(primary, 5);
    await opens(client);
  });

  it('that does not replicate closes the gate, and is named', async () => {
    const { primary, replica } = await replicate();
    const [stranger] = await servers(1);
    const client = await withGate(primary, replica, { direction: 'in' });
    client.addDatabase({ id: 'north', weight: 0.1, client: { url: stranger.url } });
    await closes(client, /^REPLICATION: no canary arrived north -> west; waited/);
  });

  it('is missing: says so', async () => {
    const [east] = await servers(1);
    const strategy = new ReplicationStrategy();
    const client = clientOf([east], {
      healthCheck: [QUICK.healthCheck, { ...GATE, strategy }],
    });
    await client.connect();
    await waitFor(() => client.explain().toString().includes('there is no other database'), {
      what: 'the reason to be shown',
    });
  });
});

it('a subscriber connection that went silent is replaced', async () => {
  const { primary, replica } = await replicate();
  const west = await startProxy(replica);
  const client = await withGate(primary, west, { direction: 'in' });
  await opens(client);
  const subscriber = west.openConnections.find(({ seen }) => seen.has('SUBSCRIBE'));
  expect(subscriber).toBeDefined();
  west.silence('both', { scope: (connection) => connection === subscriber });
  await waitFor(() => client.explain().toString().includes('no answer within 1000 ms'), {
    what: 'the probe to run into its timeout',
  });
  await opens(client);
  expect(client.isHealthy('west')).toBe(true);
});

it('costs one more connection per database that listens, and leaves no subscription behind', async () => {
  const { primary, replica } = await replicate();
  const client = await withGate(primary, replica, { direction: 'in' });
  await probed(primary, 5);
  /** Without the one that asks, and without the link between the servers. */
  const connectionsOf = async (server: RedisServer) => {
    const lines = String(await server.command('CLIENT', 'LIST'))
      .trim()
      .split('\n');
    return lines.filter((line) => /flags=[NP]/.test(line)).length - 1;
  };
  // Data, probes, subscriptions; at the primary the third one publishes for the check of the replica.
  expect(await connectionsOf(replica)).toBe(3);
  expect(await connectionsOf(primary)).toBe(3);
  await client.close();
  await waitFor(async () => (await connectionsOf(replica)) === 0, { what: 'the end' });
  expect(await replica.command('PUBSUB', 'CHANNELS', '*')).toEqual([]);
});

it('a server that forbids the channel is told so', async () => {
  const { primary, replica } = await replicate();
  await replica.command('ACL', 'SETUSER', 'app', 'on', '>secret', '+@all', '~*', 'resetchannels');
  const url = replica.url.replace('redis://', 'redis://app:secret@');
  const client = await withGate(primary, { url }, { direction: 'in' });
  await waitFor(() => client.explain().toString().includes('NOPERM'), { what: 'the reason' });
  await replica.command('ACL', 'SETUSER', 'app', '&app:canary:*');
  const allowed = { direction: 'in', channelPrefix: 'app:canary:' };
  const other = await withGate(primary, { url }, allowed);
  await opens(other);
});

it.each<[ReplicationStrategyOptions, string]>([
  [{ toleranceMs: 0 }, 'ReplicationStrategy.toleranceMs'],
  [{ direction: 'inwards' as never }, 'ReplicationStrategy.direction'],
  [{ peers: [] }, 'ReplicationStrategy.peers'],
  [{ peers: 'east' as never }, 'ReplicationStrategy.peers'],
  [{ role: 'no' as never }, 'ReplicationStrategy.role'],
  [{ channelPrefix: 5 as never }, 'ReplicationStrategy.channelPrefix'],
  [{ tolerance: 5 } as never, 'ReplicationStrategy.tolerance'],
])('%j is rejected', (options, option) => {
  const make = () => new ReplicationStrategy(options);
  expect(make).toThrow(InvalidOptionError);
  expect(make).toThrow(expect.objectContaining({ option }));
});
