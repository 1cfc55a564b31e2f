import fc from 'fast-check';
import { expect, it } from 'vitest';
import { ProbeLatency } from './probe-latency.js';

const THRESHOLDS = {
  percentile: 90,
  windowSize: 10,
  minProbes: 5,
  slowAboveMs: 100,
  fastBelowMs: 50,
};

function after(latencies: readonly number[], thresholds = THRESHOLDS): ProbeLatency {
  const latency = new ProbeLatency(thresholds);
  for (const ms of latencies) latency.add(ms);
  return latency;
}
const times = (count: number, ms: number) => Array.from({ length: count }, () => ms);

it('says nothing before it has seen enough probes', () => {
  expect(after(times(4, 500))).toMatchObject({ slow: false, fast: false, percentileMs: undefined });
  expect(after(times(5, 500))).toMatchObject({ slow: true, fast: false, percentileMs: 500 });
});

it('ignores as many slow probes as the percentile allows', () => {
  expect(after([...times(9, 1), 500])).toMatchObject({ slow: false, percentileMs: 1 });
  expect(after([...times(8, 1), 500, 500])).toMatchObject({ slow: true, percentileMs: 500 });
});

it('becomes slow above one threshold and fast below the other one', () => {
  expect(after(times(10, 80)).slow).toBe(false);
  const latency = after(times(10, 200));
  for (const ms of times(10, 80)) latency.add(ms);
  expect([latency.slow, latency.fast]).toEqual([true, false]);
  for (const ms of times(10, 50)) latency.add(ms);
  expect([latency.slow, latency.fast]).toEqual([false, true]);
});

it('is the percentile of the latest probes, by definition', () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat({ max: 1000 }), { minLength: 10, maxLength: 40 }),
      fc.nat({ max: 100 }),
      (latencies, percentile) => {
        const { percentileMs } = after(latencies, { ...THRESHOLDS, percentile });
        const window = latencies.slice(-10);
        const atMost = window.filter((ms) => ms <= (percentileMs as number)).length;
        const below = window.filter((ms) => ms < (percentileMs as number)).length;
        expect(atMost).toBeGreaterThanOrEqual((percentile / 100) * window.length);
        expect(below).toBeLessThan(Math.max((percentile / 100) * window.length, 1));
      },
    ),
  );
});
