import { register as defaultRegister, Registry } from 'prom-client';
import { COMMAND_FAILURES, createMultiDbClient, LATENCY_BUCKETS_MS } from 'redis-multidb';
import { prometheusMetrics } from 'redis-multidb/prometheus';
import { afterEach, expect, it } from 'vitest';
import { CATALOGUE } from '../../src/metrics/catalogue.js';
import { PREFIX } from '../../src/metrics/metric.js';
import { waitFor } from '../kit/index.js';
import {
  active,
  connected,
  errorOf,
  healthy,
  own,
  QUICK,
  servers,
  Traffic,
  UNSTEERED,
} from './support.js';

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) end();
});

function exported(options: Parameters<typeof prometheusMetrics>[0] = {}) {
  const register = new Registry();
  ends.push(prometheusMetrics({ register, ...options }));
  return register;
}

/** The samples of a scrape by series, such as `redis_multidb_pending_commands{client="a"}`. */
async function scrape(register: Pick<Registry, 'metrics'>): Promise<Map<string, number>> {
  const lines = (await register.metrics()).split('\n');
  const samples = lines.filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(
    samples.map((line) => {
      const at = line.lastIndexOf(' ');
      return [line.slice(0, at), Number(line.slice(at + 1))];
    }),
  );
}

it('exports every metric of the list, with the labels that it has', async () => {
  const [east, west] = await servers();
  const client = await connected([east, west], {
    client: { name: 'orders' },
    steering: UNSTEERED,
    suspectAfterMs: 'adaptive',
    healthCheck: { ...QUICK.healthCheck, timeoutMs: 'adaptive' },
  });
  await client.set('key', 'value');
  await client.setActiveDatabase('west');
  const samples = await scrape(exported({ clients: [client] }));
  for (const { name, labels } of CATALOGUE) {
    const series = [...samples.keys()].filter((each) => each.startsWith(`${PREFIX}${name}{`));
    expect([name, series.length > 0]).toEqual([name, true]);
    for (const each of series) {
      const names = [...each.matchAll(/[{,](\w+)=/g)].map(([, label]) => label);
      expect(names).toEqual(['client', ...labels]);
      expect(each).toContain('client="orders"');
    }
  }
  const bucket = `${PREFIX}probe_duration_seconds_bucket{client="orders",database="east",check="PING"`;
  const buckets = [...samples.keys()].filter((each) => each.startsWith(bucket));
  expect(buckets).toHaveLength(LATENCY_BUCKETS_MS.length + 1);
  expect(samples.get(`${bucket},le="+Inf"}`)).toBe(
    samples.get(
      `${PREFIX}probe_duration_seconds_count{client="orders",database="east",check="PING"}`,
    ),
  );
});

it('moves as things happen: a failover, commands, an outage', async () => {
  const [east, west] = await servers();
  const client = await connected([east, west], {
    client: { name: 'orders' },
    failbackSupported: false,
  });
  const register = exported();
  const of = (name: string, labels = '') =>
    scrape(register).then((samples) => samples.get(`${PREFIX}${name}{client="orders"${labels}}`));
  const traffic = new Traffic(() => client.get('key'), { callers: 50 });
  await traffic.flows();
  expect(await of('database_active', ',database="east"')).toBe(1);
  expect(await of('pending_commands')).toBeGreaterThan(0);

  await east.kill();
  await active(client, 'west');
  await traffic.flows();
  await traffic.stop();
  const failover = ',from="east",to="west",reason="automatic"';
  expect(await of('failovers_total', failover)).toBe(1);
  expect(await of('switches_total', ',from="east",to="west",reason="health-check"')).toBe(1);
  expect(await of('switches_total', ',from="none",to="east",reason="initial"')).toBe(1);
  expect(await of('takeovers_total', ',database="east"')).toBeGreaterThan(0);
  expect(await of('database_active', ',database="east"')).toBe(0);
  expect(await of('database_active', ',database="west"')).toBe(1);
  expect(await of('database_healthy', ',database="east"')).toBe(0);
  expect(await of('grace_period_left_seconds', ',database="east"')).toBeLessThanOrEqual(0.3);
  expect(await of('without_service_seconds_total')).toBe(0);
  const succeeded = (database: string) =>
    of('commands_total', `,database="${database}",outcome="succeeded"`).then((count) => count ?? 0);
  expect((await succeeded('east')) + (await succeeded('west'))).toBe(traffic.successes);
  expect(
    await of('probes_total', ',database="east",check="PING",outcome="failed"'),
  ).toBeGreaterThan(0);

  await west.kill();
  await active(client, undefined);
  await errorOf(client.get('key'));
  expect(await of('commands_total', ',database="none",outcome="unavailable"')).toBeGreaterThan(0);
  const early = await of('without_service_seconds_total');
  expect(early).toBeGreaterThan(0);
  await waitFor(
    async () => ((await of('without_service_seconds_total')) ?? 0) > (early ?? 0) + 0.005,
    { what: 'the outage to grow' },
  );
  await east.restart();
  await active(client, 'east');
  const late = await of('without_service_seconds_total');
  await healthy(client, 'east');
  expect(await of('without_service_seconds_total')).toBe(late);
  expect(await of('failovers_total', failover)).toBe(1);

  await client.setActiveDatabase('east');
  await west.restart();
  await healthy(client, 'west');
  await client.setActiveDatabase('west');
  expect(await of('failovers_total', ',from="east",to="west",reason="manual"')).toBe(1);
});

it('labels clients apart, and forgets the ones that are closed', async () => {
  const [east, west] = await servers();
  const register = exported();
  const clientsIn = async () => {
    const samples = await scrape(register);
    return [...samples.keys()]
      .filter((each) => each.startsWith(`${PREFIX}pending_commands{`))
      .map((each) => /client="([^"]+)"/.exec(each)?.[1]);
  };
  expect(await clientsIn()).toEqual([]);
  const first = await connected([east, west], { client: { name: 'orders' } });
  const second = await connected([east, west], { client: { name: 'orders' } });
  expect(await clientsIn()).toEqual(['orders', 'orders-2']);
  first.destroy();
  expect(await clientsIn()).toEqual(['orders-2']);
  await first.connect();
  expect(await clientsIn()).toEqual(['orders-2', 'orders']);
  await second.close();
  first.destroy();
  expect(await clientsIn()).toEqual([]);
  expect((await scrape(register)).size).toBe(0);
});

it('takes a client and its duplicates as one, until the last is closed', async () => {
  const [east, west] = await servers();
  const client = await connected([east, west], { client: { name: 'orders' } });
  const duplicate = own(client.duplicate());
  const series = `${PREFIX}commands_total{client="orders",database="east",outcome="succeeded"}`;
  for (const register of [exported(), exported({ clients: [duplicate, client] })]) {
    await duplicate.connect();
    const before = (await scrape(register)).get(series) ?? Number.NaN;
    await client.ping();
    await duplicate.ping();
    const samples = await scrape(register);
    expect(samples.get(series)).toBe(before + 2);
    expect(samples.get(`${PREFIX}connections{client="orders",database="east",state="ready"}`)).toBe(
      2,
    );
    expect([...samples.keys()].filter((each) => !each.includes('client="orders"'))).toEqual([]);
    await client.close();
    expect((await scrape(register)).get(series)).toBe(before + 2);
    await duplicate.close();
    expect((await scrape(register)).size).toBe(0);
    await client.connect();
  }
});

it('has a bounded number of series, whatever happens', async () => {
  const [east, west] = await servers();
  const client = await connected([east, west], { client: { name: 'orders' } });
  const register = exported({ clients: [client] });
  for (let n = 0; n < 50; n += 1) {
    await errorOf(client.lPush(`key ${n}`, 'x').then(() => client.get(`key ${n}`)));
    await errorOf(client.sendCommand([`NONSENSE${n}`]));
  }
  const samples = await scrape(register);
  const commands = [...samples.keys()].filter((each) => each.includes('commands_total{'));
  expect(commands).toHaveLength(2 * (COMMAND_FAILURES.length + 1) + COMMAND_FAILURES.length);
  expect(samples.size).toBeLessThan(150);
});

it('registers with the default registry, once, and leaves nothing behind', async () => {
  const before = defaultRegister.getMetricsAsArray().length;
  const end = prometheusMetrics();
  const count = defaultRegister.getMetricsAsArray().length;
  expect(count).toBe(before + CATALOGUE.length + 1);
  expect(() => prometheusMetrics()).toThrow(/already been registered/);
  expect(defaultRegister.getMetricsAsArray()).toHaveLength(count);
  end();
  end();
  expect(defaultRegister.getMetricsAsArray()).toHaveLength(before);
  prometheusMetrics()();
});

it('takes back what it registered when a name is taken', () => {
  const register = new Registry();
  const last = CATALOGUE.at(-1)?.name ?? '';
  register.registerMetric({ name: PREFIX + last } as never);
  expect(() => prometheusMetrics({ register })).toThrow(/already been registered/);
  expect(register.getMetricsAsArray()).toHaveLength(1);
});

it('speaks OpenMetrics as well', async () => {
  const [east, west] = await servers();
  const client = await connected([east, west], { client: { name: 'orders' } });
  const register = new Registry();
  register.setContentType(Registry.OPENMETRICS_CONTENT_TYPE as never);
  const end = prometheusMetrics({ register, clients: [client] });
  const text = await register.metrics();
  expect(text).toContain('# TYPE redis_multidb_switches counter');
  expect(text).toContain('redis_multidb_switches_total{client="orders"');
  expect(text).not.toContain('_total_total');
  expect(await register.metrics()).toContain('redis_multidb_switches_total{client="orders"');
  end();
  expect(register.getMetricsAsArray()).toEqual([]);
});

it('takes clients with modules and scripts', async () => {
  const [east] = await servers();
  const client = own(
    createMultiDbClient({
      client: { name: 'typed', RESP: 3 },
      databases: [{ id: 'east', client: { url: east.url } }],
    }),
  );
  const register = exported({ clients: [client] });
  expect((await scrape(register)).size).toBe(0);
  await client.connect();
  expect((await scrape(register)).size).toBeGreaterThan(0);
});

it('records the durations of commands by database if asked', async () => {
  const [east] = await servers(1);
  const client = await connected([east], { client: { name: 'orders' } });
  const register = exported({ clients: [client], commandDurations: true });
  await client.set('key', 'text');
  await errorOf(client.lPush('key', 'item'));
  const samples = await scrape(register);
  const count = (operation: string, error: string) =>
    samples.get(
      `${PREFIX}command_duration_seconds_count{client="orders",database="east",operation="${operation}",error="${error}"}`,
    );
  expect([count('SET', 'none'), count('LPUSH', 'WRONGTYPE'), count('LPUSH', 'none')]).toEqual([
    1,
    1,
    undefined,
  ]);
});
