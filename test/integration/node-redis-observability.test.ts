/**
 * node-redis's own traces and OpenTelemetry metrics: the same calls on a plain client and on ours
 * tell the same.
 */
import { channel, subscribe, tracingChannel, unsubscribe } from 'node:diagnostics_channel';
import {
  AggregationTemporality,
  type DataPoint,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { createClient, createClientPool, OpenTelemetry } from '@redis/client';
import { type CommandMessage, diagnosticsChannelName, type MultiDbClient } from 'redis-multidb';
import { afterAll, expect, it } from 'vitest';
import type { RedisServer } from '../kit/index.js';
import { connected, databases, own, servers } from './support.js';

const exporter = new InMemoryMetricExporter(AggregationTemporality.DELTA);
const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
const meterProvider = new MeterProvider({ readers: [reader] });
OpenTelemetry.init({
  metrics: {
    enabled: true,
    meterProvider: meterProvider as never,
    enabledMetricGroups: [
      ...(['command', 'connection-basic', 'connection-advanced', 'resiliency'] as const),
      ...(['pubsub', 'streaming', 'client-side-caching'] as const),
    ],
  },
});
afterAll(() => meterProvider.shutdown());

type Series = Record<string, number>;

/** What was counted since the last call, by metric and attributes; of each histogram the count. */
async function counted(names: readonly string[]): Promise<Series> {
  const { resourceMetrics } = await reader.collect();
  const series: Series = {};
  for (const { metrics } of resourceMetrics.scopeMetrics) {
    for (const { descriptor, dataPoints } of metrics) {
      if (!names.includes(descriptor.name)) continue;
      for (const { attributes, value } of dataPoints as DataPoint<number | { count: number }>[]) {
        const count = typeof value === 'number' ? value : value.count;
        if (count === 0) continue;
        const shown = Object.entries(attributes)
          .filter(([name]) => name !== 'db.client.connection.pool.name')
          .map(([name, each]) => `${name}=${each}`);
        const key = [descriptor.name, ...shown.sort()].join(' ');
        series[key] = (series[key] ?? 0) + count;
      }
    }
  }
  return series;
}

/** As an application uses either client. */
type Client = ReturnType<typeof createClient>;
type Options = Parameters<typeof createClient>[0] & object;

function plain(server: RedisServer, options: Options = {}): Client {
  const client = createClient({ ...options, socket: { host: '127.0.0.1', port: server.port } });
  own({ destroy: () => void (client.isOpen && client.destroy()) });
  client.on('error', () => {});
  return client as unknown as Client;
}

async function ours(server: RedisServer, client: object = {}): Promise<Client> {
  return (await connected([server], { client } as never)) as unknown as Client;
}

async function use(client: Client): Promise<void> {
  await client.flushAll();
  await client.set('text', 'value');
  await client.get('text');
  await client.incr('text').catch(() => {});
  await client.multi().set('a', '1').incr('a').exec();
  await client.multi().get('a').get('text').execAsPipeline();
  await client
    .multi()
    .incr('text')
    .execAsPipeline()
    .catch(() => {});
  await client.xAdd('stream', '*', { field: 'value' });
  await client.xRead({ key: 'stream', id: '0' });
  await client.publish('channel', 'message');
  await client.hGetAll('hash');
}

const METRICS = [
  'db.client.operation.duration',
  'redis.client.errors',
  'redis.client.stream.lag',
  'redis.client.pubsub.messages',
];

it('counts commands, batches, errors, stream lag and messages like a plain client', async () => {
  const [east] = await servers(1);
  const theirs = plain(east);
  await theirs.connect();
  await counted([]);
  await use(theirs);
  await theirs.close();
  await theirs.get('text').catch(() => {});
  const expected = await counted(METRICS);

  const client = await ours(east);
  await counted([]);
  await use(client);
  const open = await counted(METRICS);
  await client.close();
  await client.get('text').catch(() => {});
  const closed = await counted(METRICS);
  const all = { ...open };
  for (const [key, count] of Object.entries(closed)) all[key] = (all[key] ?? 0) + count;

  // After close() the registry knows neither: no address.
  expect(all).toEqual(expected);
  for (const key of Object.keys(open)) expect(key).toContain(`server.port=${east.port}`);
});

it('counts what is refused', async () => {
  const [east] = await servers(1);
  const client = await ours(east);
  await counted([]);
  await client.sendCommand(['CLIENT', 'REPLY', 'OFF']).catch(() => {});
  const [series] = Object.entries(await counted(['redis.client.errors']));
  expect(series?.[0]).toMatch(/error.type=UnsupportedError/);
  expect(series?.[1]).toBe(1);
});

it('counts no error of its own: connecting, probing, switching', async () => {
  const [east, west] = await servers();
  await counted([]);
  const client = await connected([east, west]);
  await client.setActiveDatabase('west');
  await client.close();
  const own = await counted(['redis.client.errors', 'db.client.operation.duration']);
  expect(own).toEqual({});
});

it('counts hits and misses of the cache with the address of the active database', async () => {
  const [east, west] = await servers();
  const cached = { RESP: 3 as const, clientSideCache: {} };
  const use = async (client: Client) => {
    await client.get('key');
    await client.get('key');
    await client.get('key');
  };
  const names = ['redis.client.csc.requests', 'redis.client.csc.items'];
  const theirs = plain(east, cached);
  await theirs.connect();
  await counted([]);
  await use(theirs);
  const expected = await counted(names);
  await theirs.close();

  const client = (await connected([east, west], {
    client: cached,
    failbackSupported: false,
    // Between two reads a value stays fresh, however long a busy machine takes.
    suspectAfterMs: 60_000,
  } as never)) as MultiDbClient;
  await counted([]);
  await use(client as unknown as Client);
  const seen = await counted(names);
  for (const [key, count] of Object.entries(expected)) expect(seen).toMatchObject({ [key]: count });
  await client.setActiveDatabase('west');
  await counted([]);
  await use(client as unknown as Client);
  const there = Object.keys(await counted(['redis.client.csc.requests']));
  expect(there).toHaveLength(2);
  for (const key of there) expect(key).toContain(`server.port=${west.port}`);
});

it('tells how long commands of a pool wait for a connection', async () => {
  const [east] = await servers(1);
  const waits: { clientId: string; waitStartTimestamp: number }[] = [];
  const listener = (message: unknown) => waits.push(message as (typeof waits)[number]);
  const use = async (client: { get(key: string): Promise<unknown> }) => {
    waits.length = 0;
    const before = performance.now();
    await Promise.all([client.get('a'), client.get('b'), client.get('c')]);
    for (const { clientId, waitStartTimestamp } of waits) {
      expect(clientId).toMatch(new RegExp(`:${east.port}/`));
      expect(waitStartTimestamp).toBeGreaterThanOrEqual(before);
      expect(waitStartTimestamp).toBeLessThanOrEqual(performance.now());
    }
    return waits.length;
  };
  const size = { minimum: 1, maximum: 1 };
  const theirs = createClientPool({ socket: { host: '127.0.0.1', port: east.port } }, size);
  await theirs.connect();
  own({ destroy: () => theirs.destroy() });
  const pool = { topology: 'pool' as const, pool: size };
  const client = await connected([east], {
    databases: databases([east]).map((each) => ({ ...each, ...pool })),
  });
  channel('node-redis:pool:connection-wait').subscribe(listener);
  try {
    expect(await use(client)).toBe(await use(theirs as never));
  } finally {
    channel('node-redis:pool:connection-wait').unsubscribe(listener);
  }
});

/** Everything on node-redis's tracing channels, without what differs from client to client. */
function traced() {
  const seen: Record<string, unknown>[] = [];
  const ends: (() => void)[] = [];
  for (const name of ['command', 'batch', 'connect']) {
    const tracing = tracingChannel<object>(`node-redis:${name}`);
    const note = (step: string) => (message: object) => {
      const { clientId, error, result, multiDb, ...rest } = message as Record<string, unknown>;
      expect(clientId).toEqual(expect.any(String));
      const outcome = { hasError: error !== undefined, hasResult: result !== undefined };
      seen.push({ name, step, ...rest, ...outcome });
    };
    const handlers = {
      start: note('start'),
      end: () => {},
      asyncStart: () => {},
      asyncEnd: note('asyncEnd'),
      error: note('error'),
    };
    tracing.subscribe(handlers);
    ends.push(() => tracing.unsubscribe(handlers));
  }
  return {
    seen,
    end() {
      for (const end of ends) end();
    },
  };
}

it('publishes the same commands, batches and one connect as a plain client', async () => {
  const [east] = await servers(1);
  const run = async (client: Client) => {
    const record = traced();
    try {
      await client.connect();
      await use(client);
      await client.close();
      await client.get('text').catch(() => {});
    } finally {
      record.end();
    }
    return record.seen;
  };
  const expected = await run(plain(east));
  const client = await ours(east);
  await client.close();
  const seen = await run(client as unknown as Client);
  const of = (all: typeof seen, name: string) => all.filter((each) => each.name === name);
  for (const name of ['command', 'batch']) expect(of(seen, name)).toEqual(of(expected, name));
  const connects = of(seen, 'connect').map(({ step, hasError }) => ({ step, hasError }));
  expect(connects).toEqual(
    of(expected, 'connect').map(({ step, hasError }) => ({ step, hasError })),
  );
});

it('publishes a command once that is sent twice', async () => {
  const [east, west] = await servers();
  const client = await connected([east, west]);
  await east.command('CLIENT', 'PAUSE', '60000', 'ALL');
  const record = traced();
  try {
    expect(await client.get('key')).toBe(null);
  } finally {
    record.end();
  }
  expect(client.activeDatabase).toBe('west');
  expect(record.seen.map(({ step, command }) => `${command} ${step}`)).toEqual([
    'GET start',
    'GET asyncEnd',
  ]);
});

it('publishes each settled command with its duration on a channel of its own', async () => {
  const [east, west] = await servers();
  const client = await connected([east, west], { client: { name: 'orders' } } as never);
  const seen: CommandMessage[] = [];
  const listener = (message: unknown) => seen.push(message as CommandMessage);
  const name = diagnosticsChannelName('command');
  const settled = async (run: () => Promise<unknown>) => {
    seen.length = 0;
    const before = performance.now();
    await run().catch(() => {});
    const most = performance.now() - before;
    return seen.map(({ command, id, serverPort, database, durationMs, failure }) => {
      expect(durationMs).toBeGreaterThan(0);
      expect(durationMs).toBeLessThanOrEqual(most);
      return { command, id, serverPort, database, code: errorName(failure) };
    });
  };
  const east0 = { id: 'east', serverPort: east.port, database: 0, code: undefined };
  subscribe(name, listener);
  try {
    expect(await settled(() => client.set('text', '1'))).toEqual([{ command: 'SET', ...east0 }]);
    expect(await settled(() => client.sendCommand(['get', 'text']))).toEqual([
      { command: 'GET', ...east0 },
    ]);
    expect(await settled(() => client.lPush('text', 'item'))).toEqual([
      { command: 'LPUSH', ...east0, code: 'SimpleError' },
    ]);
    expect(await settled(() => client.multi().get('a').get('b').exec())).toEqual([
      { command: 'MULTI GET', ...east0 },
    ]);
    const batch = () => client.multi().get('a').incr('text').execAsPipeline();
    expect(await settled(batch)).toEqual([{ command: 'PIPELINE', ...east0 }]);
    const refused = await settled(() => client.sendCommand(['CLIENT', 'REPLY', 'OFF']));
    expect(refused).toMatchObject([{ command: 'CLIENT', id: undefined, serverPort: undefined }]);
    expect(refused[0]?.code).toBe('UnsupportedError');
    // Traced as well: one message, and the trace has its attempts.
    const record = traced();
    expect(await settled(() => client.get('text'))).toEqual([{ command: 'GET', ...east0 }]);
    record.end();
    expect(record.seen.map(({ step }) => step)).toEqual(['start', 'asyncEnd']);

    await east.command('CLIENT', 'PAUSE', '60000', 'ALL');
    expect(await settled(() => client.get('text'))).toEqual([
      { command: 'GET', ...east0, id: 'west', serverPort: west.port },
    ]);
    expect(seen[0]).toMatchObject({ client: 'orders', group: client.stats().group });
  } finally {
    unsubscribe(name, listener);
  }
  seen.length = 0;
  await client.get('text');
  expect(seen).toEqual([]);
});

function errorName(failure: CommandMessage['failure']): string | undefined {
  return failure && (failure.error as Error).constructor.name;
}
