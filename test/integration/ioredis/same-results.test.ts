/** The same calls on plain ioredis and on a client of several databases: results, types and errors. */
import { inspect, isDeepStrictEqual } from 'node:util';
import { Redis } from 'ioredis';
import { Redis as Redis5 } from 'ioredis-5';
import { Redis as Valkey } from 'iovalkey';
import { describe, expect, it } from 'vitest';
import { servers } from '../support.js';
import { LIBRARIES, plainOf, readyRedis } from './support.js';

// biome-ignore lint/suspicious/noExplicitAny: the calls of a JavaScript application, types aside.
type Client = any;
type Call = (redis: Client) => unknown;

const BINARY = Buffer.from([0, 255, 128, 10]);
/** In one line, so that the report of a difference can be read. */
const text = (value: unknown) =>
  inspect(value, { depth: 5, breakLength: Infinity, maxStringLength: 200 });
/** Error and value of each command of a pipeline, without the stack. */
const shown = (results: [Error | null, unknown][]) =>
  results.map(([error, value]) => [error === null ? null : [error.name, error.message], value]);

const CALLS: Record<string, Call> = {
  'set and get': async (r) => [await r.set('a', 'é'), await r.get('a'), await r.getBuffer('a')],
  binary: async (r) => [await r.set('b', BINARY), await r.getBuffer('b'), await r.get('b')],
  'binary key': async (r) => [await r.set(BINARY, 1), await r.get(BINARY), await r.keysBuffer('*')],
  numbers: async (r) => [
    await r.set('n', 5),
    await r.incr('n'),
    await r.incrbyfloat('n', 0.5),
    await r.strlen('n'),
    await r.decrby('m', 7),
  ],
  'large integers': async (r) => {
    const seen = [];
    for (const value of [
      '9007199254740990',
      '9007199254740992',
      '-9007199254740992',
      '1234567890123456788',
    ]) {
      await r.set('big', value);
      seen.push(await r.incr('big'), await r.eval("return redis.call('incr', KEYS[1])", 1, 'big'));
    }
    return [seen, await r.multi().incr('big').exec()];
  },
  'nulls and undefined': async (r) => [
    await r.get('none'),
    await r.set('x', null),
    await r.get('x'),
    await r.set('y', undefined),
    await r.mget('x', 'none'),
  ],
  objects: async (r) => [
    await r.hset('h', { a: 1, b: 'two' }),
    await r.hgetall('h'),
    await r.hmset('h2', new Map([['k', 'v']])),
    await r.hgetallBuffer('h2'),
    await r.hgetall('none'),
    await r.hset('p', { __proto__x: 1, constructor: 2 }),
    await r.hgetall('p'),
  ],
  'mset with an object': async (r) => [
    await r.mset({ a: 1, b: 2 }),
    await r.mget('a', 'b', 'c'),
    await r.mget(['a', 'b']),
    await r.mgetBuffer('a', 'c'),
  ],
  'sorted sets': async (r) => [
    await r.zadd('z', 1, 'one', 2.5, 'two', '+inf', 'three'),
    await r.zrange('z', 0, -1, 'WITHSCORES'),
    await r.zscore('z', 'two'),
    await r.zpopmin('z'),
    await r.zrevrange('z', 0, -1, 'WITHSCORES'),
    await r.bzpopmin('z', 1),
    await r.zrandmember('z', 1, 'WITHSCORES'),
    await r.zmscore('z', 'three', 'none'),
  ],
  lists: async (r) => [
    await r.rpush('l', 'a', 'b', 'c'),
    await r.lrange('l', 0, -1),
    await r.lrangeBuffer('l', 0, -1),
    await r.lpos('l', 'b'),
    await r.blpop('l', 1),
    await r.lmove('l', 'm', 'LEFT', 'RIGHT'),
    await r.lpop('l', 5),
    await r.lpop('none', 5),
  ],
  streams: async (r) => [
    await r.xadd('s', '1-1', 'f', 'v'),
    await r.xread('COUNT', 10, 'STREAMS', 's', '0'),
    await r.xrange('s', '-', '+'),
    await r.xgroup('CREATE', 's', 'g', '0'),
    await r.xreadgroup('GROUP', 'g', 'c', 'COUNT', 1, 'STREAMS', 's', '>'),
    await r.xreadBuffer('COUNT', 10, 'STREAMS', 's', '0'),
    await r.xpending('s', 'g'),
    await r.xinfo('STREAM', 's'),
    await r.xread('BLOCK', 10, 'STREAMS', 'none', '$'),
  ],
  expiry: async (r) => [
    await r.set('e', 1, 'EX', 100, 'NX'),
    await r.set('e', 1, 'EX', 100, 'NX'),
    await r.ttl('e'),
    await r.exists('e', 'f'),
    await r.type('e'),
    await r.expire('e', 5),
    await r.persist('e'),
    await r.del('e'),
  ],
  'an error reply': async (r) => {
    await r.set('a', 'x');
    return r.lpush('a', 'y');
  },
  'a wrong number of arguments': (r) => r.get(),
  'an unknown command': (r) => r.call('NOSUCH', 'a'),
  'the error of a script': (r) => r.eval("return redis.error_reply('MINE own text')", 0),
  'an error inside a reply': async (r) => {
    const reply = await r.eval("return {1, redis.error_reply('MINE x'), 'a'}", 0);
    return reply.map((item: unknown) => (item instanceof Error ? [item.name, item.message] : item));
  },
  call: async (r) => [
    await r.call('SET', 'c', '1'),
    await r.call('GET', ['c']),
    await r.callBuffer('GET', 'c'),
    await r.send_command?.('get', 'c'),
  ],
  sendCommand: async (r) => {
    const Command = r.constructor.Command ?? Redis.Command;
    await r.set('k', 'v');
    return [
      await r.sendCommand(new Command('get', ['k'])),
      await r.sendCommand(new Command('get', ['k'], { replyEncoding: 'utf8' })),
      await r.sendCommand(new Command('get', ['k'], { replyEncoding: 'hex' })),
    ];
  },
  'a pipeline': async (r) =>
    shown(await r.pipeline().set('a', 1).get('a').lpush('a', 'x').hgetall('none').incr('a').exec()),
  'a pipeline as an array': (r) =>
    r
      .pipeline([
        ['set', 'a', '1'],
        ['get', 'a'],
      ])
      .exec(),
  'a pipeline with callbacks': (r) =>
    new Promise((resolve) => {
      const seen: unknown[] = [];
      r.pipeline()
        .set('a', 1, (error: unknown, value: unknown) => seen.push([error, value]))
        .get('a', (error: unknown, value: unknown) => seen.push([error, value]))
        .exec((error: unknown, results: unknown) => resolve([seen, error, results]));
    }),
  'a pipeline with Buffers': async (r) => {
    await r.set('bin', BINARY);
    return r.pipeline().getBuffer('bin').get('bin').exec();
  },
  'an empty pipeline': (r) => r.pipeline().exec(),
  'a transaction': (r) =>
    r
      .multi()
      .set('a', 1)
      .incr('a')
      .hset('h', 'f', 'v')
      .hgetall('h')
      .zadd('z', 1, 'm')
      .zrange('z', 0, -1, 'WITHSCORES')
      .exec(),
  'a transaction as an array': (r) =>
    r
      .multi([
        ['set', 'a', '1'],
        ['get', 'a'],
      ])
      .exec(),
  'a transaction with an error': async (r) =>
    shown(await r.multi().set('a', 'x').lpush('a', 'y').get('a').exec()),
  'a transaction that the server refuses': async (r) => {
    try {
      return await r.multi().set('a').get('b').exec();
    } catch (error) {
      const { name, message, command, previousErrors } = error as Record<string, unknown>;
      const earlier = (previousErrors as Error[]).map((each) => [each.name, each.message]);
      return [name, message, command, earlier];
    }
  },
  'a transaction with Buffers': async (r) => {
    await r.set('bin', BINARY);
    return r.multi().getBuffer('bin').get('bin').hgetallBuffer('none').exec();
  },
  'an empty transaction': (r) => r.multi().exec(),
  'a transaction in a pipeline': async (r) =>
    shown(await r.pipeline().get('a').multi().set('a', 2).get('a').exec().get('a').exec()),
  callbacks: (r) =>
    new Promise((resolve) => {
      r.set('cb', '1', (error: unknown, value: unknown) => {
        r.lpush('cb', 'x', (failed: Error) => resolve([error, value, failed.name, failed.message]));
      });
    }),
  scripts: async (r) => {
    r.defineCommand('both', { numberOfKeys: 1, lua: 'return {KEYS[1], ARGV[1]}' });
    r.defineCommand('any', { lua: 'return #KEYS' });
    return [
      await r.both('k', 'v'),
      await r.both('k', Buffer.from('w')),
      await r.bothBuffer('k', BINARY),
      await r.any(2, 'a', 'b'),
      await r.anyBuffer(0),
      await new Promise((resolve) => r.any(0, (...result: unknown[]) => resolve(result))),
      await r.pipeline().both('a', 'b').bothBuffer('a', BINARY).exec(),
      await r.multi().both('a', 'b').both('c', 'd').bothBuffer('a', BINARY).exec(),
      await new Promise((resolve) => r.both('k', 'v', (...result: unknown[]) => resolve(result))),
    ];
  },
  'scripts that the server has forgotten': async (r) => {
    r.defineCommand('both', { numberOfKeys: 1, lua: 'return {KEYS[1], ARGV[1]}' });
    await r.both('k', 'v');
    await r.script('FLUSH');
    return [
      await r.both('k', 'v'),
      await r.both('k2', 'v2'),
      await r.multi().both('a', 'b').exec(),
    ];
  },
  'eval and evalsha': async (r) => {
    const sha = await r.script('LOAD', 'return ARGV[1]');
    return [
      sha,
      await r.evalsha(sha, 0, 'x'),
      await r.script('EXISTS', sha),
      await r.eval('return {1, "a", false}', 0),
    ];
  },
  'scan streams': async (r) => {
    for (let n = 0; n < 60; n += 1) await r.set(`k${n}`, n);
    await r.hset('h', { a: 1, b: 2 });
    await r.sadd('s', 'x', 'y');
    await r.zadd('z', 1, 'm');
    const all: Record<string, unknown[]> = { keys: [], h: [], s: [], z: [], buffers: [] };
    for await (const page of r.scanStream({ match: 'k*', count: 7 })) all.keys?.push(...page);
    for await (const page of r.hscanStream('h')) all.h?.push(...page);
    for await (const page of r.sscanStream('s')) all.s?.push(...page);
    for await (const page of r.zscanStream('z')) all.z?.push(...page);
    for await (const page of r.scanBufferStream({ match: 'h' })) all.buffers?.push(...page);
    return { ...all, keys: all.keys?.sort(), s: all.s?.sort() };
  },
  'the error of a scan stream': async (r) => {
    await r.set('text', 'x');
    const pages = [];
    for await (const page of r.hscanStream('text')) pages.push(page);
    return pages;
  },
  geo: async (r) => [
    await r.geoadd('g', 13.361389, 38.115556, 'P'),
    await r.geopos('g', 'P', 'none'),
  ],
  configuration: (r) => r.config('GET', 'maxmemory'),
  info: async (r) => /redis_version:/.test(await r.info()),
  'command info': async (r) => (await r.command('COUNT')) > 100,
  select: async (r) => [await r.select(0), await r.get('none')],
  duplicates: async (r) => {
    const d = r.duplicate();
    const blocked = d.blpop('list', 5);
    await r.rpush('list', 'v');
    const value = await blocked;
    d.disconnect();
    return value;
  },
  keyPrefix: async (r) => {
    const d = r.duplicate({ keyPrefix: 'p:' });
    await d.set('a', 1);
    await d.multi().set('b', 2).exec();
    await d.pipeline().set('c', 3).exec();
    d.defineCommand('put', { numberOfKeys: 1, lua: "return redis.call('set', KEYS[1], 1)" });
    await d.put('d');
    const streamed: string[] = [];
    await d.hset('h', 'f', 'v');
    for await (const page of d.hscanStream('h')) streamed.push(...page);
    d.disconnect();
    return [(await r.keys('*')).sort(), streamed];
  },
  'keyPrefix in every kind of command': async (r) => {
    const d = r.duplicate({ keyPrefix: 'p:' });
    d.defineCommand('two', { numberOfKeys: 2, lua: 'return {KEYS[1], KEYS[2], ARGV[1]}' });
    const values = [
      await d.eval('return {KEYS[1], ARGV[1]}', 1, 'k', 'v'),
      await d.two('a', 'b', 'c'),
      await d.pipeline().two('a', 'b', 'c').exec(),
      await d.multi().two('a', 'b', 'c').exec(),
      await d.rpush('l', 2, 1),
      await d.mset({ w_1: 9, w_2: 3 }),
      await d.sort('l', 'BY', 'w_*', 'GET', '#', 'GET', 'w_*'),
      await d.sort('l', 'STORE', 'sorted'),
      await d.xadd('s', '1-1', 'f', 'v'),
      await d.xgroup('CREATE', 's', 'g', '0'),
      await d.xread('COUNT', 1, 'STREAMS', 's', '0'),
      await d.xreadgroup('GROUP', 'g', 'c', 'STREAMS', 's', '>'),
      await d.zadd('z', 1, 'a'),
      await d.zunionstore('union', 2, 'z', 'none'),
      await d.object('ENCODING', 'z'),
      await d.bitop('AND', 'bits', 'w_1'),
      await d.rename('w_1', 'w_3'),
      await d.blpop('l', 'none', 1),
      await d.set(BINARY, 1),
      await d.getBuffer(BINARY),
      await d.subscribe('news'),
    ];
    d.disconnect();
    return [values, (await r.keys('*')).sort()];
  },
  'counts of subscriptions': async (r) => {
    const d = r.duplicate();
    const [first, second, third] = [d.subscribe('a'), d.subscribe('b', 'c'), d.psubscribe('x*')];
    const counts = [await first, await second, await third];
    const [fourth, fifth] = [d.unsubscribe('a'), d.unsubscribe('b')];
    counts.push(await fourth, await fifth, await d.punsubscribe('x*'));
    const last = await new Promise((resolve) => {
      d.subscribe('a', 'd', (error: unknown, count: unknown) => resolve([error, count]));
    });
    d.disconnect();
    return [counts, last];
  },
  'automatic pipelines': async (r) => {
    const d = r.duplicate({ enableAutoPipelining: true });
    const values = await Promise.all([d.set('a', 1), d.get('a'), d.incr('a'), d.getBuffer('a')]);
    d.disconnect();
    return values;
  },
  stringNumbers: async (r) => {
    const d = r.duplicate({ stringNumbers: true });
    const values = [
      await d.incr('n'),
      await d.multi().incr('n').get('n').exec(),
      await d.strlen('n'),
      await d.subscribe('news'),
    ];
    d.disconnect();
    return values;
  },
  'a friendly stack': async (r) => {
    const d = r.duplicate({ showFriendlyErrorStack: true });
    await d.set('a', 'x');
    const error = (await d.lpush('a', 1).catch((failed: Error) => failed)) as Error;
    d.disconnect();
    return [error.message, error.stack?.includes('same-results.test')];
  },
  'a command before it is ready': async (r) => {
    const d = r.duplicate();
    const values = [await d.set('q', 1), await d.get('q'), await d.pipeline().get('q').exec()];
    d.disconnect();
    return values;
  },
  'instance and members': (r) => [r.isCluster, typeof r.defineCommand, r.options.keyPrefix],
  'names of commands': (r) => r.getBuiltinCommands().length,
};

describe.each(LIBRARIES)('%s', (_, Class) => {
  it('gives the same results', async () => {
    const [east, west] = await servers();
    const plain = plainOf(Class, east);
    const redis = await readyRedis([east, west], { Redis: Class });
    expect(redis).toBeInstanceOf(Class);
    const outcome = async (call: Call, client: Client) => {
      await plain.flushall();
      try {
        return await call(client);
      } catch (error) {
        const { name, message, command } = error as Error & { command?: unknown };
        return { name, message, command, isReply: error instanceof (Class as Client).ReplyError };
      }
    };
    const different: unknown[] = [];
    for (const [name, call] of Object.entries(CALLS)) {
      const expected = await outcome(call, plain);
      const received = await outcome(call, redis);
      if (!isDeepStrictEqual(received, expected))
        different.push(`${name}\n  plain: ${text(expected)}\n  ours:  ${text(received)}`);
    }
    expect(different).toEqual([]);
  });
});

it('tests each library with its own class', () => {
  expect(new Set([Redis, Redis5, Valkey]).size).toBe(3);
});
