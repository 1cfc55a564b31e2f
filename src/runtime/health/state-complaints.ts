import { stateCheckFor } from '../../health-strategies/state-check.js';
import type { HealthCheckFunction } from '../../health-strategies/strategy.js';

/**
 * The state words (`READONLY`, `LOADING` ...) with which one database refused commands. A word is
 * required of each probe until all checks have passed, and is refuted by the first healthy probe
 * after the complaint.
 */
export class StateComplaints {
  /** State words that the database replied with, until all of them pass. */
  readonly #stateWords = new Set<string>();
  /** State words from commands that no probe has checked yet. */
  readonly #complaints = new Set<string>();
  /** Monotonic time of the first complaint by state word, until all checks pass. */
  readonly #complainedAt = new Map<string, number>();

  constructor(private readonly proxyErrors: Parameters<typeof stateCheckFor>[1]) {}

  /** Records a complaint. Returns the monotonic time of the first one with this word. */
  note(stateWord: string, now: number): number {
    this.#complaints.add(stateWord);
    // One new connection is enough for a complaint that is repeated over and over.
    const since = this.#complainedAt.get(stateWord) ?? now;
    this.#complainedAt.set(stateWord, since);
    return since;
  }

  /** Has each probe check this state. Returns false if each does already, or no check is known. */
  require(stateWord: string): boolean {
    if (this.#stateWords.has(stateWord) || this.#checkFor(stateWord) === undefined) return false;
    this.#stateWords.add(stateWord);
    return true;
  }

  /** Whether a state word is required of probes. */
  get arePending(): boolean {
    return this.#stateWords.size > 0;
  }

  /** The checks of the states that are required. */
  requiredChecks(): (HealthCheckFunction | undefined)[] {
    return [...this.#stateWords].map((word) => this.#checkFor(word));
  }

  /** The checks of the complaints that no probe has checked yet. */
  complaintChecks(): (HealthCheckFunction | undefined)[] {
    return [...this.#complaints].map((word) => this.#checkFor(word));
  }

  /** A probe was healthy: reports each complaint that it has not confirmed, once. */
  refute(tell: (stateWord: string) => void): void {
    for (const stateWord of [...this.#complaints]) {
      this.#complaints.delete(stateWord);
      tell(stateWord);
    }
  }

  /** All checks have passed, with all states that are required. */
  pass(): void {
    this.#stateWords.clear();
    this.#complainedAt.clear();
  }

  #checkFor(stateWord: string): HealthCheckFunction | undefined {
    return stateCheckFor(stateWord, this.proxyErrors);
  }
}

/** Runs the checks once, one after the other. */
export function inTurn(checks: readonly (HealthCheckFunction | undefined)[]): HealthCheckFunction {
  return async (probe) => {
    for (const each of new Set(checks)) await each?.(probe);
    return true;
  };
}
