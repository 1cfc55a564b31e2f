import type { Timer } from '../../clock.js';
import type { Reception } from '../../core/steering/obedience.js';
import { SteeringSourceError } from '../../errors.js';
import { foreignError, foreignReason } from '../../foreign/foreign-error.js';
import type { SteeringDatabase, SteeringSource } from '../../options/steering.js';
import type { EngineContext } from '../engine-context.js';

/**
 * - `waiting`: not read yet
 * - `ok`: delivers what is obeyed, or will be
 * - `absent`: holds no document
 * - `older`: delivers an older document than another source
 * - `unreachable`: can't be read
 * - `invalid`: what it delivers is not valid
 * - `conflict`: delivers another content with the version of the newest document
 */
export type SteeringSourceState =
  | 'waiting'
  | 'ok'
  | 'absent'
  | 'older'
  | 'unreachable'
  | 'invalid'
  | 'conflict';

/** The state of one source, or of one place in a source that reads several. */
export interface SteeringSourceReport {
  /** The name of the source, with the place in it. */
  readonly source: string;
  /** What the latest reading found. */
  readonly state: SteeringSourceState;
  /** Description of the problem; undefined without one. */
  readonly cause: string | undefined;
  /** Number of readings with a problem. */
  readonly failures: number;
}

/** Receives what the sources deliver. */
export interface SteeringReceiver {
  /** May throw `InvalidSteeringError`; `notBefore` as in `Receipt`. */
  onDocument(document: unknown, source: string, notBefore: number): Reception;
  /** Every source has been read, or has failed. */
  onAllRead(): void;
  databases(): readonly SteeringDatabase[];
}

/** Most places in all sources that are remembered. */
const MAX_PLACES = 200;
const TROUBLES: ReadonlySet<SteeringSourceState> = new Set([
  ...(['older', 'unreachable', 'invalid', 'conflict'] as const),
]);

class Place {
  state: SteeringSourceState = 'waiting';
  cause: string | undefined;
  failures = 0;
  /** Monotonic time of the latest successful reading. */
  readAt = Number.NEGATIVE_INFINITY;
}

/** Watches the sources of a group, and knows how each of them is. */
export class SteeringSources {
  readonly #places = new Map<string, Place>();
  readonly #unread: Set<SteeringSource>;
  readonly #ends: (() => void)[] = [];
  readonly #timers = new Set<Timer>();
  #isEnded = false;

  constructor(
    private readonly runtime: Pick<EngineContext, 'clock' | 'random' | 'emit'>,
    private readonly sources: readonly SteeringSource[],
    private readonly receiver: SteeringReceiver,
  ) {
    this.#unread = new Set(sources);
  }

  get allRead(): boolean {
    return this.#unread.size === 0;
  }

  start(): void {
    for (const source of this.sources) {
      this.#place(source.name);
      this.#guarded(source, () => {
        const end = source.watch(this.#contextOf(source));
        if (typeof end === 'function') this.#ends.push(end);
      });
    }
  }

  end(): void {
    this.#isEnded = true;
    for (const end of this.#ends.splice(0)) {
      try {
        end();
      } catch {
        // Errors at the end of a watch do not concern the application.
      }
    }
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
  }

  reports(): readonly SteeringSourceReport[] {
    const isSilent = (name: string, { state }: Place) =>
      // The name alone says nothing of a source that reports several places.
      state === 'waiting' && [...this.#places.keys()].some((each) => each.startsWith(`${name}: `));
    return [...this.#places]
      .filter(([name, place]) => !isSilent(name, place))
      .map(([source, { state, cause, failures }]) =>
        Object.freeze({ source, state, cause, failures }),
      );
  }

  #contextOf(source: SteeringSource) {
    const { runtime, receiver } = this;
    const report = (origin: string | undefined, read: (place: Place, name: string) => void) => {
      if (this.#isEnded) return;
      const name = origin === undefined ? source.name : `${source.name}: ${origin}`;
      read(this.#place(name), name);
      if (this.#unread.delete(source) && this.allRead) receiver.onAllRead();
    };
    return Object.freeze({
      get databases() {
        return receiver.databases();
      },
      deliver: (document: unknown, origin?: string) =>
        report(origin, (place, name) => this.#deliver(document, place, name)),
      absent: (origin?: string) =>
        report(origin, (place) => {
          place.state = 'absent';
          place.cause = undefined;
          place.readAt = runtime.clock.now();
        }),
      fail: (error: unknown, origin?: string) =>
        report(origin, (place, name) => {
          this.#trouble(place, name, 'unreachable', foreignReason(error), error);
        }),
      after: (delayMs: number, callback: () => void) => {
        const timer = runtime.clock.after(Math.max(0, delayMs), () => {
          this.#timers.delete(timer);
          if (!this.#isEnded) this.#guarded(source, callback);
        });
        this.#timers.add(timer);
        return {
          cancel: () => {
            this.#timers.delete(timer);
            timer.cancel();
          },
        };
      },
      random: () => runtime.random(),
    });
  }

  #deliver(document: unknown, place: Place, name: string): void {
    const { readAt } = place;
    try {
      const reception = this.receiver.onDocument(document, name, readAt);
      place.readAt = this.runtime.clock.now();
      if (reception === 'newer' || reception === 'same') {
        place.state = 'ok';
        place.cause = undefined;
      } else {
        const cause =
          reception === 'older'
            ? 'it delivers an older document than was received before'
            : 'it delivers another document with the same version';
        this.#trouble(place, name, reception, cause, undefined);
      }
    } catch (error) {
      this.#trouble(place, name, 'invalid', foreignReason(error), error);
    }
  }

  /** Reported once until it changes. */
  #trouble(
    place: Place,
    name: string,
    state: SteeringSourceState,
    cause: string,
    error: unknown,
  ): void {
    const isNew = place.state !== state || place.cause !== cause;
    place.state = state;
    place.cause = cause;
    place.failures += 1;
    // That one of several databases was not reachable when the document was written is normal.
    if (!isNew || state === 'older') return;
    const details = error === undefined ? {} : { cause: foreignError(error) };
    this.runtime.emit('error', new SteeringSourceError(name, cause, details));
  }

  #place(name: string): Place {
    let place = this.#places.get(name);
    if (place === undefined) {
      place = new Place();
      const oldest = this.#places.keys().next().value;
      if (this.#places.size >= MAX_PLACES && oldest !== undefined) this.#places.delete(oldest);
      this.#places.set(name, place);
    }
    return place;
  }

  #guarded(source: SteeringSource, action: () => void): void {
    try {
      action();
    } catch (error) {
      this.#trouble(
        this.#place(source.name),
        source.name,
        'unreachable',
        foreignReason(error),
        error,
      );
      if (this.#unread.delete(source) && this.allRead) this.receiver.onAllRead();
    }
  }
}

export function isTrouble({ state }: SteeringSourceReport): boolean {
  return TROUBLES.has(state);
}
