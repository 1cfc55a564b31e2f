import { expect, it } from 'vitest';
import { commandTraits } from './command-category.js';
import { isHedgeable } from './hedgeable-command.js';

const may = (text: string) => {
  const args = text.split(' ');
  return isHedgeable(args, commandTraits(args));
};

it.each([
  'GET k',
  'get k',
  'MGET a b',
  'HGETALL h',
  'LRANGE l 0 -1',
  'ZRANGE z 0 -1',
  'XRANGE s - +',
  'XREAD STREAMS s 0',
  'GETEX k',
  'SORT_RO k',
  'ARSCAN a 0 10',
  'EVAL_RO script 1 k',
  'MEMORY USAGE k',
])('%s may be hedged', (text) => {
  expect(may(text)).toBe(true);
});

it.each([
  // Writes.
  'SET k v',
  'GETEX k EX 5',
  'SORT k STORE d',
  'EVAL script 1 k',
  'NOSUCHCOMMAND k',
  // Of one connection or server.
  'PING',
  'INFO',
  'TIME',
  'DBSIZE',
  'CONFIG GET maxmemory',
  'CLIENT LIST',
  'WAIT 1 0',
  'PUBSUB CHANNELS',
  // Cursors.
  'SCAN 0',
  'SCAN 17',
  'HSCAN h 0',
  'SSCAN s 0',
  'ZSCAN z 0',
  'HSCAN h 17',
  'BLESS SCAN k',
  'FT.AGGREGATE i q WITHCURSOR',
  // Blocking.
  'XREAD BLOCK 10 STREAMS s $',
  'BLPOP l 1',
  // Known to servers by their digest.
  'EVALSHA_RO digest 1 k',
])('%s may not', (text) => {
  expect(may(text)).toBe(false);
});
