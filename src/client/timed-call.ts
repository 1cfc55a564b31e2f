import { systemClock } from '../clock.js';
import { type CommandMessage, publishCommand } from '../diagnostics/command-channel.js';
import type { CommandTrace, ObservedAttempt } from '../runtime/command/command-trace.js';
import { indexOf, type TraceSource } from './traced-call.js';

/**
 * One command or batch from its call until it settles, which it publishes. It costs a command less
 * than a trace, because it has one message instead of several, and keeps the latest attempt only.
 */
export class TimedCall implements CommandTrace, CommandMessage {
  durationMs = 0;
  failure: CommandMessage['failure'] = undefined;
  readonly #startedAt = systemClock.now();
  #latest: ObservedAttempt | undefined = undefined;

  constructor(
    private readonly source: TraceSource,
    readonly command: string,
    /** Another observer of the same command. */
    private readonly next: CommandTrace | undefined,
  ) {}

  get client(): string {
    return this.source.client;
  }

  get group(): number {
    return this.source.group;
  }

  get id(): string | undefined {
    return this.#latest?.channel.database.id;
  }

  get serverAddress(): string | undefined {
    return this.#latest?.endpoint.host;
  }

  get serverPort(): number | undefined {
    return this.#latest?.endpoint.port;
  }

  get database(): number | undefined {
    return this.#latest && indexOf(this.#latest.channel.database);
  }

  began(attempt: ObservedAttempt): void {
    this.#latest = attempt;
    this.next?.began(attempt);
  }

  ended(attempt: ObservedAttempt, failure?: CommandMessage['failure']): void {
    this.#latest = attempt;
    this.next?.ended(attempt, failure);
  }

  /** Settles as `sent` does, and publishes that. */
  until<T>(sent: Promise<T>): Promise<T> {
    return sent.then(
      (reply) => {
        this.#settle(undefined);
        return reply;
      },
      (error: unknown) => {
        this.#settle({ error });
        throw error;
      },
    );
  }

  /** Like `until`, for a single `await` in an `async` function. */
  untilAwaited(answered: PromiseLike<unknown>): PromiseLike<unknown> {
    return {
      // biome-ignore lint/suspicious/noThenProperty: to be awaited is what it is for.
      then: (resolve: (value: unknown) => void, reject: (error: unknown) => void) => {
        answered.then(
          (reply) => {
            this.#settle(undefined);
            resolve(reply);
          },
          (error: unknown) => {
            this.#settle({ error });
            reject(error);
          },
        );
      },
    } as PromiseLike<unknown>;
  }

  #settle(failure: CommandMessage['failure']): void {
    this.durationMs = systemClock.now() - this.#startedAt;
    this.failure = failure;
    publishCommand(this);
  }
}
