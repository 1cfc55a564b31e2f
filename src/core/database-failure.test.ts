import { describe, expect, it } from 'vitest';
import type { BreakerState } from './circuit-breaker.js';
import { type ActiveView, databaseFailure, failoverDueAt } from './database-failure.js';

const well: ActiveView = {
  health: 'healthy',
  cause: undefined,
  connectionFailed: false,
  unconnected: 'no data connection to east:6379: refused',
  failingSince: undefined,
  circuit: { state: { kind: 'closed' } },
};
const open: BreakerState = { kind: 'open', since: 70, failures: 5, total: 10 };

describe('failureOf', () => {
  it('finds nothing wrong with one that is healthy, nor with one whose verdict is out', () => {
    expect(databaseFailure(well, false, 100)).toBeUndefined();
    expect(
      databaseFailure({ ...well, health: 'unknown', failingSince: 90 }, false, 100),
    ).toBeUndefined();
  });

  it('names what its health check said, since the first sign', () => {
    const sick: ActiveView = { ...well, health: 'unhealthy', cause: 'PING: refused' };
    const failure = { reason: 'health-check', cause: 'PING: refused' };
    expect(databaseFailure({ ...sick, failingSince: 90 }, false, 100)).toEqual({
      ...failure,
      since: 90,
    });
    expect(databaseFailure(sick, false, 100)).toEqual({ ...failure, since: 100 });
    expect(databaseFailure({ ...sick, cause: undefined }, false, 100)?.cause).toBe('unhealthy');
  });

  it('names a data connection that can not be made, however well its probes are', () => {
    expect(
      databaseFailure({ ...well, connectionFailed: true, failingSince: 80 }, false, 100),
    ).toEqual({
      reason: 'health-check',
      cause: 'no data connection to east:6379: refused',
      since: 80,
    });
  });

  it('names an open breaker since it opened, but not of the last resort', () => {
    const broken: ActiveView = { ...well, failingSince: 60, circuit: { state: open } };
    expect(databaseFailure(broken, false, 100)).toEqual({
      reason: 'circuit-breaker',
      cause: 'the circuit breaker opened',
      since: 70,
    });
    expect(databaseFailure(broken, true, 100)).toBeUndefined();
    expect(databaseFailure({ ...broken, health: 'unhealthy' }, true, 100)?.reason).toBe(
      'health-check',
    );
  });
});

it('bears a failure until it has lasted, and as long as maintenance excuses it', () => {
  const failure = { reason: 'health-check', cause: 'unhealthy', since: 100 } as const;
  expect(failoverDueAt(failure, { unhealthyAfterMs: 0, maintenanceEndsAt: 0 })).toBe(100);
  expect(failoverDueAt(failure, { unhealthyAfterMs: 2000, maintenanceEndsAt: 0 })).toBe(2100);
  expect(failoverDueAt(failure, { unhealthyAfterMs: 2000, maintenanceEndsAt: 9000 })).toBe(9000);
});
