import type { MultiDbEventName, MultiDbEvents } from '../events.js';
import type { DrainOptions, ForceOptions } from '../runtime/group/managed-client.js';
import type { Explanation } from '../runtime/report/explain.js';
import type { DatabaseSnapshot } from '../runtime/report/snapshot.js';

/** The public members of a client that the handler uses. Every `MultiDbClient` has them. */
export interface OperatedClient {
  /** Every database at this moment. */
  readonly databases: readonly DatabaseSnapshot[];
  /** Id of the active database; undefined while there is none. */
  readonly activeDatabase: string | undefined;
  /** Whether a database can serve. */
  readonly isReady: boolean;
  /** Returns which database is active and why. */
  explain(): Explanation;
  /** Makes a database active after a probe. */
  setActiveDatabase(id: string): Promise<void>;
  /** Makes a database active and keeps it against failback and weights. */
  forceActiveDatabase(id: string, options?: ForceOptions): Promise<void>;
  /** Ends `forceActiveDatabase()`. */
  releaseActiveDatabase(): boolean;
  /** Keeps a database away from traffic. */
  drainDatabase(id: string, options?: DrainOptions): Promise<void>;
  /** Ends a drain. */
  resumeDatabase(id: string): boolean;
  /** Adds a listener. */
  on<E extends MultiDbEventName>(
    event: E,
    listener: (...event: MultiDbEvents[E]) => unknown,
  ): unknown;
  /** Removes a listener. */
  off<E extends MultiDbEventName>(
    event: E,
    listener: (...event: MultiDbEvents[E]) => unknown,
  ): unknown;
}
