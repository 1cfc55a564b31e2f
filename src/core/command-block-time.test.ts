import { describe, expect, it } from 'vitest';
import { withBlockTime } from './command-block-time.js';

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
