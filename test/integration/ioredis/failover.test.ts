/** What an ioredis application sees when a database is killed, frozen or left by hand. */
import { isMultiDbError } from 'redis-multidb';
import { describe, expect, it } from 'vitest';
import { isRedis7, waitFor } from '../../kit/index.js';
import { errorOf, LONG_GRACE, servers, Traffic } from '../support.js';
import { LIBRARIES, readyRedis } from './support.js';

const toWest = (redis: { readonly activeDatabase: string | undefined }) =>
  waitFor(() => redis.activeDatabase === 'west', { what: 'west to be active', timeoutMs: 10_000 });

const since7 = it.runIf(await isRedis7());

describe.each(LIBRARIES)('%s', (_, Class) => {
  it('reads fail for nobody when the active database is killed under load', async () => {
    const [east, west] = await servers();
    const redis = await readyRedis([east, west], { Redis: Class, ...LONG_GRACE });
    const reads = new Traffic(() => redis.get('a'), { callers: 20 });
    const piped = new Traffic(
      async () => {
        const results = await redis.pipeline().get('a').hgetall('h').exec();
        for (const [error] of results ?? []) if (error) throw error;
      },
      { callers: 20 },
    );
    await Promise.all([reads.flows(100), piped.flows(100)]);
    await east.kill();
    await toWest(redis);
    await Promise.all([reads.flows(100), piped.flows(100)]);
    await Promise.all([reads.stop(), piped.stop()]);
    expect([reads.errors, piped.errors]).toEqual([[], []]);
    expect(redis.status).toBe('ready');
  });

  it('pipelines of thousands of commands go over a kill', async () => {
    const [east, west] = await servers();
    const redis = await readyRedis([east, west], { Redis: Class, ...LONG_GRACE });
    let isKilled = false;
    const piped = () => {
      const pipeline = redis.pipeline();
      for (let number = 0; number < 1000; number += 1) {
        if (number % 2 === 0) pipeline.incr(`n${number}`);
        else pipeline.get('none');
      }
      return pipeline.exec() as Promise<[Error | null, unknown][]>;
    };
    const callers = Array.from({ length: 4 }, async () => {
      const all: [Error | null, unknown][][] = [];
      while (!isKilled || redis.activeDatabase !== 'west') all.push(await piped());
      return [...all, await piped()];
    });
    await waitFor(async () => Number(await east.command('GET', 'n0')) > 2, { what: 'pipelines' });
    await east.kill();
    isKilled = true;
    const results = (await Promise.all(callers)).flat();
    for (const result of results) {
      expect(result).toHaveLength(1000);
      for (const [index, [error, value]] of result.entries()) {
        if (index % 2 === 1) expect([error, value]).toEqual([null, null]);
        else if (error !== null) expect(error).toMatchObject({ maybeExecuted: true });
      }
    }
    // Each increment that was acknowledged by west has another number: none was executed twice.
    const last = Math.max(...results.map((result) => Number(result[0]?.[1] ?? 0)));
    expect(last).toBeGreaterThan(0);
    expect(Number(await west.command('GET', 'n0'))).toBeLessThanOrEqual(results.length);
  });

  it('an argument that has no text rejects, and a transaction with it is not executed', async () => {
    const [east, west] = await servers();
    const redis = await readyRedis([east, west], { Redis: Class });
    const textless = Object.create(null);
    const message = 'Cannot convert object to primitive value';
    await expect(redis.set('a', textless)).rejects.toThrow(message);
    const piped = await redis.pipeline().set('a', textless).set('b', 1).exec();
    expect([piped?.[0]?.[0]?.message, piped?.[1]]).toEqual([message, [null, 'OK']]);
    const transaction = redis.multi().set('c', 1).set('a', textless).exec();
    await expect(transaction).rejects.toThrow(/^EXECABORT/);
    expect(await redis.get('c')).toBeNull();
  });

  it('a read is answered by the standby while the active database is frozen', async () => {
    const [east, west] = await servers();
    await west.command('SET', 'key', 'value');
    const redis = await readyRedis([east, west], {
      Redis: Class,
      suspectAfterMs: 60_000,
      healthCheck: { intervalMs: 60_000, timeoutMs: 10_000 },
    });
    const hedged = redis.withHedging({ afterMs: 30, maxShare: 1 });
    await east.freeze();
    const plain = redis.get('key');
    expect(await hedged.get('key')).toBe('value');
    expect(await hedged.getBuffer('key')).toEqual(Buffer.from('value'));
    const piped = await hedged.pipeline().get('key').mget('key', 'none').exec();
    expect(piped).toEqual([
      [null, 'value'],
      [null, ['value', null]],
    ]);
    expect(redis.activeDatabase).toBe('east');
    await east.thaw();
    expect(await plain).toBeNull();
  });

  it('a write is executed once, or its error says that it may have been', async () => {
    const [east, west] = await servers();
    const redis = await readyRedis([east, west], { Redis: Class, ...LONG_GRACE });
    const counter = redis.withRetrySafety('read');
    let acknowledged = 0;
    const traffic = new Traffic(async () => {
      await counter.incr('n');
      acknowledged += 1;
    });
    await traffic.flows(500);
    const onEast = await redis.get('n');
    expect(Number(onEast)).toBeGreaterThanOrEqual(500);
    await east.kill();
    await toWest(redis);
    await traffic.flows(500);
    await traffic.stop();
    for (const error of traffic.errors) {
      expect(error).toSatisfy((each: Error) => isMultiDbError(each) && each.maybeExecuted);
      expect(error).toMatchObject({ message: 'Connection is closed.', code: 'CONNECTION_LOST' });
    }
    expect(Number(await redis.get('n'))).toBeLessThanOrEqual(acknowledged);
  });

  it('scripts and transactions go on after a switch', async () => {
    const [east, west] = await servers();
    const redis = await readyRedis([east, west], { Redis: Class, failbackSupported: false });
    redis.defineCommand('put', {
      numberOfKeys: 1,
      lua: "redis.call('set', KEYS[1], ARGV[1]); return redis.call('get', KEYS[1])",
    });
    // biome-ignore lint/suspicious/noExplicitAny: a method that the test has defined.
    const scripted = redis as any;
    expect(await scripted.put('a', '1')).toBe('1');
    await redis.setActiveDatabase('west');
    expect(await scripted.put('a', '2')).toBe('2');
    expect(await scripted.put('b', '3')).toBe('3');
    expect(await west.command('GET', 'b')).toBe('3');
    expect(await scripted.multi().put('c', '4').put('d', '5').exec()).toEqual([
      [null, '4'],
      [null, '5'],
    ]);
    const calls = String(await west.command('INFO', 'commandstats'));
    // The source is sent once.
    expect(/cmdstat_script(?:\|load)?:calls=(\d+)/.exec(calls)?.[1]).toBe('1');
    expect(/cmdstat_evalsha:calls=(\d+)/.exec(calls)?.[1]).toBe('4');
    expect(calls).not.toContain('cmdstat_eval:');
  });

  since7('scripts work where EVAL is permitted and SCRIPT LOAD is not', async () => {
    const [east, west] = await servers();
    for (const server of [east, west]) {
      await server.command('ACL', 'SETUSER', 'app', 'on', '>secret', '~*', '+@all', '-script|load');
    }
    const redis = await readyRedis([east, west], {
      Redis: Class,
      failbackSupported: false,
      redis: { username: 'app', password: 'secret' },
    });
    redis.defineCommand('put', {
      numberOfKeys: 1,
      lua: "redis.call('set', KEYS[1], ARGV[1]); return redis.call('get', KEYS[1])",
    });
    // biome-ignore lint/suspicious/noExplicitAny: a method that the test has defined.
    const scripted = redis as any;
    for (const database of ['east', 'west']) {
      await redis.setActiveDatabase(database);
      const both = await scripted.multi().put('a', '1').put('b', '2').exec();
      expect(both).toEqual([
        [null, '1'],
        [null, '2'],
      ]);
      expect(await scripted.put('a', '3')).toBe('3');
      expect(await scripted.put('a', '4')).toBe('4');
      expect(await scripted.pipeline().put('a', '5').exec()).toEqual([[null, '5']]);
      expect(await scripted.multi().put('a', '6').exec()).toEqual([[null, '6']]);
    }
  });

  it('a blocking command is served by the database that is active later', async () => {
    const [east, west] = await servers();
    const redis = await readyRedis([east, west], { Redis: Class, failbackSupported: false });
    const worker = redis.duplicate();
    const popped = worker.blpop('queue', 0);
    await waitFor(async () => String(await east.command('CLIENT', 'LIST')).includes('cmd=blpop'), {
      what: 'the worker to block',
    });
    await redis.setActiveDatabase('west');
    await redis.rpush('queue', 'job');
    expect(await popped).toEqual(['queue', 'job']);
  });

  it('subscriptions follow the active database', async () => {
    const [east, west] = await servers();
    const redis = await readyRedis([east, west], { Redis: Class, ...LONG_GRACE });
    const sub = redis.duplicate();
    const seen: unknown[] = [];
    sub.on('message', (channel, message) => seen.push(['message', channel, message]));
    sub.on('messageBuffer', (channel, message) =>
      seen.push(['messageBuffer', String(channel), Buffer.isBuffer(message)]),
    );
    sub.on('pmessage', (pattern, channel, message) => seen.push([pattern, channel, message]));
    expect(await sub.subscribe('news', 'other')).toBe(2);
    expect(await sub.psubscribe('z*')).toBe(3);
    expect(sub.mode).toBe('subscriber');
    const restored = new Promise((resolve) => sub.on('subscriptions-restored', resolve));
    await east.kill();
    await toWest(redis);
    await restored;
    await redis.publish('news', 'hello');
    await redis.publish('zed', 'there');
    await waitFor(() => seen.length >= 3, { what: 'three messages' });
    expect(seen).toEqual(
      expect.arrayContaining([
        ['message', 'news', 'hello'],
        ['messageBuffer', 'news', true],
        ['z*', 'zed', 'there'],
      ]),
    );
    expect(await sub.unsubscribe('news')).toBe(2);
    expect(await sub.unsubscribe()).toBe(1);
    expect(await sub.punsubscribe()).toBe(0);
    expect(await sub.get('usable')).toBeNull();
  });
});

it('commands that block one after another on one connection have the time of all of them', async () => {
  const [east, west] = await servers();
  const redis = await readyRedis([east, west], { commandTimeoutMs: 300, commandDeadlineMs: 300 });
  const connection = await redis.client('ID');
  const popped = Array.from({ length: 5 }, () => redis.brpoplpush('from', 'to', 1));
  expect(await Promise.all(popped)).toEqual([null, null, null, null, null]);
  // The connection was not taken for a dead one.
  expect(await redis.client('ID')).toBe(connection);
});

it('a frozen database is left, and a read in flight answers', async () => {
  const [east, west] = await servers();
  const redis = await readyRedis([east, west], { failbackSupported: false });
  east.freeze();
  const read = redis.get('a');
  await toWest(redis);
  expect(await read).toBeNull();
});

it('a transaction that was cut says that it may have been executed', async () => {
  const [east, west] = await servers();
  const redis = await readyRedis([east, west], { failbackSupported: false, fastFailover: true });
  east.freeze();
  const error = await errorOf(redis.multi().incr('a').incr('b').exec() as Promise<unknown>);
  expect(error).toMatchObject({ message: 'Connection is closed.', maybeExecuted: true });
});

it('a scan stream notices a switch, or starts again', async () => {
  const [east, west] = await servers();
  for (const server of [east, west]) {
    await server.command('EVAL', "for i = 1, 500 do redis.call('set', 'k' .. i, i) end", '0');
  }
  const redis = await readyRedis([east, west], { failbackSupported: false });
  const read = async (client: typeof redis) => {
    const keys = new Set<string>();
    for await (const page of client.scanStream({ count: 10 })) {
      for (const key of page) keys.add(key);
      if (keys.size > 50 && client.activeDatabase === 'east') await redis.setActiveDatabase('west');
    }
    return keys.size;
  };
  const error = await errorOf(read(redis) as Promise<unknown>);
  expect(error.code).toBe('DATABASE_SWITCHED');
  const again = await readyRedis([east, west], { iterators: 'restart', failbackSupported: false });
  const keys = new Set<string>();
  for await (const page of again.scanStream({ count: 10 })) {
    for (const key of page) keys.add(key);
    if (keys.size > 50 && again.activeDatabase === 'east') await again.setActiveDatabase('west');
  }
  expect(keys.size).toBe(500);
});

it('refuses what concerns one connection, and says what to use', async () => {
  const [east, west] = await servers();
  const redis = await readyRedis([east, west]);
  const multiWithoutExec = async () => {
    const results = await redis.pipeline().call('multi').set('a', 1).exec();
    throw results?.[0]?.[0];
  };
  const refused: (() => unknown)[] = [
    () => redis.watch('a'),
    () => redis.monitor(),
    () => new Promise((_, reject) => void redis.monitor(reject)),
    () => redis.select(3),
    () => redis.call('HELLO', '3'),
    () => redis.multi({ pipeline: false }),
    multiWithoutExec,
    // Its messages could not be told from those of another channel.
    () => redis.subscribe(Buffer.from([255, 254])),
  ];
  for (const call of refused) {
    const error = await errorOf(Promise.resolve().then(call));
    expect([error.code, error.message]).toEqual(['UNSUPPORTED', expect.stringMatching(/: /)]);
  }
  expect(await redis.get('a')).toBeNull();
});
