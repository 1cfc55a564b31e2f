import type { HealthCheck } from './health-check.js';
import type { ProbeResult, Verdict } from './probe.js';

/** Waiters for the next probe of each of several checks. */
export class ProbeWaiters {
  readonly #waiters = new Set<(check: HealthCheck, result: ProbeResult) => void>();

  /** Resolves when each check has had a healthy probe, or one of them another one. */
  next(checks: readonly HealthCheck[]): Promise<Verdict> {
    const missing = new Set(checks);
    return new Promise((resolve) => {
      const onProbe = (check: HealthCheck, result: ProbeResult) => {
        missing.delete(check);
        if (result.healthy && missing.size > 0) return;
        this.#waiters.delete(onProbe);
        const { healthy, cause, error } = result;
        resolve({
          healthy,
          cause: healthy ? undefined : `${check.options.name}: ${cause ?? 'failed'}`,
          error,
        });
      };
      if (missing.size === 0) resolve({ healthy: true, cause: undefined, error: undefined });
      else this.#waiters.add(onProbe);
    });
  }

  onProbe(check: HealthCheck, result: ProbeResult): void {
    for (const onProbe of [...this.#waiters]) onProbe(check, result);
  }
}
