/**
 * The category of a command whose arguments matter. A rule reads the arguments as far as the
 * options reach and chooses the riskier category if in doubt. Arguments that the server will refuse
 * may get any category, because nothing is executed.
 */
import type { CommandCategory } from './command-risk.js';

export type CommandArguments = readonly (string | Buffer)[];

type Rule = (args: CommandArguments) => CommandCategory;

/** No keyword of Redis is longer, and a value may be megabytes. */
const LONGEST_WORD = 32;

/** A keyword for comparison; empty if the argument cannot be a keyword. */
export function upperCase(argument: string | Buffer | undefined): string {
  if (argument === undefined || argument.length > LONGEST_WORD) return '';
  if (typeof argument === 'string') return argument.toUpperCase();
  // Anything else is refused when it is encoded.
  return Buffer.isBuffer(argument) ? argument.toString('latin1').toUpperCase() : '';
}

/** Options with a value, which must not be taken for an option. */
const SET_VALUES = new Set(['EX', 'PX', 'EXAT', 'PXAT', 'IFEQ', 'IFNE', 'IFDEQ', 'IFDNE']);

/** SET k v [NX | XX | IFEQ x | IFNE x | IFDEQ x | IFDNE x] [GET] [EX n | ... | KEEPTTL] */
const set: Rule = (args) => {
  let category: CommandCategory = 'last-write-wins';
  for (let i = 3; i < args.length; i++) {
    const word = upperCase(args[i]);
    // A repeat would answer with the value that the first run set.
    if (word === 'GET') return 'accumulating';
    // IFNE finds a value that differs from x after the first run as well, and overwrites again.
    if (word === 'NX' || word === 'IFEQ' || word === 'IFDEQ') category = 'checked-write';
    if (SET_VALUES.has(word)) i++;
  }
  return category;
};

/** MSETEX n k v ... [NX | XX] [EX n | ... | KEEPTTL] */
const msetex: Rule = (args) =>
  hasWord(args, 2 + 2 * integer(args[1]), 'NX') ? 'checked-write' : 'last-write-wins';

/** HSETEX k [NX | XX] [FNX | FXX] [EX n | ... | KEEPTTL] FIELDS n f v ... */
const hsetex: Rule = (args) =>
  hasWord(args, 2, 'FNX', 'FIELDS') || hasWord(args, 2, 'NX', 'FIELDS')
    ? 'checked-write'
    : 'last-write-wins';

/** DELEX k [IFEQ x | IFNE x | IFDEQ x | IFDNE x] */
const delex: Rule = (args) => {
  const word = upperCase(args[2]);
  return word === 'IFEQ' || word === 'IFDEQ' ? 'checked-write' : 'last-write-wins';
};

/**
 * The options of GETEX and HGETEX. A time in the past deletes the value, so that a repeat would not
 * find what the first run answered with.
 */
function readsAndExpires(option: string): CommandCategory {
  return option === 'EXAT' || option === 'PXAT' ? 'accumulating' : 'last-write-wins';
}

/** GETEX k [EX n | PX n | EXAT t | PXAT t | PERSIST] */
const getex: Rule = (args) => (args.length > 2 ? readsAndExpires(upperCase(args[2])) : 'read');

/** HGETEX k [EX n | PX n | EXAT t | PXAT t | PERSIST] FIELDS n f ... */
const hgetex: Rule = (args) => {
  const option = upperCase(args[2]);
  return option === 'FIELDS' ? 'read' : readsAndExpires(option);
};

/** BITFIELD k [GET e o | OVERFLOW x | SET e o v | INCRBY e o n] ...: SET returns the old value. */
const bitfield: Rule = (args) => {
  for (let i = 2; i < args.length; ) {
    const word = upperCase(args[i]);
    if (word === 'GET') i += 3;
    else if (word === 'OVERFLOW') i += 2;
    else return 'accumulating';
  }
  return 'read';
};

/** XGROUP SETID k g id | $: the last entry may be another one when the command is repeated. */
const xgroupSetId: Rule = (args) =>
  upperCase(args[4]) === '$' ? 'accumulating' : 'last-write-wins';

/** COPY and RESTORE fail when the target exists, unless they may replace it. */
const replaces =
  (from: number): Rule =>
  (args) =>
    hasWord(args, from, 'REPLACE') ? 'last-write-wins' : 'checked-write';

/** JSON.SET k path v [NX | XX] [FPHA type] */
const jsonSet: Rule = (args) => (hasWord(args, 4, 'NX') ? 'checked-write' : 'last-write-wins');

/** What removes an element of an array (a merge with null does) moves the next one to its index. */
const jsonDelete: Rule = (args) => (args[2]?.includes('[') ? 'accumulating' : 'last-write-wins');

const ZADD_OPTIONS = new Set(['XX', 'GT', 'LT', 'CH']);

/** ZADD k [NX | XX] [GT | LT] [CH] [INCR] score member ...; GEOADD k [NX | XX] [CH] ... */
const zadd: Rule = (args) => {
  let category: CommandCategory = 'last-write-wins';
  for (let i = 2; i < args.length; i++) {
    const word = upperCase(args[i]);
    if (word === 'INCR') return 'accumulating';
    if (word === 'NX') category = 'checked-write';
    else if (!ZADD_OPTIONS.has(word)) break;
  }
  return category;
};

/**
 * XADD k [NOMKSTREAM] [KEEPREF | DELREF | ACKED] [IDMPAUTO pid | IDMP pid iid]
 * [MAXLEN | MINID [= | ~] n [LIMIT n]] id field value ...
 *
 * An explicit id is refused the second time; an id that the server makes is another one, unless
 * an idempotence key lets the server recognise the repeat.
 */
const xadd: Rule = (args) => {
  let recognised = false;
  for (let i = 2; i < args.length; ) {
    switch (upperCase(args[i])) {
      case 'NOMKSTREAM':
      case 'KEEPREF':
      case 'DELREF':
      case 'ACKED':
        i++;
        break;
      case 'IDMPAUTO':
        recognised = true;
        i += 2;
        break;
      case 'IDMP':
        recognised = true;
        i += 3;
        break;
      case 'MAXLEN':
      case 'MINID': {
        const modifier = upperCase(args[i + 1]);
        i += modifier === '=' || modifier === '~' ? 3 : 2;
        break;
      }
      case 'LIMIT':
        i += 2;
        break;
      default:
        return recognised || args[i]?.includes('*') === false ? 'checked-write' : 'accumulating';
    }
  }
  return 'accumulating';
};

/** TS.ADD k timestamp v ... [ON_DUPLICATE policy]: without a policy the key's own holds, maybe SUM. */
const tsAdd: Rule = (args) => {
  if (args[2]?.includes('*') !== false) return 'accumulating';
  for (let i = 4; i < args.length - 1; i++) {
    if (upperCase(args[i]) !== 'ON_DUPLICATE') continue;
    const policy = upperCase(args[i + 1]);
    if (policy === 'BLOCK' || policy === 'FIRST') return 'checked-write';
    return policy === 'LAST' || policy === 'MIN' || policy === 'MAX'
      ? 'last-write-wins'
      : 'accumulating';
  }
  return 'accumulating';
};

/** LREM k count v: a count takes as many again from what is left. */
const lrem: Rule = (args) => (integer(args[2]) === 0 ? 'last-write-wins' : 'accumulating');

/** LTRIM k start stop, which must keep what a first run kept: its first or its last elements. */
const ltrim: Rule = (args) => {
  const start = integer(args[2]);
  const stop = integer(args[3]);
  return (start === 0 && stop >= 0) || (start < 0 && stop === -1)
    ? 'last-write-wins'
    : 'accumulating';
};

/** ZREMRANGEBYRANK k start stop: the same, seen from what is removed. */
const zremrangebyrank: Rule = (args) => {
  const start = integer(args[2]);
  const stop = integer(args[3]);
  return (start === 0 && stop < 0) || (start >= 0 && stop === -1)
    ? 'last-write-wins'
    : 'accumulating';
};

/** The result replaces one of its own sources, so that a repeat would work on the result. */
function stores(args: CommandArguments, target: number, from: number, to: number): CommandCategory {
  for (let i = from; i < to; i++) {
    if (same(args[target], args[i])) return 'accumulating';
  }
  return 'last-write-wins';
}

/** ZUNIONSTORE target n source ... */
const storesCounted: Rule = (args) => stores(args, 1, 3, 3 + integer(args[2]));

/** TDIGEST.MERGE target n source ... [COMPRESSION n] [OVERRIDE]: adds to the target if it may not override. */
const tdigestMerge: Rule = (args) =>
  hasWord(args, 3 + integer(args[2]), 'OVERRIDE') ? storesCounted(args) : 'accumulating';

/** SORT k [BY x] [LIMIT o n] [GET x ...] [ASC | DESC] [ALPHA] [STORE target] */
const sort: Rule = (args) => {
  for (let i = 2; i < args.length; i++) {
    const word = upperCase(args[i]);
    if (word === 'STORE') return stores(args, i + 1, 1, 2);
    if (word === 'BY' || word === 'GET') i++;
    else if (word === 'LIMIT') i += 2;
  }
  return 'read';
};

/** GEORADIUS and GEORADIUSBYMEMBER k ... [STORE target | STOREDIST target] */
const georadius =
  (from: number): Rule =>
  (args) => {
    for (let i = from; i < args.length; i++) {
      const word = upperCase(args[i]);
      if (word === 'STORE' || word === 'STOREDIST') return stores(args, i + 1, 1, 2);
    }
    return 'read';
  };

/** A cursor means something only to the server that gave it out; 0 begins again. */
const cursor =
  (index: number): Rule =>
  (args) => {
    const value = args[index];
    return value === undefined || (value.length === 1 && upperCase(value) === '0')
      ? 'read'
      : 'database-bound';
  };

/** CLIENT KILL ... ID n: the number that one server gave out. */
const clientKill: Rule = (args) => (hasWord(args, 2, 'ID') ? 'database-bound' : 'admin');

/** ACL LOG [n | RESET] */
const aclLog: Rule = (args) => (upperCase(args[2]) === 'RESET' ? 'admin' : 'read');

/** FT.SUGADD k text score [INCR] [PAYLOAD x] */
const sugadd: Rule = (args) => (hasWord(args, 4, 'INCR') ? 'accumulating' : 'last-write-wins');

/** For the commands whose arguments decide. Subcommands follow a bar. */
export const ARGUMENT_RULES: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  ['SET', set],
  ['MSETEX', msetex],
  ['HSETEX', hsetex],
  ['DELEX', delex],
  ['GETEX', getex],
  ['HGETEX', hgetex],
  ['BITFIELD', bitfield],
  ['BITOP', (args) => stores(args, 2, 3, args.length)],
  ['COPY', replaces(3)],
  ['RESTORE', replaces(4)],
  ['RESTORE-ASKING', replaces(4)],
  ['FUNCTION|LOAD', replaces(2)],
  ['SORT', sort],
  ['GEORADIUS', georadius(6)],
  ['GEORADIUSBYMEMBER', georadius(5)],
  ['GEOSEARCHSTORE', (args) => stores(args, 1, 2, 3)],
  ['SDIFFSTORE', (args) => stores(args, 1, 2, args.length)],
  ['ZRANGESTORE', (args) => stores(args, 1, 2, 3)],
  ['ZDIFFSTORE', storesCounted],
  ['ZINTERSTORE', storesCounted],
  ['ZUNIONSTORE', storesCounted],
  ['ZADD', zadd],
  ['GEOADD', zadd],
  ['ZREMRANGEBYRANK', zremrangebyrank],
  ['LREM', lrem],
  ['LTRIM', ltrim],
  ['XADD', xadd],
  ['XGROUP|SETID', xgroupSetId],
  ['SCAN', cursor(1)],
  ['CLUSTERSCAN', cursor(1)],
  ['HSCAN', cursor(2)],
  ['SSCAN', cursor(2)],
  ['ZSCAN', cursor(2)],
  ['BLESS|SCAN', cursor(2)],
  ['CLIENT|KILL', clientKill],
  ['ACL|LOG', aclLog],
  ['JSON.SET', jsonSet],
  ['JSON.DEL', jsonDelete],
  ['JSON.MERGE', jsonDelete],
  ['JSON.FORGET', jsonDelete],
  ['FT.SUGADD', sugadd],
  ['TS.ADD', tsAdd],
  ['BF.SCANDUMP', cursor(2)],
  ['CF.SCANDUMP', cursor(2)],
  ['CMS.MERGE', storesCounted],
  ['TDIGEST.MERGE', tdigestMerge],
]);

/** As Redis reads one. NaN when it isn't one, which every comparison answers with no. */
export function integer(argument: string | Buffer | undefined): number {
  const text = upperCase(argument);
  return /^(0|-?[1-9]\d*)$/.test(text) ? Number(text) : Number.NaN;
}

/** Whether `word` stands at `from` or behind, before `end`. */
function hasWord(args: CommandArguments, from: number, word: string, end?: string): boolean {
  for (let i = from; i < args.length; i++) {
    const found = upperCase(args[i]);
    if (found === word) return true;
    if (found === end) return false;
  }
  return false;
}

function same(a: string | Buffer | undefined, b: string | Buffer | undefined): boolean {
  if (a === undefined || b === undefined) return false;
  if (typeof a === 'string' && typeof b === 'string') return a === b;
  return Buffer.from(a as string).equals(Buffer.from(b as string));
}
