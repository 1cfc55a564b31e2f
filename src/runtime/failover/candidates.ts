import { isEligible, type Selection, selectBest, selectFailback } from '../../core/selection.js';
import type { Database } from '../database.js';
import type { EngineContext } from '../engine-context.js';
import type { Verification } from '../health/verification.js';
import type { PassedOver } from './passed-over.js';
import type { Preference } from './preference.js';

/** What is known about the databases beyond their own facts. */
export interface CandidatesHost {
  readonly databases: ReadonlyMap<string, Database>;
  readonly health: { readonly verification: Pick<Verification, 'isSilent'> };
  readonly preference: Pick<Preference, 'prefer' | 'successorOf'>;
  readonly passedOver: Pick<PassedOver, 'has'>;
  all(): readonly Database[];
}

/**
 * The databases that could become active, in the order in which the rules of `core/selection.ts`
 * take them: silent databases come last, `selection` chooses among equal weights, and a failback
 * passes over databases that were not ready.
 */
export class Candidates {
  constructor(
    private readonly runtime: Pick<EngineContext, 'clock'>,
    private readonly host: CandidatesHost,
  ) {}

  /** The best database now; those that answer come before those that are silent. */
  best(exclude?: string): Selection | undefined {
    return this.bestOf(this.host.databases.values(), exclude);
  }

  /** The same among some of the databases. */
  bestOf(databases: Iterable<Database>, exclude?: string): Selection | undefined {
    const { health, preference } = this.host;
    const { isSilent } = health.verification;
    return selectBest(databases, this.#now, { exclude, isSilent, prefer: preference.prefer });
  }

  /**
   * The best database of higher weight than the active one that a failback does not pass over, of
   * those that are due.
   */
  heavier(
    active: Database,
    isDue: (database: Database) => boolean = () => true,
  ): Database | undefined {
    const { passedOver, preference } = this.host;
    const candidates = this.host.all().filter((each) => isDue(each) && !passedOver.has(each));
    const { prefer } = preference;
    const best = selectFailback([active, ...candidates], active.id, this.#now, prefer);
    return best as Database | undefined;
  }

  /** The database of equal weight that `selection` prefers, if it is due and can be returned to. */
  equal(
    active: Database,
    isDue: (database: Database) => boolean = () => true,
  ): Database | undefined {
    const preferred = this.host.preference.successorOf(active);
    if (preferred === undefined || !isDue(preferred)) return undefined;
    return this.host.passedOver.has(preferred) ? undefined : preferred;
  }

  /** The eligible databases that were never eligible before: they do not wait for a failback check. */
  newcomers(): Database[] {
    const now = this.#now;
    return this.host
      .all()
      .filter(
        (each) => !each.wasEligible && isEligible(each, now) && !this.host.passedOver.has(each),
      );
  }

  get #now(): number {
    return this.runtime.clock.now();
  }
}
