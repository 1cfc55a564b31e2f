import type { CommandArgument } from '../../core/command-argument.js';
import type { ClientContext, ReadObserver } from './client-context.js';
import type { DataConnection } from './data-connection.js';

/** Receives the events that invalidate values that were read before. */
export interface CacheValidityListener {
  /**
   * Reads go to another connection or database from now on, or to none; earlier values are invalid.
   */
  onFlush(): void;
  /** The server announces that this key changed; `null` if any may have. */
  onInvalidate(key: CommandArgument | null): void;
  /** The client was closed. */
  onClose?(): void;
}

/** One connection during one incarnation of its database; only compared. */
export interface Epoch {
  readonly channel: DataConnection;
  readonly generation: number;
}

/**
 * Validity of values that a client has read, for caches: the epoch in which a value was read, the
 * end of an epoch, changed keys, and how long ago it is certain that no change was missed.
 *
 * A server announces changes over the connection that read the key, in order with the replies. A
 * reply to a command therefore proves that all changes up to the time of its sending have been
 * received. Without such a reply for two `suspectAfterMs` no value is fresh: a connection that
 * broke silently is indistinguishable from "nothing changed".
 */
export class CacheValidity implements ReadObserver {
  #epoch: Epoch | undefined;
  /** Monotonic milliseconds. */
  #provenAt = 0;
  #asking: Epoch | undefined;
  /** The end of an epoch has not been reported yet. */
  #owesFlush = false;
  #listener: CacheValidityListener | undefined;

  /** `client` returns the present context; undefined while the client is closed. */
  constructor(
    private readonly client: () => ClientContext | undefined,
    /** An object that a client shares with its duplicates; only compared. */
    readonly group: object = {},
  ) {}

  listen(listener: CacheValidityListener): void {
    this.#listener = listener;
  }

  /** The current target of reads; undefined if there is none and cached values must not be used. */
  get epoch(): Epoch | undefined {
    this.refresh();
    this.#flush();
    return this.#epoch;
  }

  /**
   * Checks whether the epoch is over. It is also called during every change of route or connection,
   * when no application code may run, but caches notify their listeners of a flush. The flush is
   * therefore reported in a microtask, and at the latest before another value is stored or used.
   */
  refresh(): void {
    const client = this.client();
    const channel = client?.isOpen === true ? client.active : undefined;
    const generation = client?.coordinator.route.generation ?? 0;
    const before = this.#epoch;
    if (before?.channel === channel && (before?.generation ?? generation) === generation) return;
    this.#epoch = channel === undefined ? undefined : { channel, generation };
    this.#asking = undefined;
    this.#provenAt = this.now();
    if (before === undefined || this.#owesFlush) return;
    this.#owesFlush = true;
    queueMicrotask(() => this.#flush());
  }

  /** The client was closed. Its listener is notified in a microtask, as for a flush. */
  close(): void {
    this.refresh();
    queueMicrotask(() => {
      this.#flush();
      this.#listener?.onClose?.();
    });
  }

  #flush(): void {
    if (!this.#owesFlush) return;
    this.#owesFlush = false;
    this.#listener?.onFlush();
  }

  /** Announcements of a connection without reads are irrelevant. */
  onInvalidate(channel: DataConnection, key: CommandArgument | null): void {
    if (this.#epoch?.channel !== channel) return;
    this.#flush();
    this.#listener?.onInvalidate(key);
  }

  /** Monotonic milliseconds, for `prove`. */
  now(): number {
    return this.client()?.coordinator.runtime.clock.now() ?? 0;
  }

  /** A command that was sent at `sentAt` under `epoch` has been answered. */
  prove(epoch: object, sentAt: number): void {
    if (epoch === this.#epoch && sentAt > this.#provenAt) this.#provenAt = sentAt;
  }

  /**
   * Whether every change up to two `suspectAfterMs` ago has certainly been heard. When the proof
   * is older than one, the server is asked for another.
   */
  isFresh(): boolean {
    const { epoch } = this;
    const client = this.client();
    if (epoch === undefined || client === undefined) return false;
    const { suspectAfterMs } = client.coordinator.runtime.options;
    const now = this.now();
    const ageMs = now - this.#provenAt;
    if (ageMs > suspectAfterMs && this.#asking !== epoch) {
      this.#asking = epoch;
      const answered = () => {
        if (this.#asking === epoch) this.#asking = undefined;
      };
      client.send(['PING']).then(() => {
        this.prove(epoch, now);
        answered();
      }, answered);
    }
    return ageMs <= 2 * suspectAfterMs;
  }
}
