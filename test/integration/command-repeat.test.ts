/**
 * What the categories promise, on a real server: a command that is run twice leaves the same data
 * as one that is run once, up to `last-write-wins`; `accumulating` ones show why they are not there.
 * `REDIS_SERVER=path` runs it against another version.
 */
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import { commandTraits } from '../../src/core/command-category.js';
import type { CommandCategory } from '../../src/core/command-risk.js';
import { RawConnection, type RedisServer, startRedis } from '../kit/index.js';

const SETUP = [
  'SET s value',
  'SET n 10',
  'HSET h a 1 b 2',
  'RPUSH l a b c a b c',
  'SADD set1 a b c',
  'SADD set2 b c d',
  'ZADD z1 1 a 2 b 3 c',
  'ZADD z2 2 b 3 c 4 d',
  'GEOADD geo 13.361389 38.115556 Palermo 15.087269 37.502669 Catania',
  'XADD x 1-1 f v',
  'XADD x 2-1 f v',
  'XGROUP CREATE x g 0',
  'XREADGROUP GROUP g c COUNT 1 STREAMS x >',
  // Idle for so long that a slow machine does not count.
  'XCLAIM x g c 0 1-1 IDLE 1000000 JUSTID',
  'PFADD hll1 a b',
  'PFADD hll2 b c',
];

/** `error`: the repeat is refused. `answer`: the same data, but another reply. */
type Repeat = 'same' | 'answer' | 'error' | 'data';

const CASES: Partial<Record<CommandCategory, readonly (readonly [string, Repeat])[]>> = {
  read: [
    ['GET s', 'same'],
    ['GETEX s', 'same'],
    ['BITFIELD s GET u8 0', 'same'],
    ['SORT l ALPHA', 'same'],
    ['GEORADIUS geo 15 37 200 km', 'same'],
    ['TOUCH s', 'same'],
    ['SCAN 0', 'same'],
    ['XREAD STREAMS x 0', 'same'],
    ['SCRIPT LOAD return{1}', 'same'],
  ],
  'checked-write': [
    ['SETNX new 1', 'answer'],
    ['SET new 1 NX', 'answer'],
    ['MSETNX new 1 newer 2', 'answer'],
    ['HSETNX h new 1', 'answer'],
    ['COPY s new', 'answer'],
    ['MOVE s 1', 'answer'],
    ['RENAMENX s new', 'error'],
    ['XADD x 9-1 f v', 'error'],
    ['XGROUP CREATE x other $', 'error'],
    ['ZADD z1 NX 9 new', 'answer'],
    ['GEOADD geo NX 13 38 new', 'answer'],
  ],
  'last-write-wins': [
    ['SET s other', 'same'],
    ['SET s other XX', 'same'],
    ['MSET s 1 n 2', 'same'],
    ['SETRANGE s 2 xyz', 'same'],
    ['BITOP XOR d s n', 'same'],
    ['DEL s', 'answer'],
    ['UNLINK s', 'answer'],
    ['EXPIRE s 1000', 'same'],
    ['EXPIREAT s 99999999999', 'same'],
    ['PERSIST s', 'same'],
    ['GETEX s EX 1000', 'same'],
    ['COPY s n REPLACE', 'same'],
    ['HSET h c 3', 'answer'],
    ['HDEL h a', 'answer'],
    ['LSET l 0 z', 'same'],
    ['LREM l 0 a', 'answer'],
    ['LTRIM l 0 2', 'same'],
    ['LTRIM l -2 -1', 'same'],
    ['LTRIM l 0 0', 'same'],
    ['SADD set1 z', 'answer'],
    ['SREM set1 a', 'answer'],
    ['SMOVE set1 set2 a', 'answer'],
    ['SDIFFSTORE d set1 set2', 'same'],
    ['SINTERSTORE set1 set1 set2', 'same'],
    ['SUNIONSTORE set1 set1 set2', 'same'],
    ['SORT l ALPHA STORE d', 'same'],
    ['ZADD z1 9 new', 'answer'],
    ['ZADD z1 GT 9 a', 'same'],
    ['ZREM z1 a', 'answer'],
    ['ZREMRANGEBYRANK z1 0 -2', 'answer'],
    ['ZREMRANGEBYRANK z1 1 -1', 'answer'],
    ['ZREMRANGEBYSCORE z1 1 2', 'answer'],
    ['ZUNIONSTORE d 2 z1 z2', 'same'],
    ['ZRANGESTORE d z1 1 2', 'same'],
    ['GEOADD geo 13 38 new', 'answer'],
    ['GEOSEARCHSTORE d geo FROMLONLAT 15 37 BYRADIUS 200 km', 'same'],
    ['GEORADIUS geo 15 37 200 km STORE d', 'same'],
    ['XACK x g 1-1', 'answer'],
    ['XDEL x 1-1', 'answer'],
    ['XTRIM x MAXLEN 1', 'answer'],
    ['XSETID x 5-1', 'same'],
    ['XGROUP CREATECONSUMER x g other', 'answer'],
    ['XGROUP DELCONSUMER x g c', 'answer'],
    ['XGROUP SETID x g 0', 'same'],
    ['XGROUP DESTROY x g', 'answer'],
    ['PFADD hll1 z', 'answer'],
    ['PFMERGE hll1 hll2', 'same'],
  ],
  accumulating: [
    ['INCR n', 'data'],
    ['APPEND s x', 'data'],
    ['GETSET s other', 'answer'],
    ['SET s other GET', 'answer'],
    ['GETDEL s', 'answer'],
    ['GETEX s EXAT 1', 'answer'],
    ['SETBIT s 3 0', 'answer'],
    ['BITFIELD s SET u8 0 1', 'answer'],
    ['BITFIELD s INCRBY u8 0 1', 'data'],
    ['BITOP XOR s s n', 'data'],
    ['HINCRBY h a 1', 'data'],
    ['LPUSH l z', 'data'],
    ['LPOP l', 'data'],
    ['LINSERT l BEFORE b z', 'data'],
    ['LMOVE l l LEFT RIGHT', 'data'],
    ['LREM l 1 a', 'data'],
    ['LTRIM l 1 -1', 'data'],
    ['LTRIM l 0 -2', 'data'],
    ['LTRIM l 1 3', 'data'],
    ['SPOP set1', 'data'],
    ['SDIFFSTORE set2 set1 set2', 'data'],
    ['SORT l ALPHA LIMIT 1 9 STORE l', 'data'],
    ['ZADD z1 INCR 1 a', 'data'],
    ['ZINCRBY z1 1 a', 'data'],
    ['ZPOPMIN z1', 'data'],
    ['ZREMRANGEBYRANK z1 0 0', 'data'],
    ['ZUNIONSTORE z1 2 z1 z2', 'data'],
    ['ZRANGESTORE z1 z1 1 9', 'data'],
    ['XADD x * f v', 'data'],
    ['XREADGROUP GROUP g c COUNT 1 STREAMS x >', 'answer'],
    ['XCLAIM x g other 500000 1-1', 'answer'],
    ['RENAME s new', 'error'],
  ],
};

/** The same for commands and options that not every supported server has. */
const NEWER: typeof CASES = {
  read: [
    ['EVAL_RO return{redis.call("get",KEYS[1])} 1 s', 'same'],
    ['HGETEX h FIELDS 1 a', 'same'],
    ['SORT_RO l ALPHA', 'same'],
    ['VEMB v a', 'same'],
  ],
  'checked-write': [
    ['SET s other IFEQ value', 'answer'],
    ['MSETEX 1 new 1 NX', 'answer'],
    ['HSETEX h FNX FIELDS 1 new 1', 'answer'],
    ['HSETEX new NX FIELDS 1 a 1', 'answer'],
    ['DELIFEQ s value', 'answer'],
    ['DELEX s IFEQ value', 'answer'],
  ],
  'last-write-wins': [
    ['SET s other IFNE nothing', 'same'],
    ['MSETEX 2 s 1 n 2 EX 1000', 'same'],
    ['DELEX s', 'answer'],
    ['HGETEX h EX 1000 FIELDS 1 a', 'same'],
    ['HGETEX h PERSIST FIELDS 1 a', 'same'],
    ['HSETEX h EX 1000 FIELDS 1 a 9', 'same'],
    ['HSETEX h FXX FIELDS 1 a 9', 'same'],
    ['HEXPIRE h 1000 FIELDS 1 a', 'same'],
    ['HEXPIREAT h 1 FIELDS 1 a', 'answer'],
    ['HPERSIST h FIELDS 1 a', 'same'],
    ['XDELEX x KEEPREF IDS 1 1-1', 'answer'],
    ['XACKDEL x g KEEPREF IDS 1 1-1', 'answer'],
    ['VADD v VALUES 2 1 0 b', 'answer'],
    ['VREM v a', 'answer'],
    ['VSETATTR v a {"n":1}', 'same'],
  ],
  accumulating: [
    ['SET s other IFEQ value GET', 'answer'],
    ['HGETDEL h FIELDS 1 a', 'answer'],
    ['HGETEX h EXAT 1 FIELDS 1 a', 'answer'],
    ['LMPOP 1 l LEFT', 'data'],
    ['ZMPOP 1 z1 MIN', 'data'],
  ],
};
const NEWER_SETUP = ['VADD v VALUES 2 1 0 a'];
const NOT_THERE =
  /unknown command|syntax error|unknown (argument|option)|wrong number of arguments/i;

let server: RedisServer;
let connection: RawConnection;

beforeAll(async () => {
  server = await startRedis();
  connection = await RawConnection.open({ port: server.port });
});
afterAll(async () => {
  connection?.close();
  await server?.stop();
});
beforeEach(async () => {
  await run('FLUSHALL');
  for (const command of SETUP) await run(command);
  for (const command of NEWER_SETUP) await attempt(command);
});

const run = (command: string) => connection.request(...command.split(' '));

async function attempt(command: string): Promise<{ reply: string; failed: boolean }> {
  try {
    return { reply: JSON.stringify(await run(command)), failed: false };
  } catch (error) {
    return { reply: String(error), failed: true };
  }
}

const rowsOf = (all: typeof CASES, isNewer: boolean) =>
  Object.entries(all).flatMap(([category, cases]) =>
    cases.map(([command, repeat]) => ({ category, command, repeat, isNewer })),
  );
const rows = [...rowsOf(CASES, false), ...rowsOf(NEWER, true)];

it('XGROUP SETID $ repeated after another entry skips that entry', async () => {
  const command = 'XGROUP SETID x g $';
  expect(commandTraits(command.split(' ')).category).toBe('accumulating');
  await run(command);
  await run('XADD x 9-1 f v');
  await run(command);
  expect(await run('XREADGROUP GROUP g c STREAMS x >')).toBeNull();
});

it.for(rows)('$category: $command ($repeat)', async (row, { skip }) => {
  const { category, command, repeat, isNewer } = row;
  expect(commandTraits(command.split(' ')).category).toBe(category);

  const before = await run('DEBUG DIGEST');
  const first = await attempt(command);
  skip(isNewer && first.failed && NOT_THERE.test(first.reply), 'this server does not have it');
  expect(first.failed, first.reply).toBe(false);
  const once = await run('DEBUG DIGEST');
  const second = await attempt(command);
  const twice = await run('DEBUG DIGEST');

  if (category === 'read') expect(once).toBe(before);
  expect(second.failed).toBe(repeat === 'error');
  if (repeat === 'data') {
    expect(twice).not.toBe(once);
    return;
  }
  expect(twice).toBe(once);
  if (repeat === 'same') expect(second.reply).toBe(first.reply);
  if (repeat === 'answer') expect(second.reply).not.toBe(first.reply);
});
