/** What is read from the cache is true of the active database. */
import { BasicClientSideCache, BasicPooledClientSideCache } from '@redis/client';
import { createMultiDbClient, type MultiDbClient } from 'redis-multidb';
import { beforeEach, describe, expect, it } from 'vitest';
import {
  type FaultProxy,
  isRedis7,
  type RedisServer,
  startProxy,
  startRedis,
  waitFor,
} from '../kit/index.js';
import {
  active,
  connected,
  databases,
  errorOf,
  healthy,
  own,
  QUICK,
  servers,
  switchTo,
} from './support.js';

const since7 = it.runIf(await isRedis7());

let east: RedisServer;
let west: RedisServer;

beforeEach(async () => {
  [east, west] = await servers();
  await east.command('SET', 'k', 'east');
  await west.command('SET', 'k', 'west');
});

const CACHED = { client: { RESP: 3, clientSideCache: {} } } as const;

/**
 * Without a reply for two `suspectAfterMs` no cached value is fresh. Where hits are counted, a pause of a busy
 * machine must not be as long.
 */
const LONG_FRESH = { suspectAfterMs: 60_000 } as const;

interface Stats {
  hitCount: number;
  missCount: number;
}

const statsOf = (client: MultiDbClient) =>
  (client as unknown as { clientSideCache: { stats(): Stats; size(): number } }).clientSideCache;

const eventually = (predicate: () => boolean | Promise<boolean>) =>
  waitFor(predicate, { what: String(predicate) });

/** How many GETs a server has executed. */
async function gets(server: RedisServer): Promise<number> {
  const info = String(await server.command('INFO', 'commandstats'));
  return Number(/cmdstat_get:calls=(\d+)/.exec(info)?.[1] ?? 0);
}

describe('without faults', () => {
  it('asks the server once, and counts', async () => {
    const client = await connected([east, west], { ...CACHED, ...LONG_FRESH });
    expect(await client.get('k')).toBe('east');
    expect(await client.get('k')).toBe('east');
    expect(await Promise.all([client.get('k'), client.get('k')])).toEqual(['east', 'east']);
    expect(await gets(east)).toBe(1);
    expect(statsOf(client).stats()).toMatchObject({ hitCount: 3, missCount: 1 });
    expect(statsOf(client).size()).toBe(1);
  });

  it('hears of a change that somebody else makes', async () => {
    const client = await connected([east, west], CACHED);
    expect(await client.get('k')).toBe('east');
    await east.command('SET', 'k', 'changed');
    await eventually(async () => (await client.get('k')) === 'changed');
    await east.command('FLUSHALL');
    await eventually(async () => (await client.get('k')) === null);
  });

  it('never reads from the cache what was true before its own write', async () => {
    const client = await connected([east, west], CACHED);
    for (let i = 0; i < 100; i += 1) {
      await client.get('k');
      await client.set('k', `${i}`);
      expect(await client.get('k')).toBe(`${i}`);
      await client.multi().set('k', `m${i}`).exec();
      expect(await client.get('k')).toBe(`m${i}`);
      // Not even when it does not wait for it: one connection keeps the order.
      const [, read] = await Promise.all([client.set('k', `p${i}`), client.get('k')]);
      expect(read).toBe(`p${i}`);
      await client.sendCommand(['append', Buffer.from('k'), '!']);
      expect(await client.get('k')).toBe(`p${i}!`);
      await client.get('k');
      await client.flushAll();
      expect(await client.get('k')).toBe(null);
    }
  });

  it('tells keys that are no text from one another', async () => {
    const client = await connected([east, west], CACHED);
    const [a, b] = [Buffer.from([0xff]), Buffer.from([0xfe])];
    await client.set(a, 'a');
    await client.set(b, 'b');
    expect([await client.get(a), await client.get(b)]).toEqual(['a', 'b']);
    expect([await client.get(a), await client.get(b)]).toEqual(['a', 'b']);
  });

  it('answers replies of several kinds as node-redis does', async () => {
    const client = await connected([east, west], CACHED);
    await client.hSet('h', { a: '1', b: '2' });
    await client.zAdd('z', [{ score: 1, value: 'x' }]);
    for (let i = 0; i < 2; i += 1) {
      expect({ ...(await client.hGetAll('h')) }).toEqual({ a: '1', b: '2' });
      expect(await client.zRangeWithScores('z', 0, -1)).toEqual([{ score: 1, value: 'x' }]);
      expect(await client.get('none')).toBe(null);
      expect(await client.mGet(['k', 'none'])).toEqual(['east', null]);
    }
    // A caller can't spoil what the next one gets.
    const reply = (await client.hGetAll('h')) as Record<string, string>;
    reply.a = 'spoilt';
    expect({ ...(await client.hGetAll('h')) }).toEqual({ a: '1', b: '2' });
    // Another type mapping is another reply.
    expect(await client.withTypeMapping({ 36: Buffer }).get('k')).toEqual(Buffer.from('east'));
    expect(await client.get('k')).toBe('east');
    expect((await errorOf(client.get('h'))).message).toMatch(/WRONGTYPE/);
    expect((await errorOf(client.get('h'))).message).toMatch(/WRONGTYPE/);
  });

  it('evicts by ttl and number', async () => {
    const client = await connected([east, west], {
      client: { RESP: 3, clientSideCache: { maxEntries: 10, evictPolicy: 'FIFO', ttl: 60_000 } },
    });
    for (let i = 0; i < 30; i += 1) await client.get(`k${i}`);
    expect(statsOf(client).size()).toBe(10);
  });

  it.each([
    ['BasicClientSideCache', () => new BasicClientSideCache()],
    ['BasicPooledClientSideCache', () => new BasicPooledClientSideCache()],
  ])('takes a %s, and its events', async (_name, make) => {
    const cache = make();
    const client = await connected([east, west], {
      ...LONG_FRESH,
      client: { RESP: 3, clientSideCache: cache },
    });
    const told: unknown[] = [];
    cache.on('invalidate', (key: unknown) => told.push(key === null ? null : String(key)));
    expect((client as unknown as { clientSideCache: unknown }).clientSideCache).toBe(cache);
    await client.get('k');
    await client.get('k');
    expect(cache.stats().hitCount).toBe(1);
    await east.command('SET', 'k', 'other');
    await eventually(() => told.includes('k'));
    expect(cache.size()).toBe(0);
    expect(() =>
      createMultiDbClient({
        databases: databases([east]),
        client: { RESP: 3, clientSideCache: cache },
      }),
    ).toThrow(/client\.clientSideCache: expected a separate instance for each group/);
  });

  it('is reset by close(), with its statistics', async () => {
    const cache = new BasicClientSideCache();
    const client = await connected([east, west], {
      ...LONG_FRESH,
      client: { RESP: 3, clientSideCache: cache },
    });
    await client.get('k');
    await client.get('k');
    expect(cache.stats().hitCount).toBe(1);
    await client.close();
    expect([cache.size(), cache.stats().hitCount, cache.stats().missCount]).toEqual([0, 0, 0]);
  });

  it('keeps a value out that was read before clear()', async () => {
    const proxy = await startProxy(east);
    const cache = new BasicClientSideCache();
    const client = await connected([proxy, west], { client: { RESP: 3, clientSideCache: cache } });
    proxy.delay({ toClientMs: 30 });
    const reading = client.get('k');
    await eventually(async () => (await gets(east)) === 1);
    cache.clear();
    await east.command('SET', 'k', 'newer');
    expect(await reading).toBe('east');
    proxy.delay({ toClientMs: 0 });
    await eventually(async () => (await client.get('k')) === 'newer');
  });

  it('one caller’s abort or timeout is not another’s', async () => {
    const proxy = await startProxy(east);
    const client = await connected([proxy, west], { ...CACHED, suspectAfterMs: 5000 });
    proxy.delay({ toClientMs: 100 });
    const late = errorOf(client.withCommandOptions({ timeout: 20 }).get('k'));
    const other = client.get('k');
    expect((await late).name).toBe('CommandTimeoutError');
    expect(await other).toBe('east');
  });
});

describe('what is kept depends on its keys alone', () => {
  const count = async (command: string) => {
    const info = String(await east.command('INFO', 'commandstats'));
    return Number(new RegExp(`cmdstat_${command}:calls=(\\d+)`).exec(info)?.[1] ?? 0);
  };

  since7(
    'not SORT_RO with patterns, what a group says, what is left to live, a script',
    async () => {
      const client = await connected([east, west], CACHED);
      await client.rPush('ids', ['1', '2']);
      await client.mSet({ o_1: 'a', o_2: 'b' });
      await client.xGroupCreate('s', 'g', '$', { MKSTREAM: true });
      await client.set('k', 'v', { expiration: { type: 'EX', value: 100 } });
      for (let round = 0; round < 3; round += 1) {
        await client.sortRo('ids', { BY: 'w_*', GET: 'o_*' });
        await client.xInfoGroups('s');
        await client.xPending('s', 'g');
        await client.ttl('k');
        await client.objectIdleTime('k');
        await client.evalRo('return redis.call("GET", KEYS[1])', { keys: ['k'] });
      }
      for (const name of ['sort_ro', 'xinfo\\|groups', 'xpending', 'ttl', 'object\\|idletime']) {
        expect([name, await count(name)]).toEqual([name, 3]);
      }
      expect(await count('eval_ro')).toBe(3);
      expect(statsOf(client).size()).toBe(0);
    },
  );

  it('nothing older than its own write of a key that does not stand in the command', async () => {
    const client = await connected([east, west], CACHED);
    const script = 'return redis.call("SET", "k", ARGV[1])';
    for (let i = 0; i < 100; i += 1) {
      await client.get('k');
      await client.eval(script, { arguments: [`${i}`] });
      expect(await client.get('k')).toBe(`${i}`);
      await client
        .multi()
        .eval(script, { arguments: [`m${i}`] })
        .exec();
      expect(await client.get('k')).toBe(`m${i}`);
      const [, read] = await Promise.all([
        client.eval(script, { arguments: [`p${i}`] }),
        client.get('k'),
      ]);
      expect(read).toBe(`p${i}`);
      await client.transaction([], (tx) => tx.eval(script, { arguments: [`t${i}`] }));
      expect(await client.get('k')).toBe(`t${i}`);
    }
  });

  it.each([
    ['options', () => ({})],
    ['a provider', () => new BasicClientSideCache({ maxEntries: 100 })],
  ])('by default nothing for longer than two seconds: %s', async (_name, setting) => {
    await using server = await startRedis();
    await server.command('DEBUG', 'SET-ACTIVE-EXPIRE', '0');
    const client = await connected([server, west], {
      client: { RESP: 3, clientSideCache: setting() },
    });
    await client.set('k', 'zero');
    await server.command('EVAL', "redis.call('SELECT', 1) redis.call('SET', 'k', 'one')", 0);
    // Read at once, because it expires soon.
    await client.set('short', 'v', { expiration: { type: 'PX', value: 1000 } });
    expect([await client.get('short'), await client.get('k')]).toEqual(['v', 'zero']);
    // Neither is announced.
    await server.command('SWAPDB', 0, 1);
    await eventually(async () => (await client.get('k')) === 'one');
    await server.command('SWAPDB', 0, 1);
    await eventually(async () => (await client.get('short')) === null);
    await eventually(async () => (await client.get('k')) === 'zero');
  });

  it('a provider is shared with duplicates, and nobody reads what was before a write', async () => {
    const cache = new BasicClientSideCache();
    const client = await connected([east, west], {
      ...LONG_FRESH,
      client: { RESP: 3, clientSideCache: cache },
    });
    const duplicate = own(client.duplicate());
    await duplicate.connect();
    expect((duplicate as unknown as { clientSideCache: unknown }).clientSideCache).toBe(cache);
    expect([await client.get('k'), await duplicate.get('k')]).toEqual(['east', 'east']);
    expect(await gets(east)).toBe(1);
    for (let i = 0; i < 100; i += 1) {
      const [writer, reader] = i % 2 === 0 ? [client, duplicate] : [duplicate, client];
      await reader.get('k');
      await writer.set('k', `${i}`);
      expect([await writer.get('k'), await reader.get('k')]).toEqual([`${i}`, `${i}`]);
    }
    await east.command('SET', 'k', 'changed');
    await eventually(async () => (await duplicate.get('k')) === 'changed');
    await client.get('k');
    await client.close();
    expect(cache.size()).toBe(0);
    await east.command('SET', 'k', 'later');
    await eventually(async () => {
      expect(await duplicate.get('k')).toBe('later');
      return cache.stats().hitCount > 0;
    });
  });
});

describe('nothing stale', () => {
  it('after a switch by hand and back', async () => {
    const client = await connected([east, west], CACHED);
    expect(await client.get('k')).toBe('east');
    await client.forceActiveDatabase('west');
    expect(statsOf(client).size()).toBe(0);
    expect(await client.get('k')).toBe('west');
    // While it was away, and with its warm connection still open.
    await east.command('SET', 'k', 'east 2');
    await client.forceActiveDatabase('east');
    expect(await client.get('k')).toBe('east 2');
  });

  it('in the callback of the switch itself', async () => {
    const client = await connected([east, west], CACHED);
    await client.get('k');
    const read = new Promise((resolve) => {
      client.on('switch', () => resolve(client.get('k')));
    });
    await client.forceActiveDatabase('west');
    expect(await read).toBe('west');
  });

  it('from a read that was under way at a switch', async () => {
    const proxy = await startProxy(east);
    const client = await connected([proxy, west], { ...CACHED, suspectAfterMs: 5000 });
    proxy.delay({ toClientMs: 100 });
    const reading = client.get('k');
    const joined = client.get('k');
    await eventually(async () => (await gets(east)) === 1);
    await client.forceActiveDatabase('west');
    const after = client.get('k');
    expect(await Promise.all([reading, joined])).toEqual(['east', 'east']);
    expect(await after).toBe('west');
    expect(await client.get('k')).toBe('west');
  });

  it('after a failover, and from reads that went along', async () => {
    const proxy = await startProxy(east);
    const client = await connected([proxy, west], CACHED);
    expect(await client.get('k')).toBe('east');
    proxy.silence();
    const switched = switchTo(client, 'west');
    const moved = client.get('moved');
    await switched;
    expect(await client.get('k')).toBe('west');
    expect(await moved).toBe(null);
    await west.command('SET', 'moved', 'now');
    await eventually(async () => (await client.get('moved')) === 'now');
  });

  it('after the connection was killed', async () => {
    const client = await connected([east, west], CACHED);
    expect(await client.get('k')).toBe('east');
    await east.command('CLIENT', 'KILL', 'TYPE', 'normal');
    // The server did not announce this change.
    await east.command('SET', 'k', 'while away');
    await eventually(async () => (await client.get('k')) === 'while away');
    expect(client.activeDatabase).toBe('east');
    await healthy(client);
    await client.get('k');
    await east.command('SET', 'k', 'later');
    await eventually(async () => (await client.get('k')) === 'later');
  });

  it('for longer than two suspectAfterMs, when the connection broke silently', async () => {
    const proxy: FaultProxy = await startProxy(east);
    const client = await connected([proxy, west], { ...CACHED, healthCheck: false });
    expect(await client.get('k')).toBe('east');
    proxy.silence();
    await east.command('SET', 'k', 'unheard');
    // Reads of one key, all from the cache: nothing but the cache can notice.
    await eventually(async () => {
      const reply = await Promise.race([client.get('k').catch(() => 'error'), tick('waiting')]);
      return reply === 'waiting' || reply === 'error';
    });
  });

  it('nothing at all while closed or down', async () => {
    const client = await connected([east, west], CACHED);
    await client.get('k');
    await Promise.all([east.kill(), west.kill()]);
    await active(client, undefined);
    expect((await errorOf(client.get('k'))).name).toBe('TemporarilyUnavailableError');
    client.destroy();
    expect((await errorOf(client.get('k'))).name).toBe('ClientClosedError');
  });
});

const tick = <T>(value: T) => new Promise<T>((resolve) => setTimeout(() => resolve(value), 20));

describe('emitInvalidate', () => {
  it('tells of keys read from the active database, and null when another one answers', async () => {
    const client = await connected([east, west], { client: { RESP: 3, emitInvalidate: true } });
    const told: (string | null)[] = [];
    client.on('invalidate', (key) => told.push(key === null ? null : String(key)));
    await client.get('k');
    await east.command('SET', 'k', '1');
    await eventually(() => told.length === 1);
    await client.forceActiveDatabase('west');
    await east.command('SET', 'k', '2');
    await client.get('k');
    await west.command('SET', 'k', '2');
    await eventually(() => told.length === 3);
    expect(told).toEqual(['k', null, 'k']);
  });
});

describe('what the application does when it is told of a flush', () => {
  const provider = (client: MultiDbClient) =>
    (client as unknown as { clientSideCache: BasicClientSideCache }).clientSideCache;

  it.each([
    ['destroys the client', (client: MultiDbClient) => client.destroy()],
    ['wants another database', (client: MultiDbClient) => client.forceActiveDatabase('north')],
  ])('%s: that happens after the switch, to everybody', async (_what, act) => {
    const [north] = await servers();
    const client = await connected([east, west, north], { ...CACHED, failbackSupported: false });
    const other = own(client.duplicate());
    await other.connect();
    await client.get('k');
    const during: unknown[] = [];
    provider(client).once('invalidate', () => {
      during.push(other.activeDatabase, act(client));
    });
    const pending = Promise.allSettled(Array.from({ length: 100 }, () => other.get('k')));
    await Promise.allSettled([client.forceActiveDatabase('west'), ...during]);
    await eventually(() => during.length > 0);
    await Promise.allSettled(during);
    for (const { status } of await pending) expect(status).toBe('fulfilled');
    expect(await other.set('k', 'new')).toBe('OK');
    // The group goes on failing over, and down.
    await Promise.all([east.kill(), west.kill(), north.kill()]);
    await eventually(() => other.activeDatabase === undefined);
  });

  it('throws: neither a write nor a switch fails for it', async () => {
    const client = await connected([east, west], { ...CACHED, failbackSupported: false });
    await client.get('k');
    const { invalidate } = provider(client);
    provider(client).invalidate = (key) => {
      invalidate.call(provider(client), key);
      thrown += 1;
      throw FROM_LISTENER;
    };
    let thrown = 0;
    let caught = 0;
    const others = process.listeners('uncaughtException');
    process.removeAllListeners('uncaughtException');
    process.on('uncaughtException', (error) => {
      if (error === FROM_LISTENER) caught += 1;
    });
    try {
      expect(await client.set('k', 'mine')).toBe('OK');
      await client.forceActiveDatabase('west');
      await east.command('SET', 'k', 'foreign');
      expect(await client.get('k')).toBe('west');
      await west.command('SET', 'k', 'foreign');
      await eventually(async () => (await client.get('k')) === 'foreign');
      await Promise.all([east.kill(), west.kill()]);
      await eventually(() => client.activeDatabase === undefined);
      await eventually(() => caught === thrown);
      expect(thrown).toBeGreaterThanOrEqual(3);
    } finally {
      process.removeAllListeners('uncaughtException');
      for (const listener of others) process.on('uncaughtException', listener);
    }
  });
});

const FROM_LISTENER = new Error('from a listener');

describe('refused', () => {
  it('for a topology of many connections, also when it is added later', async () => {
    const database = { id: 'p', topology: 'pool', client: { url: west.url } } as const;
    const expected = /topology: expected 'client' beside `client\.clientSideCache`/;
    expect(() =>
      createMultiDbClient({ ...CACHED, databases: [...databases([east]), database] as never }),
    ).toThrow(expected);
    const client = await connected([east], CACHED);
    expect((await errorOf(client.addDatabase(database as never))).message).toMatch(expected);
  });

  it.each([
    [{ RESP: 2, clientSideCache: {} }, /client\.clientSideCache: expected `RESP: 3` beside it/],
    [{ RESP: 2, emitInvalidate: true }, /client\.emitInvalidate: expected `RESP: 3` beside it/],
    [{ RESP: 3, clientSideCache: {}, emitInvalidate: true }, /client\.emitInvalidate: expected/],
    [{ RESP: 3, clientSideCache: true }, /client\.clientSideCache: expected an object/],
    [{ RESP: 3, clientSideCache: { ttl: -1 } }, /clientSideCache\.ttl: expected 0 ms or more/],
    [{ RESP: 3, clientSideCache: { size: 1 } }, /clientSideCache\.size: expected one of ttl/],
  ])('%j', (client, message) => {
    expect(() =>
      own(
        createMultiDbClient({
          ...QUICK,
          databases: databases([east, west]),
          client: client as never,
        }),
      ),
    ).toThrow(message);
  });
});
