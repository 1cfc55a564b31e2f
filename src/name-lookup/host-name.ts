import type { LookupAddress, LookupOptions } from 'node:dns';
import type { LookupFunction } from 'node:net';
import type { Timer } from '../clock.js';
import type { WaitingName } from '../core/lookup-places.js';

/** Somebody who wants the addresses of a name. */
export interface LookupWaiter {
  /** A connection is to be made; `false`: only the periodic check of names asks. */
  readonly isWanted: boolean;
  /** Whoever asks is gone. */
  readonly signal: AbortSignal | undefined;
  /** Called once, with the addresses or with why there are none; `undefined` once it was. */
  callback: ((error: Error | null, addresses: readonly LookupAddress[]) => void) | undefined;
  /** Stops listening to `signal`. */
  release(): void;
}

/**
 * A lookup that has been pending for so long makes its name silent: the state says so, and the last
 * known addresses serve at once until a lookup ends sooner.
 */
export const SILENT_AFTER_MS = 1000;

/** What is wrong with the lookups of a name. */
export interface LookupTrouble {
  readonly host: string;
  /** How long the present lookup has been pending; `undefined`: the latest one failed. */
  readonly pendingForMs: number | undefined;
  readonly error: Error | undefined;
  /** Connections are made to the last known addresses in the meantime. */
  readonly usesLastKnown: boolean;
}

type State =
  | { readonly kind: 'idle' }
  | { readonly kind: 'queued'; readonly since: number }
  /** `attempt` is compared, so that an answer after the lookup was given up changes nothing. */
  | { readonly kind: 'running'; readonly since: number; readonly attempt: object };

/** A host name as one kind of connection looks it up, and what is known of it. */
export class HostName implements WaitingName {
  state: State = { kind: 'idle' };
  /** The addresses of the latest answer that had any. */
  lastKnown: readonly LookupAddress[] | undefined;
  /** Monotonic milliseconds of that answer. */
  answeredAt = Number.NEGATIVE_INFINITY;
  /** Of the present lookup, from when it was asked for. */
  pace: 'prompt' | 'late' | 'silent' = 'prompt';
  wasSilent = false;
  /** Why the latest lookup failed; undefined: it succeeded. */
  failure: Error | undefined;
  readonly waiters = new Set<LookupWaiter>();
  timer: Timer | undefined;

  constructor(
    readonly host: string,
    readonly options: LookupOptions,
    /** The application's own function; `undefined`: the system's. */
    readonly by: LookupFunction | undefined,
  ) {}

  get hasLastKnown(): boolean {
    return this.lastKnown !== undefined;
  }

  get isWanted(): boolean {
    for (const waiter of this.waiters) if (waiter.isWanted) return true;
    return false;
  }
}

/** `undefined`: the latest lookup succeeded, and none has been pending for long. */
export function troubleOf(name: HostName, now: number): LookupTrouble | undefined {
  const { host, state, hasLastKnown: usesLastKnown, failure: error } = name;
  const pendingForMs = state.kind === 'idle' ? 0 : now - state.since;
  if (pendingForMs >= SILENT_AFTER_MS) return { host, pendingForMs, error, usesLastKnown };
  if (error === undefined) return undefined;
  return { host, pendingForMs: undefined, error, usesLastKnown };
}

/** Told in a microtask of its own: what it calls may look up the next name. */
export function serve(
  waiter: LookupWaiter,
  error: Error | null | undefined,
  { lastKnown = [] }: HostName,
): void {
  const { callback } = waiter;
  if (callback === undefined) return;
  waiter.callback = undefined;
  queueMicrotask(() => {
    if (!waiter.signal?.aborted) callback(error ?? null, lastKnown);
  });
}
