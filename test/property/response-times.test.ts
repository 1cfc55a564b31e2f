/** What must hold for the adaptive limits, whatever the response times are. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { RecentMaximum } from '../../src/core/recent-maximum.js';
import { ResponseTimes } from '../../src/core/response-times.js';
import { SmoothedTime } from '../../src/core/smoothed-time.js';

const BOUNDS = { suspectAfterMs: 1000, timeoutMs: 1000 };
const HOUR_MS = 3_600_000;

const sample = fc.record({
  kind: fc.constantFrom('round trip', 'pause', 'opening', 'probe', 'back off'),
  ms: fc.double({ min: 0, max: 5000, noNaN: true }),
  afterMs: fc.double({ min: 0, max: HOUR_MS / 4, noNaN: true }),
});

function fed(samples: readonly { kind: string; ms: number; afterMs: number }[]) {
  const times = new ResponseTimes(BOUNDS);
  const probes = times.newProbeTimes();
  let now = 0;
  for (const { kind, ms, afterMs } of samples) {
    now += afterMs;
    if (kind === 'round trip') times.addRoundTrip(ms, now);
    else if (kind === 'pause') times.addPause(ms, now);
    else if (kind === 'opening') times.addOpening(ms);
    else if (kind === 'probe') probes.add(ms);
    else times.backOff(now);
  }
  return { times, probes, now };
}

it('keeps every limit between the floor and the fixed values', () => {
  fc.assert(
    fc.property(
      fc.array(sample),
      fc.double({ min: 0, max: 5000, noNaN: true }),
      (samples, silent) => {
        const { times, probes, now } = fed(samples);
        const { suspectAfterMs, patienceMs } = times.values(now);
        const timeoutMs = times.probeTimeoutMs(probes, silent, now);
        for (const limit of [suspectAfterMs, timeoutMs]) {
          expect(limit).toBeGreaterThanOrEqual(50);
          expect(limit).toBeLessThanOrEqual(1000);
        }
        expect(patienceMs).toBeGreaterThanOrEqual(240);
        expect(patienceMs).toBeLessThanOrEqual(2000);
      },
    ),
  );
});

it('never gives up before a pause that it has seen in the last hour and 50 minutes', () => {
  fc.assert(
    fc.property(
      fc.array(sample),
      fc.double({ min: 1, max: 1600, noNaN: true }),
      fc.array(fc.double({ min: 0.1, max: 40, noNaN: true }), { minLength: 1 }),
      (samples, pauseMs, replies) => {
        const { times, now } = fed(samples);
        times.addPause(pauseMs, now);
        for (const ms of replies) times.addRoundTrip(ms, now + 1);
        expect(times.patienceMs(now + (110 * HOUR_MS) / 60)).toBeGreaterThan(pauseMs);
      },
    ),
  );
});

it('uses the fixed values before the first sample', () => {
  const times = new ResponseTimes(BOUNDS);
  expect(times.values(0)).toEqual({ suspectAfterMs: 1000, patienceMs: 2000 });
  expect(times.probeTimeoutMs(times.newProbeTimes(), 1000, 0)).toBe(1000);
});

it('follows a lasting change of latency, and hardly a single pause', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 300 }),
      fc.integer({ min: 1, max: 300 }),
      (before, after) => {
        const times = new SmoothedTime(50, 1000);
        for (let index = 0; index < 100; index += 1) times.add(before);
        const limit = times.limitMs as number;
        times.add(5000);
        expect(times.limitMs).toBeLessThanOrEqual(2 * limit);
        for (let index = 0; index < 100; index += 1) times.add(after);
        expect(times.limitMs).toBeGreaterThanOrEqual(after * 0.99);
        expect(times.limitMs).toBeLessThan(Math.max(51, after * 1.1));
      },
    ),
  );
});

it('finds the largest value of the latest buckets, as a list of all values does', () => {
  const values = fc.array(
    fc.record({
      value: fc.integer({ min: 1, max: 1000 }),
      afterMs: fc.integer({ min: 0, max: 500 }),
    }),
  );
  fc.assert(
    fc.property(values, fc.integer({ min: 0, max: 3000 }), (added, restMs) => {
      const maximum = new RecentMaximum(100, 12);
      const all: { value: number; bucket: number }[] = [];
      let now = 0;
      for (const { value, afterMs } of added) {
        now += afterMs;
        maximum.add(value, now);
        all.push({ value, bucket: Math.floor(now / 100) });
      }
      now += restMs;
      const oldest = Math.floor(now / 100) - 12;
      const recent = all.filter(({ bucket }) => bucket > oldest).map(({ value }) => value);
      expect(maximum.largest(now)).toBe(Math.max(0, ...recent));
    }),
  );
});
