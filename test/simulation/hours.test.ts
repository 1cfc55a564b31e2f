/**
 * False failovers in simulated hours of heavy-tailed latency with pauses. `npm run bench:adaptive -- --hours
 * 1000` runs the whole.
 */
import { expect, it } from 'vitest';
import { simulateHours } from './hours.js';

const TRAFFIC = { medianMs: 1, pauseMs: 200, everyMs: 500 };

it('adaptive limits ride out pauses of 200 ms, from the first one on', async () => {
  const result = await simulateHours({
    ...{ ...TRAFFIC, seed: 1, hours: 0.2 },
    options: { suspectAfterMs: 'adaptive', healthCheck: { timeoutMs: 'adaptive' } },
  });
  expect(result.pauses).toBeGreaterThan(15);
  expect(result.falseFailovers).toBe(0);
  expect(result.detectionMs).toBeLessThan(300);
});

it('fixed limits of the same detection time do not', async () => {
  const result = await simulateHours({
    ...{ ...TRAFFIC, seed: 1, hours: 0.1 },
    options: { suspectAfterMs: 75, healthCheck: { timeoutMs: 75 } },
  });
  expect(result.falseFailovers).toBeGreaterThan(0);
});
