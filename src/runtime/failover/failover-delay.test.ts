import { expect, it } from 'vitest';
import { VirtualClock } from '../../testing/virtual-clock.js';
import type { Database } from '../database.js';
import type { EngineContext } from '../engine-context.js';
import type { GracePeriods } from '../health/grace-periods.js';
import { FailoverDelay } from './failover-delay.js';

const FAILURE = { reason: 'health-check', cause: 'PING: no answer', since: 0 } as const;

it('looks again when the failure is due, also when that is earlier than it was before', async () => {
  const clock = new VirtualClock();
  const looks: number[] = [];
  const grace = { end() {} } as unknown as GracePeriods;
  const failover = new FailoverDelay({ clock } as unknown as EngineContext, grace, () => {
    looks.push(clock.now());
  });
  const active = { options: { unhealthyAfterMs: 500 }, maintenanceEndsAt: 60_000 };
  expect(failover.isDue(active as Database, FAILURE)).toBe(false);
  // The server says that its maintenance has ended.
  active.maintenanceEndsAt = 1000;
  expect(failover.isDue(active as Database, FAILURE)).toBe(false);
  await clock.advance(1000);
  expect(looks).toEqual([1000]);
  expect(failover.isDue(active as Database, FAILURE)).toBe(true);
  failover.end();
  expect(clock.pendingTimers).toBe(0);
});
