import { expect, it } from 'vitest';
import { commandTraits } from './command-category.js';

const blockMs = (command: string) => commandTraits(command.split(' ')).blockMs;

it.each([
  ['BLPOP a b 5', 5000],
  ['BRPOP a 0.25', 250],
  ['brpop a 0.0001', 1],
  ['BRPOPLPUSH a b 1', 1000],
  ['BLMOVE a b LEFT RIGHT 2', 2000],
  ['BLMOVEM a b LEFT RIGHT 2 COUNT 7 BULK', 2000],
  ['BLMPOP 3 1 a LEFT COUNT 7', 3000],
  ['BZMPOP 3 1 a MIN', 3000],
  ['BZPOPMIN a 4', 4000],
  ['BZPOPMAX a 1e1', 10_000],
  ['XREAD COUNT 7 BLOCK 1500 STREAMS a $', 1500],
  ['XREAD block 1500 STREAMS BLOCK 7', 1500],
  ['XREADGROUP GROUP g c COUNT 7 BLOCK 1500 NOACK STREAMS a >', 1500],
  ['XREADGROUP GROUP BLOCK 99 BLOCK 1500 STREAMS a >', 1500],
  ['XREADGROUP GROUP g c CLAIM 7 MAXCOUNT 8 MAXSIZE 9 BLOCK 10 STREAMS a >', 10],
  ['TS.READ k 0 BLOCK 1500 3', 1500],
  ['WAIT 1 200', 200],
  ['WAITAOF 1 0 300', 300],
])('%s blocks up to %d ms', (command, expected) => {
  expect(blockMs(command)).toBe(expected);
  const args = command.split(' ').map((arg) => Buffer.from(arg));
  expect(commandTraits(args).blockMs).toBe(expected);
});

it.each(['BLPOP a 0', 'BLPOP a 0.0', 'BLMPOP 0 1 a LEFT', 'XREAD BLOCK 0 STREAMS a $', 'WAIT 1 0'])(
  '%s blocks for ever',
  (command) => {
    expect(blockMs(command)).toBe(Number.POSITIVE_INFINITY);
  },
);

it.each([
  'BLPOP a x',
  'BLPOP a -1',
  'BLPOP a -0.0001',
  'BLPOP a inf',
  'BLPOP a Infinity',
  'BLPOP a NaN',
  `BLPOP a ${'1'.repeat(400)}`,
  'BLPOP',
  'BLMPOP',
  'XREAD BLOCK 1.5 STREAMS a $',
  'XREAD BLOCK -5 STREAMS a $',
  'XREAD BLOCK',
  'WAIT 1',
])('%s adds nothing: the server will refuse it', (command) => {
  expect(blockMs(command)).toBe(0);
});

it('does not take an empty or blank timeout for zero', () => {
  expect(commandTraits(['BLPOP', 'a', '']).blockMs).toBe(0);
  expect(commandTraits(['BLPOP', 'a', ' ']).blockMs).toBe(0);
  expect(commandTraits(['XREAD', 'BLOCK', '', 'STREAMS', 'a', '$']).blockMs).toBe(0);
});

it.each([
  'GET a',
  'LPOP a 5',
  'XREAD STREAMS BLOCK 5',
  'XREAD COUNT 5 STREAMS a $',
  'XREADGROUP GROUP g c STREAMS BLOCK 5',
  'TS.READ k 0 MAX_COUNT 5',
  'CLIENT PAUSE 1000',
  'EVAL script 0',
])('%s does not block', (command) => {
  expect(blockMs(command)).toBeUndefined();
});

it('keeps the category beside the block time', () => {
  expect(commandTraits(['BLPOP', 'a', '5'])).toEqual({ category: 'never', blockMs: 5000 });
  expect(commandTraits(['XREAD', 'BLOCK', '5', 'STREAMS', 'a', '$']).category).toBe('read');
  expect(commandTraits(['WAIT', '1', '5']).category).toBe('database-bound');
});
