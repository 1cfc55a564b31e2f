import type { Database } from '../database.js';
import type { Verification } from '../health/verification.js';
import type { FailbackPreparation } from './failback-preparation.js';
import type { PassedOver } from './passed-over.js';

/** What makes a standby ready. */
export interface ReadinessHost {
  readonly phase: 'new' | 'starting' | 'running' | 'ended';
  readonly preparation: Pick<FailbackPreparation, 'isDone'>;
  readonly health: { readonly verification: Pick<Verification, 'isFresh' | 'verify'> };
  readonly passedOver: Pick<PassedOver, 'has' | 'addSilent' | 'addUnprepared'>;
}

/**
 * Whether a standby is ready for a switch that is not urgent, because the active database serves.
 * Failovers do not wait for it.
 */
export class StandbyReadiness {
  constructor(private readonly host: ReadinessHost) {}

  /**
   * Whether `database` may be taken again: `beforeFailback` has succeeded, and the database has
   * answered over its data connections. If false, both are under way, and `onReady` follows.
   * `again` repeats a `beforeFailback` that failed. `onUnfit` follows when it has failed, or the
   * database has not answered: it is passed over then.
   */
  isReady(
    database: Database,
    onReady: () => void,
    { again = false, onUnfit }: { readonly again?: boolean; readonly onUnfit?: () => void } = {},
  ): boolean {
    const { host } = this;
    const onDone = () => {
      if (host.phase === 'running') onReady();
    };
    const onFailed = () => {
      if (onUnfit === undefined || host.phase !== 'running') return;
      host.passedOver.addUnprepared(database);
      onUnfit();
    };
    if (!host.preparation.isDone(database, onDone, again, onFailed)) return false;
    return this.#hasAnswered(database, onReady, onUnfit);
  }

  /**
   * Whether `database` has answered over its data connections, which a failback requires. If false,
   * it is being asked, and `onAnswer` follows if it answers, `onSilent` if not.
   */
  #hasAnswered(database: Database, onAnswer: () => void, onSilent?: () => void): boolean {
    const { host } = this;
    const { verification } = host.health;
    if (verification.isFresh(database)) return true;
    verification.verify(database).then((hasAnswered) => {
      if (host.phase !== 'running') return;
      if (hasAnswered) onAnswer();
      else if (onSilent !== undefined && !host.passedOver.has(database)) {
        host.passedOver.addSilent(database);
        onSilent();
      }
    });
    return false;
  }
}
