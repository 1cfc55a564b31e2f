import { type CommandArguments, upperCase } from './command-arguments.js';
import { isKnownCommand } from './command-category.js';

/**
 * Commands whose reply only depends on the values of their keys, so that the server announces every
 * change. Excluded are commands that depend on time (TTL, OBJECT IDLETIME, XPENDING), on randomness
 * (SRANDMEMBER), on other keys (SORT_RO with BY or GET, scripts) or on state without announcements
 * (XINFO, EVAL_RO, FCALL_RO after FUNCTION LOAD), and commands with a side effect (TOUCH). A test
 * compares the names with the reports of real servers.
 */
export const CACHEABLE_COMMANDS: ReadonlySet<string> = new Set(
  [
    'GET MGET GETRANGE SUBSTR STRLEN LCS DIGEST GETBIT BITCOUNT BITPOS BITFIELD_RO',
    'EXISTS TYPE EXPIRETIME PEXPIRETIME',
    'HGET HMGET HGETALL HKEYS HVALS HLEN HSTRLEN HEXISTS',
    'LINDEX LLEN LPOS LRANGE',
    'SCARD SISMEMBER SMISMEMBER SMEMBERS SDIFF SINTER SINTERCARD SUNION',
    'ZCARD ZCOUNT ZLEXCOUNT ZSCORE ZMSCORE ZRANK ZREVRANK ZRANGE ZRANGEBYLEX ZRANGEBYSCORE',
    'ZREVRANGE ZREVRANGEBYLEX ZREVRANGEBYSCORE ZDIFF ZINTER ZINTERCARD ZUNION',
    'GEODIST GEOHASH GEOPOS GEOSEARCH GEORADIUS_RO GEORADIUSBYMEMBER_RO',
    'XLEN XRANGE XREVRANGE',
    'JSON.GET JSON.MGET JSON.TYPE JSON.STRLEN JSON.ARRLEN JSON.ARRINDEX JSON.OBJKEYS JSON.OBJLEN',
  ].flatMap((names) => names.split(' ')),
);

export function isCacheable(args: CommandArguments): boolean {
  return CACHEABLE_COMMANDS.has(upperCase(args[0]));
}

/** Scripts, and writes to a time series, which its rules copy to other series. */
const REACHES_FURTHER: ReadonlySet<string> = new Set(
  [
    'EVAL EVALSHA FCALL',
    'TS.ADD TS.MADD TS.INCRBY TS.DECRBY TS.DEL TS.ALTER TS.CREATERULE TS.DELETERULE',
  ].flatMap((names) => names.split(' ')),
);

/** Whether a write may change keys that are not among its arguments. Unknown commands may. */
export function mayWriteOtherKeys(args: CommandArguments): boolean {
  return REACHES_FURTHER.has(upperCase(args[0])) || !isKnownCommand(args);
}
