import type { Database } from '../database.js';

/** An attempt as its trace sees it. */
export interface ObservedAttempt {
  readonly channel: { readonly database: Database };
  readonly endpoint: { readonly host: string; readonly port: number | undefined };
  readonly state: 'under-way' | 'taken-back' | 'abandoned' | 'ended';
  /** Whether it was sent to a standby in addition. */
  readonly isHedge: boolean;
  /** Whether no caller waits for its result. */
  readonly over: boolean;
}

/** Observes the attempts of one command. Must not throw. */
export interface CommandTrace {
  /** An attempt is about to be handed to its connection. */
  began(attempt: ObservedAttempt): void;
  /** An attempt that the command waited for has ended, with a reply or with `failure`. */
  ended(attempt: ObservedAttempt, failure?: { readonly error: unknown }): void;
}
