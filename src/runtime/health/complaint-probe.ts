import { PingStrategy } from '../../health-strategies/ping.js';
import type { HealthCheckFunction } from '../../health-strategies/strategy.js';
import type { EngineContext } from '../engine-context.js';
import { runProbe } from './probe.js';
import type { ProbeLines } from './probe-target.js';

/**
 * Checks the complaints of commands for a database without full checks, over a new connection each
 * time: its commands may go to a server that its name no longer leads to. One probe runs at a time,
 * with a pause of one probe timeout after a failed one. A failed probe has no effect, because no
 * health check decides about the database.
 */
export class ComplaintProbe {
  #cancel: (() => void) | undefined;
  #nextAt = 0;

  constructor(
    private readonly lines: ProbeLines,
    private readonly time: Pick<EngineContext, 'clock' | 'loop'>,
    private readonly timeoutMs: number,
    private readonly onPassed: () => void,
  ) {}

  /** Runs a probe with `stateCheck`, unless one is in progress or has failed a moment ago. */
  run(stateCheck: HealthCheckFunction | undefined): void {
    const { lines, time, timeoutMs } = this;
    if (this.#cancel !== undefined || time.clock.now() < this.#nextAt) return;
    lines.commands.renew();
    const setting = {
      ...{ strategy: new PingStrategy(), timeoutMs, stateCheck, lines, peers: [] },
      ...{ clock: time.clock, loop: time.loop },
    };
    this.#cancel = runProbe(setting, ({ healthy }) => {
      this.#cancel = undefined;
      this.#nextAt = time.clock.now() + timeoutMs;
      lines.commands.renew();
      if (healthy) this.onPassed();
    });
  }

  close(): void {
    this.#cancel?.();
    this.#nextAt = Number.POSITIVE_INFINITY;
  }
}
