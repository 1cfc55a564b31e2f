import { channel } from 'node:diagnostics_channel';
import { metrics as api } from '@opentelemetry/api';
import {
  AggregationTemporality,
  type DataPoint,
  type Histogram,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { otelMetrics } from 'redis-multidb/otel';
import { afterEach, expect, it } from 'vitest';
import { probeChannelName } from '../../src/diagnostics/channels.js';
import { CATALOGUE } from '../../src/metrics/catalogue.js';
import { PROBE_DURATION } from '../../src/metrics/histograms.js';
import { ATTRIBUTES } from '../../src/metrics/metric.js';
import { waitFor } from '../kit/index.js';
import { active, connected, errorOf, QUICK, servers, Traffic, UNSTEERED } from './support.js';

const ends: (() => unknown)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0)) await end();
});

/** A provider whose metrics are collected on demand. */
function provider() {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
  const meterProvider = new MeterProvider({ readers: [reader] });
  ends.push(() => meterProvider.shutdown());
  const collect = async () => {
    const { resourceMetrics, errors } = await reader.collect();
    expect(errors).toEqual([]);
    const all = resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics);
    return new Map(all.map((metric) => [metric.descriptor.name, metric]));
  };
  /** The value of a series by some of its attributes; undefined: there is none. */
  const value = async (name: string, attributes: Record<string, string>) => {
    const metric = (await collect()).get(name);
    const points = (metric?.dataPoints ?? []) as DataPoint<number>[];
    return points.find((point) =>
      Object.entries(attributes).every(([key, each]) => point.attributes[key] === each),
    )?.value;
  };
  return { meterProvider, collect, value };
}

const GEO = 'redis.client.geofailover';

it('has the names that Redis clients have for a failover', async () => {
  expect(CATALOGUE[0]?.otel).toBe('redis.client.geofailover.failovers');
  const { from, to, reason } = ATTRIBUTES;
  expect({ from, to, reason }).toEqual({
    from: 'db.client.geofailover.fail_from',
    to: 'db.client.geofailover.fail_to',
    reason: 'db.client.geofailover.reason',
  });
});

it('exports every metric of the list, with the attributes that it has', async () => {
  const [east, west] = await servers();
  const { meterProvider, collect } = provider();
  ends.push(otelMetrics({ meterProvider }));
  const client = await connected([east, west], {
    client: { name: 'orders' },
    steering: UNSTEERED,
    suspectAfterMs: 'adaptive',
    healthCheck: { ...QUICK.healthCheck, timeoutMs: 'adaptive' },
  });
  await client.set('key', 'value');
  await client.setActiveDatabase('west');
  const metrics = await collect();
  expect([...metrics.keys()].sort()).toEqual(
    [...CATALOGUE, PROBE_DURATION].map(({ otel }) => otel).sort(),
  );
  for (const { otel, unit, labels } of [...CATALOGUE, PROBE_DURATION]) {
    const metric = metrics.get(otel);
    expect(metric?.descriptor.unit).toBe(unit);
    for (const { attributes } of metric?.dataPoints ?? []) {
      const own = Object.keys(attributes).filter((name) => name.includes('geofailover'));
      expect(own).toEqual(labels.map((label) => ATTRIBUTES[label]));
      expect(attributes).toMatchObject({
        'redis.client.name': 'orders',
        'db.system.name': 'redis',
        'redis.client.library': 'redis-multidb',
      });
    }
  }
});

it('moves as things happen: a failover, commands, probes, an outage', async () => {
  const [east, west] = await servers();
  const { meterProvider, collect, value } = provider();
  const client = await connected([east, west], { failbackSupported: false });
  ends.push(otelMetrics({ meterProvider, clients: [client] }));
  const traffic = new Traffic(() => client.get('key'), { callers: 50 });
  await traffic.flows();
  await east.kill();
  await active(client, 'west');
  await traffic.flows();
  await traffic.stop();
  const failover = {
    'db.client.geofailover.fail_from': 'east',
    'db.client.geofailover.fail_to': 'west',
    'db.client.geofailover.reason': 'automatic',
  };
  expect(await value(`${GEO}.failovers`, failover)).toBe(1);
  expect(await value(`${GEO}.failovers`, failover)).toBe(1);
  expect(await value(`${GEO}.takeovers`, { [`${GEO}.database`]: 'east' })).toBeGreaterThan(0);
  expect(await value(`${GEO}.database.active`, { [`${GEO}.database`]: 'west' })).toBe(1);
  expect(await value(`${GEO}.database.healthy`, { [`${GEO}.database`]: 'east' })).toBe(0);
  expect(await value(`${GEO}.without_service.time`, {})).toBe(0);

  const probesOf = async (database: string) => {
    const points = (await collect()).get(PROBE_DURATION.otel)?.dataPoints as
      | DataPoint<Histogram>[]
      | undefined;
    const found = points?.find(({ attributes }) => attributes[`${GEO}.database`] === database);
    return found?.value.count ?? 0;
  };
  await waitFor(async () => (await probesOf('west')) > 1, { what: 'probes to be recorded' });

  await west.kill();
  await active(client, undefined);
  await errorOf(client.get('key'));
  const unavailable = { [`${GEO}.database`]: 'none', [`${GEO}.outcome`]: 'unavailable' };
  expect(await value(`${GEO}.commands`, unavailable)).toBeGreaterThan(0);
  expect(await value(`${GEO}.without_service.time`, {})).toBeGreaterThan(0);
});

it('sets what a closed client had to 0, and ends when it is told', async () => {
  const [east, west] = await servers();
  const { meterProvider, value } = provider();
  const end = otelMetrics({ meterProvider });
  ends.push(end);
  const first = await connected([east, west], { client: { name: 'first' } });
  const second = await connected([east, west], { client: { name: 'second' } });
  const of = (name: string, client: string) =>
    value(`${GEO}.${name}`, { 'redis.client.name': client, [`${GEO}.database`]: 'east' });
  expect(await of('database.active', 'first')).toBe(1);
  await first.ping();
  expect(await of('commands', 'first')).toBe(1);
  await first.close();
  for (let collection = 0; collection < 3; collection += 1) {
    expect(await of('database.active', 'first')).toBe(0);
    expect(await of('connections', 'first')).toBe(0);
    expect(await of('commands', 'first')).toBe(1);
    expect(await of('database.active', 'second')).toBe(1);
  }
  await first.connect();
  expect(await of('database.active', 'first')).toBe(1);

  await second.removeDatabase('west');
  const west2 = { 'redis.client.name': 'second', [`${GEO}.database`]: 'west' };
  expect(await value(`${GEO}.database.weight`, west2)).toBe(0);

  expect(await of('commands', 'second')).toBe(0);
  end();
  end();
  const probes = () => value(`${GEO}.probes`, { 'redis.client.name': 'second' });
  const before = await probes();
  const passed = () => second.stats().databases[0]?.probes[0]?.passed ?? 0;
  const then = passed();
  await second.ping();
  await waitFor(() => passed() > then, { what: 'another probe' });
  expect(await of('commands', 'second')).toBe(0);
  expect(await probes()).toBe(before);
});

it('leaves no subscriber behind', async () => {
  const { meterProvider } = provider();
  const probes = channel(probeChannelName);
  expect(probes.hasSubscribers).toBe(false);
  const end = otelMetrics({ meterProvider });
  expect(probes.hasSubscribers).toBe(true);
  end();
  expect(probes.hasSubscribers).toBe(false);
});

it('uses the global provider', async () => {
  const [east, west] = await servers();
  const { meterProvider, value } = provider();
  api.setGlobalMeterProvider(meterProvider);
  ends.push(() => api.disable());
  ends.push(otelMetrics());
  await connected([east, west], { client: { name: 'global' } });
  expect(await value(`${GEO}.pending_commands`, { 'redis.client.name': 'global' })).toBe(0);
});

it('records the durations of commands by database if asked', async () => {
  const [east, west] = await servers();
  const { meterProvider, collect } = provider();
  const client = await connected([east, west], { client: { name: 'orders' } });
  const end = otelMetrics({ meterProvider, clients: [client], commandDurations: true });
  await client.get('key');
  await client.get('key');
  await client.set('key', 'text');
  await errorOf(client.lPush('key', 'item'));
  await client.setActiveDatabase('west');
  await client.multi().get('a').get('b').exec();
  const metric = (await collect()).get('db.client.operation.duration');
  expect(metric?.descriptor.unit).toBe('s');
  const points = (metric?.dataPoints ?? []) as DataPoint<Histogram>[];
  const seen = points.map(({ attributes, value }) => [
    attributes['db.operation.name'],
    attributes['redis.client.geofailover.database'],
    attributes['server.port'],
    attributes['error.type'] ?? 'none',
    value.count,
  ]);
  expect(seen).toEqual(
    expect.arrayContaining([
      ['GET', 'east', east.port, 'none', 2],
      ['SET', 'east', east.port, 'none', 1],
      ['LPUSH', 'east', east.port, 'WRONGTYPE', 1],
      ['MULTI GET', 'west', west.port, 'none', 1],
    ]),
  );
  expect(points[0]?.value.buckets.boundaries).toEqual([
    0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10,
  ]);
  end();
  await client.get('key');
  const after = (await collect()).get('db.client.operation.duration');
  const total = (after?.dataPoints ?? []) as DataPoint<Histogram>[];
  expect(total.reduce((sum, { value }) => sum + value.count, 0)).toBe(
    points.reduce((sum, { value }) => sum + value.count, 0),
  );
});
