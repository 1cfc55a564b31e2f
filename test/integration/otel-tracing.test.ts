/** Spans of `otelTracing()`, with node-redis 5 and 6. */
import { SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import {
  InMemorySpanExporter,
  NodeTracerProvider,
  type ReadableSpan,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-node';
import { createClient } from '@redis/client';
import { type OtelTracingOptions, otelTracing } from 'redis-multidb/otel';
import { afterAll, afterEach, beforeEach, expect, it } from 'vitest';
import { startCluster, startProxy, waitFor } from '../kit/index.js';
import { overCluster } from './cluster-support.js';

import { active, connected, databases, errorOf, LONG_GRACE, own, servers } from './support.js';

const exporter = new InMemorySpanExporter();
const tracerProvider = new NodeTracerProvider({
  spanProcessors: [new SimpleSpanProcessor(exporter)],
});
// Also sets the context manager.
tracerProvider.register();
afterAll(() => tracerProvider.shutdown());

let end = () => {};
const tracing = (options: OtelTracingOptions = {}) => {
  end = otelTracing({ tracerProvider, ...options });
};
beforeEach(() => exporter.reset());
afterEach(() => end());

const spans = (): ReadableSpan[] => exporter.getFinishedSpans();
const names = () => spans().map(({ name }) => name);

it('gives each command one span, by the semantic conventions', async () => {
  const [east] = await servers(1);
  tracing();
  const client = await connected([east], {
    client: { name: 'orders' },
    databases: [{ id: 'east', client: { url: `${east.url}/3` } }],
  });
  await trace.getTracer('test').startActiveSpan('request', async (request) => {
    await client.set('key', 'secret');
    await client.get('key');
    await client.duplicate().close();
    request.end();
  });
  expect(names()).toEqual(['SET', 'GET', 'request']);
  const [set, , request] = spans();
  expect(set?.kind).toBe(SpanKind.CLIENT);
  expect(set?.parentSpanContext?.spanId).toBe(request?.spanContext().spanId);
  expect(set?.attributes).toEqual({
    'db.system.name': 'redis',
    'db.operation.name': 'SET',
    'db.namespace': '3',
    'server.address': '127.0.0.1',
    'server.port': east.port,
    'redis.client.library': 'redis-multidb',
    'redis.client.name': 'orders',
    'redis.client.geofailover.database': 'east',
  });
  expect(set?.status).toEqual({ code: SpanStatusCode.UNSET });
  expect(set?.events).toEqual([]);
  expect(JSON.stringify(spans().map(({ attributes }) => attributes))).not.toContain('secret');
});

it('gives a batch, a blocking command, a publication and a duplicate one span each', async () => {
  const [east] = await servers(1);
  const client = await connected([east]);
  const other = own(client.duplicate());
  await other.connect();
  tracing();
  await client.multi().set('a', '1').incr('a').exec();
  await client.multi().get('a').get('b').execAsPipeline();
  await client.lPush('list', 'item');
  await client.blPop('list', 1);
  await client.publish('channel', 'message');
  await other.hSet('hash', 'field', 'value');
  await client.transaction('a', async (tx) => {
    await tx.get('a');
    return tx.multi().incr('a');
  });
  for await (const _ of client.scanIterator());
  expect(names()).toEqual([
    'MULTI',
    'PIPELINE GET',
    ...['LPUSH', 'BLPOP', 'PUBLISH', 'HSET'],
    ...['GET', 'MULTI INCR', 'SCAN'],
  ]);
  expect(spans()[0]?.attributes).toMatchObject({
    'db.operation.name': 'MULTI',
    'db.operation.batch.size': 2,
    'server.port': east.port,
  });
});

it('sets the status of an error, without its text', async () => {
  const [east] = await servers(1);
  const client = await connected([east]);
  tracing();
  await client.set('key', 'text');
  await errorOf(client.lPush('key', 'item'));
  await errorOf(client.sendCommand(['NO-SUCH-COMMAND', 'secret']));
  await errorOf(client.sendCommand(['CLIENT', 'REPLY', 'OFF']));
  await client.close();
  await errorOf(client.get('key'));
  const failed = spans().slice(1);
  expect(failed.map(({ attributes, status }) => [attributes['error.type'], status])).toEqual(
    ['WRONGTYPE', 'ERR', 'UNSUPPORTED', 'CLIENT_CLOSED'].map((type) => [
      type,
      { code: SpanStatusCode.ERROR, message: type },
    ]),
  );
  expect(failed[0]?.attributes['db.response.status_code']).toBe('WRONGTYPE');
  expect(failed[2]?.attributes['db.response.status_code']).toBeUndefined();
  expect(
    JSON.stringify(failed.map(({ attributes, status, events }) => [attributes, status, events])),
  ).not.toContain('secret');
});

it('shows the takeover, and the address of the database that answered', async () => {
  const [east, west] = await servers();
  const proxy = await startProxy(east);
  const client = await connected([proxy, west], LONG_GRACE);
  await client.get('key');
  tracing();
  proxy.silence();
  const replies = Array.from({ length: 5 }, () => client.get('key'));
  await waitFor(() => client.stats().pending === 5, { what: 'commands in flight' });
  await east.kill();
  proxy.refuse();
  proxy.reset();
  await Promise.all(replies);
  expect(client.activeDatabase).toBe('west');
  expect(names()).toEqual(Array(5).fill('GET'));
  for (const { attributes, events, status } of spans()) {
    expect(status.code).toBe(SpanStatusCode.UNSET);
    expect(attributes).toMatchObject({
      'server.port': west.port,
      'redis.client.geofailover.database': 'west',
      'redis.client.operation.retry_attempts': expect.any(Number),
    });
    expect(events.at(-1)).toMatchObject({
      name: 'takeover',
      attributes: {
        'db.client.geofailover.fail_from': 'east',
        'db.client.geofailover.fail_to': 'west',
        'server.port': west.port,
      },
    });
  }
});

it('shows a retry on the same database', async () => {
  const [east] = await servers(1);
  const proxy = await startProxy(east);
  const client = await connected([proxy], {
    ...LONG_GRACE,
    commandRetry: { waitDurationMs: 1, jitter: 0 },
  });
  await client.get('key');
  tracing();
  const cut = proxy.cutAfter(0, 'to-client', (connection) => connection.seen.has('GET'));
  const reply = client.get('key');
  expect(await cut).toBe(true);
  expect(await reply).toBe(null);
  const [span] = spans();
  expect(span?.events).toMatchObject([
    { name: 'retry', attributes: { 'redis.client.geofailover.database': 'east' } },
  ]);
  expect(span?.attributes['redis.client.operation.retry_attempts']).toBe(1);
});

it('names the node of a cluster, and the server of a pool', async () => {
  const cluster = await startCluster();
  const client = await connected([], {
    databases: [overCluster('east', cluster)] as never,
  });
  tracing();
  for (const key of ['a', 'b', 'c', 'd', 'e', 'f']) await client.get(key);
  const ports = new Set(spans().map(({ attributes }) => attributes['server.port']));
  expect(ports.size).toBeGreaterThan(1);
  for (const port of ports) expect(cluster.nodes.map((each) => each.port)).toContain(port);
  client.destroy();

  const [west] = await servers(1);
  const pool = await connected([west], {
    databases: databases([west]).map((each) => ({ ...each, topology: 'pool' as const })),
  });
  exporter.reset();
  await Promise.all([pool.get('a'), pool.get('b')]);
  expect(spans().map(({ attributes }) => attributes['server.port'])).toEqual([
    west.port,
    west.port,
  ]);
});

it('can be limited to clients and to commands inside another span; shows the keys if asked', async () => {
  const [east] = await servers(1);
  const client = await connected([east]);
  const other = await connected([east]);
  tracing({ clients: [client], requireParentSpan: true, queryText: true });
  await client.get('a');
  await trace.getTracer('test').startActiveSpan('request', async (request) => {
    await other.get('b');
    await client.set('c', 'secret');
    request.end();
  });
  expect(names()).toEqual(['SET', 'request']);
  expect(spans()[0]?.attributes['db.query.text']).toBe('SET c ?');
});

it('leaves out plain clients, the engine itself, and everything after its end', async () => {
  const [east] = await servers(1);
  tracing();
  const client = await connected([east]);
  await active(client, 'east');
  const plain = createClient({ url: east.url });
  await plain.connect();
  await plain.get('key');
  plain.destroy();
  end();
  await client.get('key');
  expect(names()).toEqual([]);
});
