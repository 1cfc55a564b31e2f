/** What operators use works with an ioredis client as it does with a node-redis client. */
import {
  AggregationTemporality,
  type DataPoint,
  type Histogram,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import {
  InMemorySpanExporter,
  NodeTracerProvider,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-node';
import { type ChainableCommander, Redis } from 'ioredis';
import { Registry } from 'prom-client';
import { isMultiDbError, openClients, parseConnectionString } from 'redis-multidb';
import { parseConfig } from 'redis-multidb/config';
import { createMultiDbRedis } from 'redis-multidb/ioredis';
import { otelMetrics, otelTracing } from 'redis-multidb/otel';
import { prometheusMetrics } from 'redis-multidb/prometheus';
import { describe, expect, it } from 'vitest';
import { isRedis7, startProxy, waitFor } from '../../kit/index.js';
import { EventReader, post, serve, WITH_TOKEN } from '../http-support.js';
import { errorOf, LONG_GRACE, own, servers } from '../support.js';
import { LIBRARIES, plainOf, readyRedis } from './support.js';

it('is managed, explained, counted and listed', async () => {
  const [east, west] = await servers();
  const redis = await readyRedis([east, west], { failbackSupported: false });
  const switches: string[] = [];
  redis.on('switch', ({ from, to, reason }) => switches.push(`${from}>${to} ${reason}`));
  await redis.setActiveDatabase('west');
  expect(switches).toEqual(['east>west manual']);
  expect(redis.explain().active?.id).toBe('west');
  await redis.set('a', 1);
  const succeeded = redis.stats().databases.find(({ id }) => id === 'west')?.commands.succeeded;
  expect(succeeded).toBeGreaterThan(0);
  expect(openClients()).toContain(redis);
  const north = { id: 'north', weight: 5, redis: { host: '127.0.0.1', port: east.port } };
  expect((await redis.addDatabase(north)).id).toBe('north');
  await redis.removeDatabase('north');
  const error = await errorOf(redis.setActiveDatabase('nowhere'));
  expect(error.code).toBe('UNKNOWN_DATABASE');
  await redis.quit();
  expect(openClients()).not.toContain(redis);
});

it('has metrics', async () => {
  const [east, west] = await servers();
  const redis = await readyRedis([east, west]);
  const register = new Registry();
  const end = prometheusMetrics({ register, clients: [redis] });
  expect(await register.metrics()).toContain('database="east"');
  end();
});

it('has the status, the events and the switches of the HTTP handler', async () => {
  const [east, west] = await servers();
  const redis = await readyRedis([east, west], { failbackSupported: false });
  const { url } = await serve(redis, WITH_TOKEN);
  const reader = await EventReader.open(url);
  const status = async () => {
    const answer = await fetch(`${url}/status`);
    return [answer.status, await answer.json()] as const;
  };
  expect(await status()).toMatchObject([
    200,
    { state: 'serving', activeDatabase: 'east', databases: [{ id: 'east' }, { id: 'west' }] },
  ]);
  expect((await post(`${url}/active`, { database: 'west' }, { authorization: '' })).status).toBe(
    403,
  );
  const changed = await post(`${url}/active`, { database: 'west' });
  expect([changed.status, await changed.json()]).toEqual([
    200,
    { changed: true, activeDatabase: 'west' },
  ]);
  await redis.set('a', 1);
  expect(await west.command('GET', 'a')).toBe('1');
  await post(`${url}/active`, { database: 'east', durationMs: 60_000 });
  expect(redis.explain().active?.why).toMatch(/^forced for another/);
  await waitFor(() => reader.of('switch').length === 2, { what: 'both switches' });
  expect(reader.of('switch').map(({ data }) => [data.from, data.to, data.reason])).toEqual([
    ['east', 'west', 'manual'],
    ['west', 'east', 'forced'],
  ]);
  expect((await post(`${url}/active`, { database: 'nowhere' })).status).toBe(404);
  await redis.quit();
  expect(await status()).toMatchObject([200, { state: 'closed', ready: false }]);
});

it('takes the options of a config file or of a connection string', async () => {
  const [east, west] = await servers();
  const text = JSON.stringify({
    client: { keyPrefix: 'app:', commandOptions: { timeout: 5000 } },
    databases: [
      { id: 'east', weight: 1, client: { url: east.url } },
      { id: 'west', weight: 0.5, client: { url: west.url } },
    ],
  });
  const hosts = `${east.host}:${east.port},${west.host}:${west.port}`;
  const string = `redis://${hosts}/0?weight=1,0.5&id=east,west&client.keyPrefix=string:`;
  for (const options of [parseConfig(text), parseConnectionString(string)]) {
    const redis = own(createMultiDbRedis({ initialWaitMs: 10_000, ...options, Redis }));
    redis.on('error', () => {});
    expect(await redis.set('a', 1)).toBe('OK');
    expect(redis.databases.map(({ id, weight }) => [id, weight])).toEqual([
      ['east', 1],
      ['west', 0.5],
    ]);
  }
  expect(await east.command('GET', 'app:a')).toBe('1');
  expect(await east.command('GET', 'string:a')).toBe('1');
});

it('has replies in the form of RESP 3 where ioredis 6 is asked for them', async () => {
  const [east, west] = await servers();
  const options = { protocol: 3, replyMapping: 'resp3' } as const;
  const plain = plainOf(Redis, east, options);
  const redis = await readyRedis([east, west], { redis: options });
  const calls = async (client: Redis) => [
    await client.hset('h', { a: 1 }),
    await client.hgetall('h'),
    await client.zadd('z', 1.5, 'm'),
    await client.zscore('z', 'm'),
    await client.zrange('z', 0, '-1', 'WITHSCORES'),
    await client.config('GET', 'maxmemory'),
    await client.sadd('s', 'x'),
    await client.smembers('s'),
    await client.getBuffer('none'),
    await client.multi().hgetall('h').zscore('z', 'm').exec(),
  ];
  const expected = await calls(plain);
  await plain.flushall();
  expect(await calls(redis)).toEqual(expected);
});

it('ends a command after commandTimeout, with the text of ioredis', async () => {
  const [east, west] = await servers();
  const redis = await readyRedis([east, west], {
    redis: { commandTimeout: 50 },
    healthCheck: false,
    commandRetry: { maxAttempts: 1 },
  });
  east.freeze();
  const error = await errorOf(redis.incr('a'));
  expect(isMultiDbError(error) && error.code).toBe('COMMAND_TIMEOUT');
  expect([error.message, error.maybeExecuted]).toEqual(['Command timed out', true]);
  east.thaw();
  await waitFor(async () => (await redis.get('none').catch(() => undefined)) === null, {
    what: 'the client to serve again',
  });
});

it('duplicates keep to the databases of their group', async () => {
  const [east, west] = await servers();
  const redis = await readyRedis([east, west]);
  expect(() => redis.duplicate({ host: 'elsewhere' })).toThrow(/duplicate\.host/);
  const named = redis.duplicate({ connectionName: 'worker' });
  await named.set('a', 1);
  expect(await east.command('CLIENT', 'LIST')).toContain('name=worker');
  const same = redis.duplicate({ ...redis.options, lazyConnect: true });
  expect(same.status).toBe('wait');
  expect(await same.set('a', 1)).toBe('OK');
  same.disconnect();
  named.disconnect();
});

it('gives each command and each transaction a span, with the server that answered', async () => {
  const [east, west] = await servers();
  const redis = await readyRedis([east, west], { failbackSupported: false });
  const exporter = new InMemorySpanExporter();
  const spanProcessors = [new SimpleSpanProcessor(exporter)];
  const tracerProvider = new NodeTracerProvider({ spanProcessors });
  const end = otelTracing({ tracerProvider });
  redis.defineCommand('one', { numberOfKeys: 1, lua: 'return 1' });
  await redis.set('a', 'secret');
  await redis.setActiveDatabase('west');
  await redis.get('a');
  await redis.pipeline().set('a', '1').incr('a').exec();
  await redis.multi().incr('a').incr('b').exec();
  // biome-ignore lint/suspicious/noExplicitAny: a method that the test has defined.
  await (redis as any).one('a');
  await errorOf(redis.lpush('a', 'x'));
  await errorOf(redis.watch('a'));
  await redis.quit();
  await errorOf(redis.get('a'));
  end();
  const spans = exporter.getFinishedSpans();
  const shown = spans.map(({ name, attributes }) => [
    name,
    attributes['server.port'],
    attributes['error.type'],
  ]);
  expect(shown).toEqual([
    ['SET', east.port, undefined],
    ['GET', west.port, undefined],
    ['SET', west.port, undefined],
    ['INCR', west.port, undefined],
    ['MULTI INCR', west.port, undefined],
    ['EVALSHA', west.port, undefined],
    ['LPUSH', west.port, 'WRONGTYPE'],
    ['WATCH', west.port, 'UNSUPPORTED'],
    // Of the preferred database, because there is no active one.
    ['GET', east.port, 'CLIENT_CLOSED'],
  ]);
  expect(JSON.stringify(spans.map(({ attributes }) => attributes))).not.toContain('secret');
});

it('shows commands, pipelines and MULTI across a failover, in spans and durations', async () => {
  const [east, west] = await servers();
  const proxy = await startProxy(east);
  const redis = await readyRedis([proxy, west], LONG_GRACE);
  const exporter = new InMemorySpanExporter();
  const tracerProvider = new NodeTracerProvider({
    spanProcessors: [new SimpleSpanProcessor(exporter)],
  });
  const reader = new PeriodicExportingMetricReader({
    exporter: new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE),
    exportIntervalMillis: 3_600_000,
  });
  const meterProvider = new MeterProvider({ readers: [reader] });
  const register = new Registry();
  const settings = { clients: [redis], commandDurations: true };
  const ends = [
    otelTracing({ tracerProvider }),
    otelMetrics({ meterProvider, ...settings }),
    prometheusMetrics({ register, ...settings }),
  ];
  proxy.silence();
  const single = redis.get('a');
  const piped = redis.pipeline().get('a').mget('a', 'b').exec();
  const written = redis.multi().incr('a').incr('b').exec();
  const lost = errorOf(written);
  await waitFor(() => redis.stats().pending === 4, { what: 'commands in flight' });
  await east.kill();
  proxy.refuse();
  proxy.reset();
  expect([await single, await piped]).toEqual([
    null,
    [
      [null, null],
      [null, [null, null]],
    ],
  ]);
  // It may have been executed.
  expect(await lost).toMatchObject({ code: 'CONNECTION_LOST', maybeExecuted: true });
  expect(redis.activeDatabase).toBe('west');
  expect(await redis.multi().incr('a').incr('b').exec()).toEqual([
    [null, 1],
    [null, 1],
  ]);
  const shown = exporter
    .getFinishedSpans()
    .map(({ name, attributes, events }) => [
      name,
      attributes['server.port'],
      attributes['error.type'],
      events.map((event) => event.name),
    ]);
  expect(shown).toHaveLength(5);
  expect(shown).toEqual(
    expect.arrayContaining([
      ['GET', west.port, undefined, expect.arrayContaining(['takeover'])],
      ['GET', west.port, undefined, expect.arrayContaining(['takeover'])],
      ['MGET', west.port, undefined, expect.arrayContaining(['takeover'])],
      ['MULTI INCR', proxy.port, 'CONNECTION_LOST', []],
      ['MULTI INCR', west.port, undefined, []],
    ]),
  );
  const { resourceMetrics } = await reader.collect();
  const points = resourceMetrics.scopeMetrics
    .flatMap(({ metrics }) => metrics)
    .find(({ descriptor }) => descriptor.name === 'db.client.operation.duration')?.dataPoints;
  const measured = ((points ?? []) as DataPoint<Histogram>[]).map(({ attributes, value }) => [
    attributes['db.operation.name'],
    attributes['redis.client.geofailover.database'],
    attributes['error.type'] ?? 'none',
    value.count,
  ]);
  expect(measured.sort()).toEqual([
    ['GET', 'west', 'none', 2],
    ['MGET', 'west', 'none', 1],
    ['MULTI INCR', 'east', 'CONNECTION_LOST', 1],
    ['MULTI INCR', 'west', 'none', 1],
  ]);
  const scraped = await register.metrics();
  for (const [operation, database, error, count] of measured) {
    const labels = `database="${database}",operation="${operation}",error="${error}"`;
    expect(scraped).toMatch(
      new RegExp(`command_duration_seconds_count\\{.*${labels}\\} ${count}$`, 'm'),
    );
  }
  for (const end of ends) end();
  await meterProvider.shutdown();
});

it.runIf(await isRedis7())('settings of the client hold on each of its connections', async () => {
  const [east, west] = await servers();
  const redis = await readyRedis([east, west], { failbackSupported: false });
  expect(await redis.client('NO-EVICT', 'ON')).toBe('OK');
  expect(await redis.client('SETNAME', 'orders')).toBe('OK');
  const other = redis.duplicate();
  await redis.setActiveDatabase('west');
  const info = (client: Redis) => client.client('INFO');
  expect(await info(redis)).toMatch(/ name=orders .* flags=e /);
  expect(await info(other)).toMatch(/ name= .* flags=N /);
  const error = await errorOf(redis.client('NO-EVICT', 'PERHAPS' as 'ON'));
  expect(error.message).toBe('ERR syntax error');
  await redis.setActiveDatabase('east');
  expect(await info(redis)).toMatch(/ flags=e /);
  other.disconnect();
});

describe.each(LIBRARIES)('transactions with %s', (_, Class) => {
  it('run on a connection of their own, and again after a conflict', async () => {
    const [east, west] = await servers();
    const redis = await readyRedis([east, west], {
      Redis: Class,
      redis: { keyPrefix: 'app:' },
      failbackSupported: false,
    });
    await redis.set('stock', '10');
    redis.defineCommand('less', {
      numberOfKeys: 1,
      lua: "return redis.call('decrby', KEYS[1], ARGV[1])",
    });
    let calls = 0;
    const results = await redis.transaction('stock', async (tx) => {
      calls += 1;
      const stock = Number(await tx.get('stock'));
      // Another client is faster, twice.
      if (calls <= 2) await east.command('SET', 'app:stock', String(20 + calls));
      return tx
        .multi()
        .set('stock', stock - 1)
        .get('stock');
    });
    expect(results).toEqual([
      [null, 'OK'],
      [null, '21'],
    ]);
    expect(calls).toBe(3);
    const inside = await redis.transaction(['stock'], async (tx) => {
      expect(tx).toBeInstanceOf(Class);
      await tx.watch('other');
      // biome-ignore lint/suspicious/noExplicitAny: a method that the test has defined.
      const done = await (tx as any).multi().less('stock', 2).getBuffer('stock').exec();
      const failures = await Promise.all([
        errorOf((async () => tx.quit())()),
        errorOf(tx.subscribe('news')),
        errorOf((async () => tx.disconnect())()),
      ]);
      return [done, failures.map(({ code }) => code), await tx.pipeline().get('stock').exec()];
    });
    expect(inside).toEqual([
      [
        [null, 19],
        [null, Buffer.from('19')],
      ],
      ['UNSUPPORTED', 'UNSUPPORTED', 'UNSUPPORTED'],
      [[null, '19']],
    ]);
    const always = errorOf(
      redis.transaction(
        'stock',
        async (tx) => {
          await east.command('INCR', 'app:stock');
          return tx.multi().set('stock', 0).exec();
        },
        { maxAttempts: 2 },
      ),
    );
    expect((await always).constructor.name).toBe('WatchError');
    expect(await redis.get('stock')).toBe('21');
  });

  it('have no command that would change the shared connection', async () => {
    const [east, west] = await servers();
    const redis = await readyRedis([east, west], { Redis: Class });
    const refused: ((multi: ChainableCommander) => ChainableCommander)[] = [
      (multi) => multi.subscribe('news'),
      (multi) => multi.psubscribe('*'),
      (multi) => multi.ssubscribe('news'),
      (multi) => multi.unsubscribe('news'),
      (multi) => multi.call('SUBSCRIBE', 'news') as unknown as ChainableCommander,
      (multi) => multi.quit(),
    ];
    const connection = await redis.client('ID');
    for (const add of refused) {
      const error = await errorOf(add(redis.multi().set('a', 1)).set('a', 2).exec());
      expect(error.message).toMatch(/^EXECABORT/);
      const [previous] = error.previousErrors as Error[];
      expect(previous).toMatchObject({ code: 'UNSUPPORTED' });
      expect(await redis.get('a')).toBeNull();
    }
    expect(await redis.client('ID')).toBe(connection);
    expect([redis.status, redis.mode]).toEqual(['ready', 'normal']);
  });

  it('end when the active database changes, and nothing of them is executed', async () => {
    const [east, west] = await servers();
    const redis = await readyRedis([east, west], { Redis: Class, failbackSupported: false });
    let leaked: typeof redis | undefined;
    const error = await errorOf(
      redis.transaction('a', async (tx) => {
        leaked = tx as typeof redis;
        await redis.setActiveDatabase('west');
        return tx.multi().set('a', 1).exec();
      }),
    );
    expect([error.code, error.maybeExecuted]).toEqual(['DATABASE_SWITCHED', false]);
    expect(await redis.get('a')).toBeNull();
    expect((await errorOf(leaked?.get('a') as Promise<unknown>)).code).toBe('DATABASE_SWITCHED');
    const flaws = [
      () => redis.transaction(1 as never, async () => 1),
      () => redis.transaction('a', 'b' as never),
      () => redis.transaction('a', async () => 1, { maxAttempts: 0 }),
    ];
    for (const flaw of flaws) expect((await errorOf(flaw())).code).toBe('INVALID_OPTION');
  });
});
