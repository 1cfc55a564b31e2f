/**
 * Positions of the keys of a command, by which a cluster routes it. A test compares them with
 * COMMAND and COMMAND GETKEYS of a real server.
 */
import { type CommandArguments, integer, upperCase } from './command-arguments.js';

type FindKey = (args: CommandArguments) => number | undefined;

const at =
  (index: number): FindKey =>
  () =>
    index;

/** The first key after the number of keys at `index`. */
const countedAt =
  (index: number): FindKey =>
  (args) =>
    integer(args[index]) > 0 ? index + 1 : undefined;

/** XREAD [COUNT n] [BLOCK ms] STREAMS k ...; a group may be called STREAMS. */
const afterStreams =
  (from: number): FindKey =>
  (args) => {
    for (let i = from; i < args.length; i += 1) {
      if (upperCase(args[i]) === 'STREAMS') return i + 1;
    }
    return undefined;
  };

/** MIGRATE host port k | "" db timeout ... KEYS k ... */
const migrate: FindKey = (args) => {
  if (args[3] !== undefined && args[3].length > 0) return 3;
  for (let i = 6; i < args.length; i += 1) if (upperCase(args[i]) === 'KEYS') return i + 1;
  return undefined;
};

/** Commands whose subcommands take a key, except those in `keyless`. */
const afterSubcommand =
  (...keyless: string[]): FindKey =>
  (args) =>
    keyless.includes(upperCase(args[1])) ? undefined : 2;

const none: FindKey = () => undefined;

/** For all other commands, the first argument. */
const PLACES: readonly (readonly [FindKey, string])[] = [
  [none, 'PING ECHO AUTH HELLO SELECT RESET READONLY READWRITE ASKING QUIT UNWATCH MULTI EXEC'],
  [none, 'DISCARD CLIENT CLUSTER COMMAND CONFIG INFO TIME ROLE LASTSAVE LOLWUT SLOWLOG COMMANDLOG'],
  [none, 'LATENCY ACL MODULE HOTKEYS BACKUP SCRIPT FUNCTION PUBSUB FAILOVER REPLICAOF SLAVEOF'],
  [none, 'DBSIZE FLUSHALL FLUSHDB SWAPDB SAVE BGSAVE BGREWRITEAOF SHUTDOWN KEYS RANDOMKEY SCAN'],
  [none, 'WAIT WAITAOF MONITOR SYNC PSYNC REPLCONF PFSELFTEST TRIMSLOTS STRALGO'],
  [none, 'SUBSCRIBE PSUBSCRIBE UNSUBSCRIBE PUNSUBSCRIBE'],
  [none, 'FT.SEARCH FT.AGGREGATE FT.HYBRID FT.PROFILE FT.EXPLAIN FT.EXPLAINCLI FT.INFO FT._LIST'],
  [none, 'FT.SPELLCHECK FT.SYNDUMP FT.TAGVALS FT.DICTDUMP FT.ALIASLIST FT.CONFIG FT.CREATE'],
  [none, 'FT.ALTER FT.ALIASADD FT.ALIASUPDATE FT.ALIASDEL FT.DICTADD FT.DICTDEL FT.SYNUPDATE'],
  [none, 'FT.DROP FT.DROPINDEX FT.CURSOR FT.GET FT.MGET'],
  [none, 'TS.MGET TS.MRANGE TS.MREVRANGE TS.QUERYINDEX TS.QUERYLABELS TIMESERIES.REFRESHCLUSTER'],
  [at(2), 'BITOP PFDEBUG JSON.DEBUG'],
  [afterSubcommand('HELP'), 'OBJECT XINFO XGROUP BLESS'],
  [afterSubcommand('DOCTOR', 'HELP', 'MALLOC-STATS', 'PURGE', 'STATS'), 'MEMORY'],
  [afterSubcommand('PREPARE', 'DISCARD', 'DISCARDALL'), 'HIMPORT'],
  [(args) => (upperCase(args[1]) === 'OBJECT' ? 2 : undefined), 'DEBUG'],
  [countedAt(1), 'LMPOP SINTERCARD SDIFFCARD SUNIONCARD ZDIFF ZINTER ZINTERCARD ZMPOP ZUNION'],
  [countedAt(1), 'MSETEX TS.NRANGE TS.NREVRANGE'],
  [countedAt(2), 'EVAL EVALSHA EVAL_RO EVALSHA_RO FCALL FCALL_RO BLMPOP BZMPOP'],
  [afterStreams(1), 'XREAD'],
  [afterStreams(4), 'XREADGROUP'],
  [migrate, 'MIGRATE'],
];

const PLACE_OF: ReadonlyMap<string, FindKey> = new Map(
  PLACES.flatMap(([find, names]) =>
    names.split(' ').map((name): [string, FindKey] => [name, find]),
  ),
);

/**
 * The key by which a cluster routes a command; `undefined` for a command without keys. For PUBLISH
 * and SPUBLISH the channel, so that messages of one channel keep their order. An unknown command is
 * assumed to have its key in the usual position.
 */
export function firstKey(args: CommandArguments): string | Buffer | undefined {
  const find = PLACE_OF.get(upperCase(args[0]));
  const index = find === undefined ? 1 : find(args);
  return index === undefined ? undefined : args[index];
}

/** Commands whose keys a cluster client may send to several nodes, and how far keys stand apart. */
const SPLITTABLE: ReadonlyMap<string, 1 | 2> = new Map([
  ...['DEL', 'UNLINK', 'EXISTS', 'TOUCH', 'MGET'].map((name): [string, 1] => [name, 1]),
  ['MSET', 2],
]);

/**
 * All keys of a command that can be split by keys (MGET, DEL ...), otherwise `undefined`. A command
 * without the value of its last key is not split, so that the server reports the error.
 */
export function splittableKeys(args: CommandArguments): (string | Buffer)[] | undefined {
  const step = SPLITTABLE.get(upperCase(args[0]));
  if (step === undefined || (args.length - 1) % step !== 0) return undefined;
  const keys: (string | Buffer)[] = [];
  for (let i = 1; i < args.length; i += step) keys.push(args[i] as string | Buffer);
  return keys;
}
