import type { Attempt, Connection, ConnectionListener } from '../driver.js';
import { ServerIdentity } from '../server-identity.js';

/**
 * A connection whose server has to be found first. It forwards commands to the inner connection to
 * that server. It ends once, when the inner connection is lost or it is destroyed.
 */
export abstract class FoundConnection implements Connection {
  protected inner: Connection | undefined;
  protected ended = false;
  #isReferenced = true;

  constructor(protected readonly listener: ConnectionListener) {}

  abstract get ready(): boolean;

  get bytesReceived(): number {
    return this.inner?.bytesReceived ?? 0;
  }

  send(attempt: Attempt): void {
    (this.inner as Connection).send(attempt);
  }

  withdraw(attempt: Attempt): boolean {
    return this.inner?.withdraw(attempt) ?? false;
  }

  identify(): Promise<string> {
    return this.inner?.identify() ?? Promise.reject(new Error('not connected'));
  }

  serverIdentity(): ServerIdentity {
    return this.inner?.serverIdentity?.() ?? ServerIdentity.unknown();
  }

  destroy(error: Error): void {
    if (this.ended) return;
    this.ended = true;
    this.end(error);
  }

  ref(): void {
    this.#isReferenced = true;
    this.inner?.ref();
  }

  unref(): void {
    this.#isReferenced = false;
    this.inner?.unref();
  }

  /** Sets the connection to the server that was found. */
  protected use(inner: Connection): void {
    this.inner = inner;
    if (!this.#isReferenced) inner.unref();
  }

  protected lose(error: Error): void {
    if (this.ended) return;
    this.ended = true;
    this.listener.onLost(error);
    this.end(error);
  }

  /** Called once, when `ended` is set. */
  protected end(error: Error): void {
    this.inner?.destroy(error);
  }
}
