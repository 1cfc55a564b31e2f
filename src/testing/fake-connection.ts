import type { CommandArgument } from '../core/command-argument.js';
import type {
  Attempt,
  Connection,
  ConnectionListener,
  ProbeConnection,
} from '../drivers/driver.js';
import { FakeErrorReply } from './fake-errors.js';
import { type FakeAnswer, type FakeRequest, type FakeServer, FakeWire } from './fake-network.js';

/** Is notified of what a connection does with attempts; for tests that judge the engine. */
export interface AttemptObserver {
  onSend?(attempt: Attempt): void;
  onWritten?(attempt: Attempt): void;
}

/**
 * A data connection to a fake database. Attempts wait in the client's queue until the next turn
 * of the loop, and while the server has `windowSize` unread requests: the socket's backpressure.
 */
export class FakeConnection implements Connection {
  bytesReceived = 0;
  #ready = false;
  #hasEnded = false;
  #queue: Attempt[] = [];
  #isFlushing = false;
  readonly #written = new Set<Attempt>();
  readonly #wire: FakeWire;

  constructor(
    private readonly server: FakeServer,
    private readonly windowSize: number,
    private readonly observer: AttemptObserver,
    listener: ConnectionListener,
    kind: 'data' | 'isolated' = 'data',
  ) {
    this.#wire = new FakeWire(server, kind, {
      onOpen: () => {
        this.#ready = true;
        listener.onReady();
      },
      onClosed: (error) => {
        this.#end(error);
        listener.onLost(error);
      },
      onRoom: () => this.#flush(),
    });
  }

  get ready(): boolean {
    return this.#ready;
  }

  send(attempt: Attempt): void {
    if (!this.#ready) throw new Error('not ready');
    if (!attempt.isQuestion) this.observer.onSend?.(attempt);
    this.#queue.push(attempt);
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    this.server.clock.deliver(0, () => {
      this.#isFlushing = false;
      this.#flush();
    });
  }

  withdraw(attempt: Attempt): boolean {
    if (attempt.written || this.#hasEnded) return false;
    const index = this.#queue.indexOf(attempt);
    if (index < 0) return false;
    this.#queue.splice(index, 1);
    return true;
  }

  identify(): Promise<string> {
    return Promise.resolve(String(this.#wire.id));
  }

  destroy(error: Error): void {
    if (this.#hasEnded) return;
    this.#wire.destroy();
    this.#end(error);
  }

  ref(): void {}

  unref(): void {}

  #flush(): void {
    while (!this.#hasEnded && this.#queue.length > 0 && this.#wire.unread < this.windowSize) {
      const attempt = this.#queue.shift()!;
      attempt.written = true;
      this.#written.add(attempt);
      if (!attempt.isQuestion) this.observer.onWritten?.(attempt);
      this.#wire.send(this.#request(attempt));
    }
  }

  #request(attempt: Attempt): FakeRequest {
    const { batch } = attempt;
    return {
      commands: batch === undefined ? [attempt.args] : batch.commands,
      isBatch: batch !== undefined && batch.kind !== 'single',
      isQuestion: attempt.isQuestion === true,
      sentAt: this.server.clock.now(),
      onAnswer: (answer) => {
        if (this.#hasEnded) return;
        this.bytesReceived += 1;
        this.#written.delete(attempt);
        // A client library passes replies on through promises.
        queueMicrotask(() => {
          if (answer.ok) attempt.onReply(answer.reply);
          else attempt.onError(answer.error);
        });
      },
    };
  }

  #end(error: Error): void {
    this.#hasEnded = true;
    this.#ready = false;
    const attempts = [...this.#written, ...this.#queue];
    this.#written.clear();
    this.#queue = [];
    queueMicrotask(() => {
      for (const attempt of attempts) attempt.onError(error);
    });
  }
}

/** Opens a probe connection to a fake database; rejects when refused or aborted. */
export function openFakeProbe(server: FakeServer, signal: AbortSignal): Promise<ProbeConnection> {
  return openProbeOver((listener) => {
    const wire = new FakeWire(server, 'probe', listener);
    return {
      ask: (args, onAnswer) =>
        wire.send({ commands: [args], isBatch: false, sentAt: server.clock.now(), onAnswer }),
      destroy: () => wire.destroy(),
    };
  }, signal);
}

/** A simulated TCP connection for probes. */
export interface ProbeWire {
  ask(args: readonly CommandArgument[], onAnswer: (answer: FakeAnswer) => void): void;
  destroy(): void;
}

/** Opens a probe connection over the wire that `dial` opens; rejects when refused or aborted. */
export function openProbeOver(
  dial: (listener: { onOpen(): void; onClosed(error: Error): void }) => ProbeWire,
  signal: AbortSignal,
): Promise<ProbeConnection> {
  return new Promise((resolve, reject) => {
    const waiting = new Set<(error: Error) => void>();
    let alive = false;
    const end = (error: Error) => {
      alive = false;
      signal.removeEventListener('abort', onAbort);
      reject(error);
      for (const rejectOne of waiting) rejectOne(error);
      waiting.clear();
    };
    const onAbort = () => {
      wire.destroy();
      end(signal.reason);
    };
    const send = (args: readonly CommandArgument[]) =>
      new Promise<unknown>((onReply, onError) => {
        if (!alive) {
          onError(new Error('the probe connection is closed'));
          return;
        }
        waiting.add(onError);
        wire.ask(args, (answer) => {
          waiting.delete(onError);
          if (answer.ok) onReply(answer.reply);
          else onError(answer.error);
        });
      });
    const wire = dial({
      onOpen: () => {
        alive = true;
        signal.removeEventListener('abort', onAbort);
        resolve({
          get alive() {
            return alive;
          },
          send,
          subscribe: () => Promise.reject(new FakeErrorReply('ERR no pub/sub in a fake database')),
          unsubscribe: () => {},
          destroy: () => {
            wire.destroy();
            end(new Error('the probe connection was destroyed'));
          },
        });
      },
      onClosed: end,
    });
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
  });
}
