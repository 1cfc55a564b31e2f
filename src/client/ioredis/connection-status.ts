import type { IoredisInstance } from './library.js';

/** What `redis.status` says. */
export type Status = 'wait' | 'connecting' | 'connect' | 'ready' | 'close' | 'reconnecting' | 'end';

/**
 * `status` of an ioredis client and its events. As in ioredis, the status changes at once and the
 * event of the same name follows in the next tick.
 *
 * - `wait`: `lazyConnect`, nothing was opened yet
 * - `connecting`: `connect()` was called, no database serves yet
 * - `ready`: a database serves
 * - `reconnecting`: no database serves, or `disconnect(true)` was called
 * - `end`: `quit()` or `disconnect()` has ended everything
 *
 * `connect` precedes `ready`, and `close` precedes `reconnecting` and `end`.
 */
export class ConnectionStatus {
  constructor(private readonly redis: IoredisInstance) {}

  get current(): Status {
    return this.redis.status as Status;
  }

  /** Whether `connect()` would find a connection, or an attempt to make one. */
  get isConnected(): boolean {
    const { current } = this;
    return current === 'connecting' || current === 'connect' || current === 'ready';
  }

  set(status: Status, argument?: unknown): void {
    const { redis } = this;
    redis.status = status;
    process.nextTick(() => redis.emit(status, argument));
  }

  /** A database serves: for the first time, or again. Returns false if that is known. */
  served(): boolean {
    if (this.current === 'ready' || this.current === 'end') return false;
    if (this.current === 'reconnecting') this.set('connecting');
    this.set('connect');
    this.set('ready');
    return true;
  }

  /** No database serves, and the client goes on trying. */
  lost(delayMs = 0): void {
    if (this.current === 'end' || this.current === 'reconnecting') return;
    this.set('close');
    this.set('reconnecting', delayMs);
  }

  /** The client was closed. */
  ended(): void {
    if (this.current === 'end') return;
    if (this.current !== 'close') this.set('close');
    this.set('end');
  }
}
