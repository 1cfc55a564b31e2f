import { describe, expect, it } from 'vitest';
import type { SwitchStatus } from '../../status.js';
import { clockTime, latency, median, span } from './format.js';
import { HEIGHT, niceTop, plotOf, WIDTH, windowFor } from './plot.js';

const NOW = Date.parse('2026-01-01T12:00:00Z');
const MINUTE = 60_000;

function switched(from: string | null, to: string | null, agoMs: number): SwitchStatus {
  const at = new Date(NOW - agoMs).toISOString();
  return { from, to, reason: 'manual', cause: '', at, generation: 1, durationMs: 0 };
}

describe('plotOf', () => {
  it('draws a line that failed probes interrupt', () => {
    const points = [
      [NOW - MINUTE, 1],
      [NOW - 45_000, 1],
      [NOW - 30_000, null],
      [NOW - 15_000, null],
      [NOW, 0],
    ] as const;
    const { line, failed, topMs } = plotOf('east', points, [], NOW, MINUTE);
    expect(topMs).toBe(1);
    expect(line).toBe(`M0 6h0L150 6M600 ${HEIGHT - 6}h0`);
    expect(failed).toEqual([{ x: 300, width: 300 }]);
  });

  it('shows a single failure, also at the very end', () => {
    const { failed } = plotOf('east', [[NOW, null]], [], NOW, MINUTE);
    expect(failed).toEqual([{ x: WIDTH - 3, width: 3 }]);
  });

  it('is not flattened by one outlier, and leaves out what is too old', () => {
    const usual = Array.from({ length: 20 }, (_, i) => [NOW - i * 1000, 0.4] as const).reverse();
    const points = [[NOW - 2 * MINUTE, 9], [NOW - MINUTE, 900], ...usual] as const;
    const { line, topMs } = plotOf('east', points, [], NOW, MINUTE);
    expect(topMs).toBe(2);
    expect(line.startsWith('M0 6h0L')).toBe(true);
  });

  it('marks when it was active, from before the first switch until now', () => {
    const switches = [
      switched('east', 'west', 45_000),
      switched('west', null, 30_000),
      switched(null, 'east', 15_000),
    ];
    const served = (id: string) => plotOf(id, [], switches, NOW, MINUTE).served;
    expect(served('east')).toEqual([
      { x: 0, width: 150 },
      { x: 450, width: 150 },
    ]);
    expect(served('west')).toEqual([{ x: 150, width: 150 }]);
    expect(served('north')).toEqual([]);
  });
});

it('chooses a window and a top', () => {
  expect(windowFor(undefined, NOW, 5 * MINUTE)).toBe(MINUTE);
  expect(windowFor(NOW - 90_000, NOW, 5 * MINUTE)).toBe(2 * MINUTE);
  expect(windowFor(NOW - 60 * MINUTE, NOW, 5 * MINUTE)).toBe(5 * MINUTE);
  expect([0, 0.4, 0.9, 1.1, 3, 20, 21, 999].map(niceTop)).toEqual([
    0.5, 0.5, 1, 2, 5, 20, 50, 1000,
  ]);
});

it('reads well', () => {
  expect([0, 0.2, 3.4, 999, 4200, 57_000, 119_600, 12 * MINUTE, 200 * MINUTE].map(span)).toEqual([
    '0 ms',
    '0 ms',
    '3 ms',
    '999 ms',
    '4.2 s',
    '57 s',
    '2 min',
    '12 min',
    '3 h 20 min',
  ]);
  expect([0.314, 4.25, 42.123, 123.4].map(latency)).toEqual([
    '0.31 ms',
    '4.25 ms',
    '42.1 ms',
    '123 ms',
  ]);
  expect([median([]), median([3]), median([1, 4, 2]), median([1, 2, 3, 10])]).toEqual([
    undefined,
    3,
    2,
    2.5,
  ]);
  const day = new Date(2026, 0, 2, 9, 5, 7);
  expect(clockTime(day, day)).toMatch(/9:05:07/);
  expect(clockTime(day, new Date(2026, 0, 3))).toMatch(/2.*9:05:07/);
});
