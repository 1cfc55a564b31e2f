import type { VirtualClock } from './virtual-clock.js';

/** A fault at a point in time. */
export interface ScriptedFault {
  /** Milliseconds from the start of the script. */
  readonly atMs: number;
  /** Description for the trace. */
  readonly what: string;
  run(): void;
}

/**
 * A schedule of faults. They happen in the world, not in the process, and so also while its event
 * loop is blocked.
 *
 * ```ts
 * new FaultScript(clock)
 *   .at(1000, 'east crashes', () => east.crash())
 *   .at(9000, 'east restarts', () => east.restart())
 *   .start();
 * await clock.advance(20_000);
 * ```
 */
export class FaultScript {
  readonly #faults: ScriptedFault[] = [];
  readonly #trace: string[] = [];

  constructor(private readonly clock: VirtualClock) {}

  /** The faults so far, each with its virtual time. */
  get trace(): readonly string[] {
    return this.#trace;
  }

  /** The end of the last fault, in milliseconds from the start. */
  get durationMs(): number {
    return Math.max(0, ...this.#faults.map((fault) => fault.atMs));
  }

  /** Adds a fault that happens once, `atMs` after the start. */
  at(atMs: number, what: string, run: () => void): this {
    this.#faults.push({ atMs, what, run });
    return this;
  }

  /** Adds a fault that begins at `atMs` and ends `forMs` milliseconds later. */
  during(atMs: number, forMs: number, what: string, begin: () => void, end: () => void): this {
    return this.at(atMs, `${what}: begins`, begin).at(atMs + forMs, `${what}: ends`, end);
  }

  /** Schedules everything that was added, from now. */
  start(): this {
    for (const { atMs, what, run } of this.#faults) {
      this.clock.elsewhere(atMs, () => {
        this.#trace.push(`${this.clock.now().toFixed(1)} ms: ${what}`);
        run();
      });
    }
    return this;
  }
}
