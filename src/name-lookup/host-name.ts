import type { LookupAddress, LookupOptions } from 'node:dns';
import type { LookupFunction } from 'node:net';
import type { Timer } from '../clock.js';
import type { WaitingName } from '../core/lookup-places.js';

/** A request for the addresses of a name. */
export interface LookupWaiter {
  /** Whether a connection needs the addresses; `false`: only the periodic check of names does. */
  readonly isWanted: boolean;
  /** Aborts when the request is no longer needed. */
  readonly signal: AbortSignal | undefined;
  /** Called once, with the addresses or an error; `undefined` once it was called. */
  callback: ((error: Error | null, addresses: readonly LookupAddress[]) => void) | undefined;
  /** Stops listening to `signal`. */
  release(): void;
}

/**
 * Time in milliseconds after which a pending lookup makes its name silent: its state reports that,
 * and the last known addresses are used at once until a lookup ends sooner.
 */
export const SILENT_AFTER_MS = 1000;

/** A problem with the lookups of a name. */
export interface LookupTrouble {
  readonly host: string;
  /**
   * How long the present lookup has been pending, in milliseconds; `undefined`: the latest lookup
   * failed.
   */
  readonly pendingForMs: number | undefined;
  readonly error: Error | undefined;
  /** Whether connections use the last known addresses in the meantime. */
  readonly usesLastKnown: boolean;
}

type State =
  | { readonly kind: 'idle' }
  | { readonly kind: 'queued'; readonly since: number }
  /** `attempt` is compared, so that an answer after the lookup was abandoned has no effect. */
  | { readonly kind: 'running'; readonly since: number; readonly attempt: object };

/** A host name as one kind of connection looks it up, with the state of its lookups. */
export class HostName implements WaitingName {
  state: State = { kind: 'idle' };
  /** The addresses of the latest non-empty answer. */
  lastKnown: readonly LookupAddress[] | undefined;
  /** Monotonic milliseconds of that answer. */
  answeredAt = Number.NEGATIVE_INFINITY;
  /** The pace of the present lookup, measured from its request. */
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

/**
 * Returns the problem with the lookups of a name; `undefined` if the latest lookup succeeded and
 * none has been pending for long.
 */
export function troubleOf(name: HostName, now: number): LookupTrouble | undefined {
  const { host, state, hasLastKnown: usesLastKnown, failure: error } = name;
  const pendingForMs = state.kind === 'idle' ? 0 : now - state.since;
  if (pendingForMs >= SILENT_AFTER_MS) return { host, pendingForMs, error, usesLastKnown };
  if (error === undefined) return undefined;
  return { host, pendingForMs: undefined, error, usesLastKnown };
}

/** Calls back in a separate microtask, because the callback may look up the next name. */
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
