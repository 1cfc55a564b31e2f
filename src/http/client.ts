import type { MultiDbEventName, MultiDbEvents } from '../events.js';
import type { DrainOptions, ForceOptions } from '../runtime/group/managed-client.js';
import type { Explanation } from '../runtime/report/explain.js';
import type { DatabaseSnapshot } from '../runtime/report/snapshot.js';

/** What the handler needs of a client: public members alone. Every `MultiDbClient` is one. */
export interface OperatedClient {
  readonly databases: readonly DatabaseSnapshot[];
  readonly activeDatabase: string | undefined;
  readonly isReady: boolean;
  explain(): Explanation;
  setActiveDatabase(id: string): Promise<void>;
  forceActiveDatabase(id: string, options?: ForceOptions): Promise<void>;
  drainDatabase(id: string, options?: DrainOptions): Promise<void>;
  resumeDatabase(id: string): boolean;
  on<E extends MultiDbEventName>(
    event: E,
    listener: (...event: MultiDbEvents[E]) => unknown,
  ): unknown;
  off<E extends MultiDbEventName>(
    event: E,
    listener: (...event: MultiDbEvents[E]) => unknown,
  ): unknown;
}
