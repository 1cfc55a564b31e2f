import {
  type Challenge,
  isDue,
  type LatencyView,
  lowestLatency,
  nextChallenge,
} from '../../core/lowest-latency.js';
import { type DatabaseView, isEligible, type Prefer } from '../../core/selection.js';
import { foreignError } from '../../foreign/foreign-error.js';
import { ownError } from '../../foreign/own-error.js';
import type { SelectionCandidate } from '../../options/selection.js';
import { shownValue } from '../../received-value.js';
import type { Database } from '../database.js';
import type { EngineContext } from '../engine-context.js';
import type { RouteSource } from '../route.js';

/**
 * Chooses among databases of equal weight, as the option `selection` says, and decides whether the
 * client moves from the active database to another one of the same weight.
 */
export class Preference {
  #challenge: Challenge | undefined;
  /** The latest call of the function failed: a further failure is not reported. */
  #hasFailed = false;

  constructor(
    private readonly runtime: Pick<EngineContext, 'clock' | 'options' | 'emit'>,
    private readonly router: RouteSource,
    private readonly all: () => readonly Database[],
  ) {}

  /** Chooses among candidates of equal weight; undefined: the first one is chosen. */
  get prefer(): Prefer | undefined {
    const { selection } = this.runtime.options;
    if (selection === 'first') return undefined;
    return (equals) => this.#choose(equals as Database[]) ?? (equals[0] as DatabaseView);
  }

  /** Notes whether a database is faster than the active one; called after each probe. */
  look(): void {
    const active = this.router.route.database;
    if (this.runtime.options.selection !== 'lowest-latency' || active === undefined) return;
    const equals = this.#equalsOf(active).map(latencyView);
    const fastest = lowestLatency(equals, active.id);
    this.#challenge = nextChallenge(this.#challenge, latencyView(active), fastest, this.#now);
  }

  /** The database of the same weight to which the client moves from the active one, if any. */
  successorOf(active: Database): Database | undefined {
    const { selection } = this.runtime.options;
    if (selection === 'first' || !isEligible(active, this.#now)) return undefined;
    const equals = this.#equalsOf(active);
    if (equals.length < 2) return undefined;
    if (selection !== 'lowest-latency') {
      const chosen = this.#choose(equals);
      return chosen === active ? undefined : chosen;
    }
    this.look();
    const challenge = this.#challenge;
    if (challenge === undefined || !isDue(challenge, this.#now)) return undefined;
    return equals.find(({ id }) => id === challenge.id);
  }

  /** Compares two databases in words. */
  compare(database: Database, active: Database): string {
    if (this.runtime.options.selection !== 'lowest-latency') {
      return `the selection function prefers ${database.id}`;
    }
    return `${database.id} answers in ${inWords(database)}, ${active.id} in ${inWords(active)}`;
  }

  /** What decides whether the client moves from the active database to an eligible one, in words. */
  state(database: Database, active: Database): string {
    if (this.runtime.options.selection !== 'lowest-latency') {
      return 'the selection function decides at the next failback check';
    }
    const isChallenger = this.#challenge?.id === database.id;
    const text = this.compare(database, active);
    if (!isChallenger) return text;
    return isDue(this.#challenge as Challenge, this.#now)
      ? `${text}; the next failback check moves to it`
      : `${text}; not long enough yet`;
  }

  /** The active database and those of its weight that could take its place, in order. */
  #equalsOf(active: Database): Database[] {
    const now = this.#now;
    return this.all().filter(
      (each) =>
        each === active ||
        (each.weight === active.weight &&
          each.readOnly === active.readOnly &&
          isEligible(each, now)),
    );
  }

  #choose(equals: readonly Database[]): Database | undefined {
    const { selection } = this.runtime.options;
    const inOrder = [...equals].sort((a, b) => a.order - b.order);
    const active = this.router.route.database;
    if (typeof selection !== 'function') {
      const chosen = lowestLatency(inOrder.map(latencyView), active?.id);
      return inOrder.find(({ id }) => id === chosen?.id);
    }
    let answer: unknown;
    try {
      answer = selection(Object.freeze(inOrder.map((each) => this.#candidate(each, active))));
    } catch (error) {
      this.#report(foreignError(error) as Error);
      return this.#byDefault(inOrder, active);
    }
    const chosen = inOrder.find(({ id }) => id === answer);
    if (chosen === undefined && answer !== undefined) {
      // A promise that rejects must not end the process.
      Promise.resolve(answer).catch(() => {});
      const what = shownValue(answer);
      this.#report(ownError(`selection must return the id of a candidate; received ${what}`));
    } else this.#hasFailed = false;
    return chosen ?? this.#byDefault(inOrder, active);
  }

  /** Databases of equal weight do not fail back to each other by default. */
  #byDefault(inOrder: readonly Database[], active: Database | undefined): Database | undefined {
    return inOrder.find((each) => each === active) ?? inOrder[0];
  }

  #candidate(database: Database, active: Database | undefined): SelectionCandidate {
    const { id, weight, probeLatency } = database;
    const { failures, total } = database.circuit.metrics(this.#now);
    const latencyMs = probeLatency?.percentileMs;
    const isActive = database === active;
    return Object.freeze({ id, weight, active: isActive, latencyMs, failures, total });
  }

  #report(error: Error): void {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    const { clock, emit } = this.runtime;
    // A listener must not act in the middle of the choice.
    clock.afterTurn(() => emit('error', error));
  }

  get #now(): number {
    return this.runtime.clock.now();
  }
}

function latencyView({ id, order, probeLatency }: Database): LatencyView {
  return { id, order, latencyMs: probeLatency?.percentileMs };
}

function inWords({ probeLatency }: Database): string {
  const ms = probeLatency?.percentileMs;
  return ms === undefined ? 'an unknown time' : `${ms.toFixed(1)} ms`;
}
