import { describe, expect, it } from 'vitest';
import { BLOCK_TIMES, withBlockTime } from './command-block-time.js';

describe('withBlockTime', () => {
  it.each([
    [['BLPOP', 'a', 'b', '10'], 2500, ['BLPOP', 'a', 'b', '2.5']],
    [['blmpop', '10', '1', 'a', 'LEFT'], 1, ['blmpop', '0.001', '1', 'a', 'LEFT']],
    [['BLMOVE', 'a', 'b', 'LEFT', 'RIGHT', '3'], 700, ['BLMOVE', 'a', 'b', 'LEFT', 'RIGHT', '0.7']],
    [
      ['XREAD', 'COUNT', '1', 'BLOCK', '5000', 'STREAMS', 's', '$'],
      1200.4,
      ['XREAD', 'COUNT', '1', 'BLOCK', '1201', 'STREAMS', 's', '$'],
    ],
  ])('%j with %d ms left', (args, ms, expected) => {
    expect(withBlockTime(args, ms)).toEqual(expected);
  });

  it('never turns what is over into for ever', () => {
    expect(withBlockTime(['BLPOP', 'a', '5'], -20)).toEqual(['BLPOP', 'a', '0.001']);
  });

  it('leaves what blocks for ever, or does not block, as it is', () => {
    const forEver = ['BLPOP', 'a', '0'];
    expect(withBlockTime(forEver, Number.POSITIVE_INFINITY)).toBe(forEver);
    const read = ['XREAD', 'STREAMS', 's', '0'];
    expect(withBlockTime(read, 100)).toBe(read);
  });
});

describe('BLOCK_TIMES', () => {
  const forEver = Number.POSITIVE_INFINITY;
  const blockTime = (line: string) => {
    const args = line.split(' ').map((word) => (word === '""' ? '' : word));
    return BLOCK_TIMES.get(args[0] as string)?.(args);
  };

  it.each([
    ['BLPOP a b 10', 10_000],
    ['BRPOP a 0.5', 500],
    ['BRPOPLPUSH a b 1', 1000],
    ['BZPOPMIN a 0.0001', 1],
    ['BZPOPMAX a 1e3', 1_000_000],
    ['BLMOVE a b LEFT RIGHT 3', 3000],
    ['BLMPOP 2 1 a LEFT', 2000],
    ['BZMPOP 2 1 a MIN', 2000],
    ['WAIT 1 250', 250],
    ['WAITAOF 1 0 250', 250],
    ['XREAD BLOCK 70 STREAMS s $', 70],
    ['XREAD COUNT BLOCK BLOCK 70 STREAMS s $', 70],
    ['XREAD MAXCOUNT BLOCK BLOCK 70 STREAMS s $', 70],
    ['XREAD MAXSIZE BLOCK BLOCK 70 STREAMS s $', 70],
    ['XREADGROUP GROUP BLOCK BLOCK BLOCK 70 STREAMS s >', 70],
    ['XREADGROUP GROUP g c CLAIM BLOCK BLOCK 70 STREAMS s >', 70],
    ['XREADGROUP GROUP g c NOACK BLOCK 70 STREAMS s >', 70],
    ['TS.READ 1 k BLOCK 70', 70],
  ])('%s: %d ms', (line, ms) => {
    expect(blockTime(line)).toBe(ms);
  });

  it.each(['BLPOP a 0', 'BLPOP a 0.0', 'WAIT 1 0', 'XREAD BLOCK 0 STREAMS s $'])(
    '%s blocks indefinitely',
    (line) => {
      expect(blockTime(line)).toBe(forEver);
    },
  );

  it.each([
    'BLPOP a -1',
    'BLPOP a ""',
    'BLPOP a soon',
    'BLPOP a \t1',
    'BLPOP a Infinity',
    'BLPOP a 1e400',
    'WAIT 1 -5',
    'WAIT 1 1.5',
    'WAIT 1',
    'XREAD BLOCK x STREAMS s $',
  ])('%s is refused by the server', (line) => {
    expect(blockTime(line)).toBe(0);
  });

  it.each([
    'XREAD STREAMS BLOCK 5',
    'XREAD STREAMS s BLOCK 5 $',
    'XREAD COUNT 5',
    'XREAD COUNT BLOCK',
    'XREADGROUP GROUP BLOCK BLOCK STREAMS s >',
    'GET k',
  ])('%s does not block', (line) => {
    expect(blockTime(line)).toBeUndefined();
    expect(withBlockTime(line.split(' '), 5)).toEqual(line.split(' '));
  });
});
