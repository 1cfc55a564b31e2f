import { describe, expect, it } from 'vitest';
import { durationArgument, milliseconds } from './numbers.js';

describe('durations', () => {
  it.each([
    ['500', 500],
    ['500ms', 500],
    ['1.5s', 1500],
    ['10m', 600_000],
    ['1h', 3_600_000],
  ])('%s', (text, ms) => {
    expect(milliseconds(text)).toBe(ms);
    expect(milliseconds(durationArgument(ms))).toBe(ms);
  });

  it('are written with the largest unit that divides them', () => {
    const all = [1, 500, 1500, 5000, 60_000, 90_000, 3_600_000].map(durationArgument);
    expect(all).toEqual(['1ms', '500ms', '1500ms', '5s', '1m', '90s', '1h']);
  });

  it.each(['', '0', '-1', '5d', '1e3', '999999h'])('%s is none', (text) => {
    expect(() => milliseconds(text)).toThrow(/Expected a duration/);
  });
});
