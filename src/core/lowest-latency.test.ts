import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  isDue,
  isFaster,
  type LatencyView,
  lowestLatency,
  nextChallenge,
} from './lowest-latency.js';

const view = (id: string, latencyMs: number | undefined, order = 0): LatencyView => ({
  id,
  order,
  latencyMs,
});

it.each([
  [10, 14, true],
  [10, 13, false],
  [0.2, 0.9, false],
  [0.2, 1.3, true],
  [undefined, 10, false],
  [10, undefined, true],
  [undefined, undefined, false],
])('%s ms is faster than %s ms: %s', (a, b, expected) => {
  expect(isFaster(view('a', a), view('b', b))).toBe(expected);
});

it('chooses the lowest latency; of nearly equal ones the active one, otherwise the first', () => {
  const all = [view('slow', 50, 0), view('first', 11, 1), view('lowest', 10, 2)];
  expect(lowestLatency(all)?.id).toBe('first');
  expect(lowestLatency(all, 'lowest')?.id).toBe('lowest');
  expect(lowestLatency(all, 'slow')?.id).toBe('first');
  expect(lowestLatency([view('a', undefined, 1), view('b', undefined, 0)])?.id).toBe('b');
  expect(lowestLatency([])).toBeUndefined();
});

it('never chooses a database that another one is faster than, in any order', () => {
  const latency = fc.option(fc.double({ min: 0, max: 500, noNaN: true }), { nil: undefined });
  fc.assert(
    fc.property(
      fc.array(latency, { minLength: 1, maxLength: 6 }),
      fc.nat(5),
      (latencies, active) => {
        const all = latencies.map((ms, order) => view(`db${order}`, ms, order));
        const chosen = lowestLatency(all, `db${active}`) as LatencyView;
        expect(all.some((each) => isFaster(each, chosen))).toBe(false);
        expect(lowestLatency([...all].reverse(), `db${active}`)).toBe(chosen);
      },
    ),
  );
});

it('a challenge lasts while the same database is faster than the same active one', () => {
  const [east, west, north] = [view('east', 20), view('west', 5), view('north', 5)];
  const begun = nextChallenge(undefined, east, west, 1000);
  expect(begun).toEqual({ id: 'west', activeId: 'east', since: 1000 });
  const later = nextChallenge(begun, east, west, 31_000);
  expect(later).toBe(begun);
  expect([isDue(later!, 30_999), isDue(later!, 31_000)]).toEqual([false, true]);
  expect(nextChallenge(later, east, north, 31_000)?.since).toBe(31_000);
  expect(nextChallenge(later, view('east', 6), west, 31_000)).toBeUndefined();
  expect(nextChallenge(later, east, east, 31_000)).toBeUndefined();
});
