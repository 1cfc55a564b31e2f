import type { CommandArgument } from '../../core/command-argument.js';
import type { InnerClient } from './inner-client.js';
import type { QueueEntry } from './queue-entry.js';

/** The parts of node-redis's command queue that are used. */
interface Queue {
  isWaitingToWrite(): boolean;
  /** Encodes the waiting commands one by one. */
  commandsToWrite(): Iterable<readonly CommandArgument[]>;
  prependCommandsToWrite(entries: readonly QueueEntry[]): void;
}

const METHODS = ['isWaitingToWrite', 'commandsToWrite', 'prependCommandsToWrite'] as const;

/**
 * Size of a chunk that is written at once, in characters and bytes: a write costs more than a small
 * command.
 */
const CHUNK_LENGTH = 16_384;

const NOTHING: readonly CommandArgument[][] = [];

/**
 * Commands on their way into node-redis's queue. They wait here until node-redis is about to write,
 * and are then handed to it as records in its own form.
 *
 * The usual way, `sendCommand`, creates a promise, a copy of the options, an abort listener and
 * some closures for each command, and writes each command by itself. That is most of the cost of a
 * command (docs/performance.md). It also writes one more command in every turn of the event loop
 * although the socket is full. Here all commands wait until the socket has drained, and can be
 * taken back until then.
 */
export class Outbox {
  readonly #client: InnerClient;
  readonly #queue: Queue;
  readonly #commandsToWrite: Queue['commandsToWrite'];
  readonly #isQueueWaiting: () => boolean;
  readonly #hasEnded: () => boolean;
  #waiting: QueueEntry[] = [];
  /** node-redis was asked to write in this turn of the event loop. */
  #isAnnounced = false;
  /** The socket is full; node-redis asks for more when it has drained. */
  #isFull = false;

  /** Returns `undefined` if this version of node-redis has no such queue. */
  static of(client: InnerClient, hasEnded: () => boolean): Outbox | undefined {
    const queue = client._getQueue() as unknown as Queue;
    const fits = METHODS.every((name) => typeof queue[name] === 'function');
    if (!fits || typeof client._unpause !== 'function') return undefined;
    return new Outbox(client, queue, hasEnded);
  }

  private constructor(client: InnerClient, queue: Queue, hasEnded: () => boolean) {
    this.#client = client;
    this.#queue = queue;
    this.#hasEnded = hasEnded;
    this.#commandsToWrite = queue.commandsToWrite;
    this.#isQueueWaiting = queue.isWaitingToWrite.bind(queue);
    // Called by `_unpause`, and by node-redis itself when the socket has drained.
    queue.isWaitingToWrite = () => {
      this.#isFull = false;
      return this.#waiting.length > 0 || this.#isQueueWaiting();
    };
    queue.commandsToWrite = () => {
      this.#isAnnounced = false;
      // After the server's FIN, version 5 would keep encoding commands that it can no longer write.
      return this.#isFull || this.#hasEnded() ? NOTHING : this.#chunks();
    };
  }

  get isEmpty(): boolean {
    return this.#waiting.length === 0;
  }

  add(entry: QueueEntry): void {
    this.#waiting.push(entry);
    this.#announce();
  }

  addAll(entries: readonly QueueEntry[]): void {
    for (const entry of entries) this.#waiting.push(entry);
    this.#announce();
  }

  /** Puts a command ahead of those that wait here. */
  addFirst(entry: QueueEntry): void {
    this.#waiting.unshift(entry);
    this.#announce();
  }

  /** Removes and returns the commands that were neither handed to node-redis nor taken back. */
  takeAll(): QueueEntry[] {
    const waiting = this.#waiting;
    this.#waiting = [];
    return waiting.some((entry) => entry.withdrawn)
      ? waiting.filter((entry) => !entry.withdrawn)
      : waiting;
  }

  /** Makes node-redis write at the end of this turn of the event loop. */
  #announce(): void {
    if (this.#isAnnounced || this.#isFull) return;
    this.#isAnnounced = true;
    try {
      this.#client._unpause();
    } catch (error) {
      // The stack of the caller is full: the next command has to ask again.
      this.#isAnnounced = false;
      throw error;
    }
  }

  /** Yields chunks of whole commands. node-redis stops reading them when the socket is full. */
  *#chunks(): Generator<CommandArgument[]> {
    // A chunk consists of `parts` followed by `text`.
    let parts: CommandArgument[] = [];
    let text = '';
    let bytes = 0;
    let isDone = false;
    try {
      while (this.#handOver()) {
        for (const encoded of this.#commandsToWrite.call(this.#queue)) {
          // Faster than an iterator: this happens for each command.
          for (let index = 0; index < encoded.length; index += 1) {
            const part = encoded[index] as CommandArgument;
            // A long text is not joined: the result could exceed the maximum length of a string.
            if (typeof part === 'string' && part.length < CHUNK_LENGTH) text += part;
            else {
              parts.push(text, part);
              text = '';
              bytes += part.length;
            }
          }
          if (text.length + bytes < CHUNK_LENGTH) continue;
          parts.push(text);
          yield parts;
          parts = [];
          text = '';
          bytes = 0;
        }
      }
      if (text !== '') {
        parts.push(text);
        yield parts;
      }
      isDone = true;
    } finally {
      this.#isFull = !isDone;
    }
  }

  /**
   * Hands commands over once node-redis's queue is empty. Returns false if there is nothing to
   * write.
   */
  #handOver(): boolean {
    if (this.#isQueueWaiting()) return true;
    if (this.#waiting.length === 0) return false;
    this.#queue.prependCommandsToWrite(this.takeAll());
    return true;
  }
}
