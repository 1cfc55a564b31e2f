import { FakeErrorReply } from './fake-errors.js';
import { type FakeValues, SortedSet } from './fake-values.js';

const NOT_A_NUMBER = 'ERR value is not an integer or out of range';
const SYNTAX = 'ERR syntax error';

/** What a command works on. */
export interface CommandContext {
  readonly values: FakeValues;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** Returns the reply as the server sends it with RESP 2. */
type Command = (context: CommandContext, args: readonly string[]) => unknown;

/** The commands of a fake database: enough for libraries of sessions, caches and rate limits. */
export const COMMANDS: Readonly<Record<string, Command>> = Object.freeze({
  PING: (_, [message = 'PONG']) => message,
  ECHO: (_, [message = '']) => message,
  DBSIZE: ({ values }) => values.keys().length,
  FLUSHALL: flush,
  FLUSHDB: flush,
  TIME: ({ now }) => [String(Math.floor(now() / 1000)), String(Math.floor(now() % 1000) * 1000)],

  GET: ({ values }, [key = '']) => values.string(key) ?? null,
  SET: set,
  SETNX: ({ values }, [key = '', value = '']) => {
    if (values.has(key)) return 0;
    values.set(key, value);
    return 1;
  },
  SETEX: (context, [key = '', seconds, value]) =>
    set(context, [key, value ?? '', 'EX', seconds ?? '']),
  PSETEX: (context, [key = '', ms, value]) => set(context, [key, value ?? '', 'PX', ms ?? '']),
  GETDEL: ({ values }, [key = '']) => {
    const value = values.string(key) ?? null;
    values.delete(key);
    return value;
  },
  GETEX: (context, [key = '', ...options]) => {
    const value = context.values.string(key);
    if (value === undefined) return null;
    const { expiresAt, persists } = expiryOf(context, options);
    if (expiresAt !== undefined || persists) context.values.expireAt(key, expiresAt);
    return value;
  },
  MGET: ({ values }, keys) => keys.map((key) => values.string(key) ?? null),
  MSET: ({ values }, args) => {
    for (const [key, value] of pairs(args)) values.set(key, value);
    return 'OK';
  },
  APPEND: ({ values }, [key = '', more = '']) => {
    const value = (values.string(key) ?? '') + more;
    values.change(key, value);
    return value.length;
  },
  STRLEN: ({ values }, [key = '']) => (values.string(key) ?? '').length,
  INCR: ({ values }, [key = '']) => add(values, key, 1),
  DECR: ({ values }, [key = '']) => add(values, key, -1),
  INCRBY: ({ values }, [key = '', by]) => add(values, key, integer(by)),
  DECRBY: ({ values }, [key = '', by]) => add(values, key, -integer(by)),

  DEL: deleteKeys,
  UNLINK: deleteKeys,
  EXISTS: ({ values }, keys) => keys.filter((key) => values.has(key)).length,
  TYPE: ({ values }, [key = '']) => typeOf(values.get(key)),
  KEYS: ({ values }, [pattern = '*']) => matching(values, pattern),
  SCAN: ({ values }, [, ...options]) => {
    const at = options.findIndex((each) => each.toUpperCase() === 'MATCH');
    return ['0', matching(values, at < 0 ? '*' : (options[at + 1] ?? '*'))];
  },
  EXPIRE: ({ values, now }, [key = '', s]) => expire(values, key, now() + integer(s) * 1000),
  PEXPIRE: ({ values, now }, [key = '', ms]) => expire(values, key, now() + integer(ms)),
  EXPIREAT: ({ values }, [key = '', s]) => expire(values, key, integer(s) * 1000),
  PEXPIREAT: ({ values }, [key = '', ms]) => expire(values, key, integer(ms)),
  PERSIST: ({ values }, [key = '']) => {
    if (!values.has(key) || values.expiresAt(key) === undefined) return 0;
    values.expireAt(key, undefined);
    return 1;
  },
  TTL: (context, [key = '']) => {
    const ms = timeToLive(context, key);
    return ms < 0 ? ms : Math.round(ms / 1000);
  },
  PTTL: (context, [key = '']) => timeToLive(context, key),

  HSET: ({ values }, [key = '', ...fields]) =>
    values.update(key, values.hash(key), (hash) => {
      const before = hash.size;
      for (const [field, value] of pairs(fields)) hash.set(field, value);
      return hash.size - before;
    }),
  HGET: ({ values }, [key = '', field = '']) => values.hash(key).get(field) ?? null,
  HMGET: ({ values }, [key = '', ...fields]) =>
    fields.map((field) => values.hash(key).get(field) ?? null),
  HGETALL: ({ values }, [key = '']) => [...values.hash(key)].flat(),
  HKEYS: ({ values }, [key = '']) => [...values.hash(key).keys()],
  HVALS: ({ values }, [key = '']) => [...values.hash(key).values()],
  HLEN: ({ values }, [key = '']) => values.hash(key).size,
  HEXISTS: ({ values }, [key = '', field = '']) => (values.hash(key).has(field) ? 1 : 0),
  HDEL: ({ values }, [key = '', ...fields]) =>
    values.update(key, values.hash(key), (hash) => fields.filter((f) => hash.delete(f)).length),
  HINCRBY: ({ values }, [key = '', field = '', by]) =>
    values.update(key, values.hash(key), (hash) => {
      const sum = integer(hash.get(field) ?? '0') + integer(by);
      hash.set(field, String(sum));
      return sum;
    }),
  HSCAN: ({ values }, [key = '']) => ['0', [...values.hash(key)].flat()],

  LPUSH: ({ values }, [key = '', ...items]) =>
    values.update(key, values.list(key), (list) => list.unshift(...items.reverse())),
  RPUSH: ({ values }, [key = '', ...items]) =>
    values.update(key, values.list(key), (list) => list.push(...items)),
  LPOP: ({ values }, [key = '']) =>
    values.update(key, values.list(key), (list) => list.shift() ?? null),
  RPOP: ({ values }, [key = '']) =>
    values.update(key, values.list(key), (list) => list.pop() ?? null),
  LLEN: ({ values }, [key = '']) => values.list(key).length,
  LRANGE: ({ values }, [key = '', from, to]) => slice(values.list(key), from, to),

  SADD: ({ values }, [key = '', ...items]) =>
    values.update(key, values.members(key), (members) => {
      const before = members.size;
      for (const item of items) members.add(item);
      return members.size - before;
    }),
  SREM: ({ values }, [key = '', ...items]) =>
    values.update(key, values.members(key), (all) => items.filter((i) => all.delete(i)).length),
  SMEMBERS: ({ values }, [key = '']) => [...values.members(key)],
  SISMEMBER: ({ values }, [key = '', item = '']) => (values.members(key).has(item) ? 1 : 0),
  SCARD: ({ values }, [key = '']) => values.members(key).size,
  SSCAN: ({ values }, [key = '']) => ['0', [...values.members(key)]],

  ZADD: ({ values }, [key = '', ...members]) =>
    values.update(key, values.sortedSet(key), (sorted) => {
      const before = sorted.size;
      for (const [score, member] of pairs(members)) sorted.set(member, number(score));
      return sorted.size - before;
    }),
  ZREM: ({ values }, [key = '', ...members]) =>
    values.update(key, values.sortedSet(key), (all) => members.filter((m) => all.delete(m)).length),
  ZCARD: ({ values }, [key = '']) => values.sortedSet(key).size,
  ZSCORE: ({ values }, [key = '', member = '']) => {
    const score = values.sortedSet(key).get(member);
    return score === undefined ? null : String(score);
  },
  ZRANGE: ({ values }, [key = '', from, to, ...options]) => {
    if (options.length > 0) throw new FakeErrorReply(SYNTAX);
    const members = values.sortedSet(key).sorted();
    return slice(members, from, to).map(([member]) => member);
  },
  ZREMRANGEBYSCORE: ({ values }, [key = '', min, max]) =>
    values.update(key, values.sortedSet(key), (sorted) => {
      const gone = [...sorted].filter(([, score]) => score >= number(min) && score <= number(max));
      for (const [member] of gone) sorted.delete(member);
      return gone.length;
    }),
});

/** Commands that change data; a read-only or full server refuses them. */
export const WRITES: ReadonlySet<string> = new Set([
  ...['SET', 'SETNX', 'SETEX', 'PSETEX', 'GETDEL', 'GETEX', 'MSET', 'APPEND'],
  ...['INCR', 'DECR', 'INCRBY', 'DECRBY', 'DEL', 'UNLINK', 'FLUSHALL', 'FLUSHDB'],
  ...['EXPIRE', 'PEXPIRE', 'EXPIREAT', 'PEXPIREAT', 'PERSIST'],
  ...['HSET', 'HDEL', 'HINCRBY', 'LPUSH', 'RPUSH', 'LPOP', 'RPOP', 'SADD', 'SREM'],
  ...['ZADD', 'ZREM', 'ZREMRANGEBYSCORE', 'EVAL'],
]);

function flush({ values }: CommandContext): string {
  values.clear();
  return 'OK';
}

function set(context: CommandContext, [key = '', value = '', ...options]: readonly string[]) {
  const { values } = context;
  const words = options.map((each) => each.toUpperCase());
  const before = words.includes('GET') ? (values.string(key) ?? null) : 'OK';
  const isRefused = values.has(key) ? words.includes('NX') : words.includes('XX');
  if (isRefused) return words.includes('GET') ? before : null;
  const { expiresAt, keeps } = expiryOf(context, options);
  if (keeps) values.change(key, value);
  else values.set(key, value);
  if (expiresAt !== undefined) values.expireAt(key, expiresAt);
  return before;
}

function expiryOf({ now }: CommandContext, options: readonly string[]) {
  let expiresAt: number | undefined;
  let keeps = false;
  let persists = false;
  for (let i = 0; i < options.length; i += 1) {
    const word = options[i]?.toUpperCase() ?? '';
    if (word === 'KEEPTTL') keeps = true;
    else if (word === 'PERSIST') persists = true;
    else if (/^(EX|PX|EXAT|PXAT)$/.test(word)) {
      i += 1;
      const given = integer(options[i]) * (word.startsWith('EX') ? 1000 : 1);
      expiresAt = word.endsWith('AT') ? given : now() + given;
    } else if (!/^(NX|XX|GET)$/.test(word)) throw new FakeErrorReply(SYNTAX);
  }
  return { expiresAt, keeps, persists };
}

function expire(values: FakeValues, key: string, at: number): number {
  if (!values.has(key)) return 0;
  values.expireAt(key, at);
  return 1;
}

function timeToLive({ values, now }: CommandContext, key: string): number {
  if (!values.has(key)) return -2;
  const at = values.expiresAt(key);
  return at === undefined ? -1 : Math.ceil(at - now());
}

function add(values: FakeValues, key: string, by: number): number {
  const sum = integer(values.string(key) ?? '0') + by;
  if (!Number.isSafeInteger(sum)) throw new FakeErrorReply(NOT_A_NUMBER);
  values.change(key, String(sum));
  return sum;
}

function deleteKeys({ values }: CommandContext, keys: readonly string[]): number {
  return keys.filter((key) => values.has(key) && values.delete(key)).length;
}

function typeOf(value: unknown): string {
  if (value === undefined) return 'none';
  if (typeof value === 'string') return 'string';
  if (Array.isArray(value)) return 'list';
  if (value instanceof SortedSet) return 'zset';
  return value instanceof Set ? 'set' : 'hash';
}

function matching(values: FakeValues, pattern: string): string[] {
  const escaped = pattern.replace(/[.+^${}()|\\]/g, '\\$&');
  const glob = new RegExp(`^${escaped.replaceAll('*', '.*').replaceAll('?', '.')}$`, 's');
  return values.keys().filter((key) => glob.test(key));
}

function slice<T>(items: readonly T[], from = '0', to = '-1'): T[] {
  const end = integer(to);
  return items.slice(integer(from), end === -1 ? undefined : end + 1);
}

function pairs(args: readonly string[]): [string, string][] {
  if (args.length % 2 !== 0) throw new FakeErrorReply(SYNTAX);
  return Array.from({ length: args.length / 2 }, (_, i) => [
    args[2 * i] as string,
    args[2 * i + 1] as string,
  ]);
}

function integer(text: string | undefined): number {
  const value = Number(text);
  if (text === undefined || text === '' || !Number.isSafeInteger(value)) {
    throw new FakeErrorReply(NOT_A_NUMBER);
  }
  return value;
}

function number(text: string | undefined): number {
  if (text === '-inf') return Number.NEGATIVE_INFINITY;
  if (text === '+inf' || text === 'inf') return Number.POSITIVE_INFINITY;
  const value = Number(text);
  if (text === undefined || Number.isNaN(value))
    throw new FakeErrorReply('ERR value is not a valid float');
  return value;
}
