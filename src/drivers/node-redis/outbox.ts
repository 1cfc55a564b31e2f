import type { CommandArgument } from '../../core/command-argument.js';
import type { InnerClient } from './inner-client.js';
import type { QueueEntry } from './queue-entry.js';

/** What is used of node-redis's queue of commands. */
interface Queue {
  isWaitingToWrite(): boolean;
  /** Encodes what waits, command by command. */
  commandsToWrite(): Iterable<readonly CommandArgument[]>;
  prependCommandsToWrite(entries: readonly QueueEntry[]): void;
}

const METHODS = ['isWaitingToWrite', 'commandsToWrite', 'prependCommandsToWrite'] as const;

/** Characters and bytes that are written together: a write costs more than a small command. */
const CHUNK_LENGTH = 16_384;

const NOTHING: readonly CommandArgument[][] = [];

/**
 * Commands on their way into node-redis's queue. They wait here until node-redis is about to
 * write, and then are handed to it as records in its own form.
 *
 * The usual way, `sendCommand`, makes a promise, a copy of the options, an abort listener and
 * some closures for each command, and writes each by itself: that is most of what a command costs
 * (docs/performance.md). And it writes one more in every turn of the event loop although the
 * socket is full; here all wait until it has drained, and so can be taken back.
 */
export class Outbox {
  readonly #client: InnerClient;
  readonly #queue: Queue;
  readonly #commandsToWrite: Queue['commandsToWrite'];
  readonly #isQueueWaiting: () => boolean;
  readonly #hasEnded: () => boolean;
  #waiting: QueueEntry[] = [];
  /** node-redis has been asked to write in this turn. */
  #isAnnounced = false;
  /** The socket is full; node-redis asks for more when it has drained. */
  #isFull = false;

  /** `undefined` when this version of node-redis has no such queue. */
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
    // Asked by `_unpause`, and by node-redis itself when the socket has drained.
    queue.isWaitingToWrite = () => {
      this.#isFull = false;
      return this.#waiting.length > 0 || this.#isQueueWaiting();
    };
    queue.commandsToWrite = () => {
      this.#isAnnounced = false;
      // After the server's FIN version 5 would go on encoding what it can't write any more.
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

  /** Before what waits here. */
  addFirst(entry: QueueEntry): void {
    this.#waiting.unshift(entry);
    this.#announce();
  }

  /** What was not handed to node-redis, nor taken back. */
  takeAll(): QueueEntry[] {
    const waiting = this.#waiting;
    this.#waiting = [];
    return waiting.some((entry) => entry.withdrawn)
      ? waiting.filter((entry) => !entry.withdrawn)
      : waiting;
  }

  /** Has node-redis write at the end of this turn of the event loop. */
  #announce(): void {
    if (this.#isAnnounced || this.#isFull) return;
    this.#isAnnounced = true;
    this.#client._unpause();
  }

  /** Whole commands, several together; who reads it stops when the socket is full. */
  *#chunks(): Generator<CommandArgument[]> {
    // A chunk: `parts`, and after them `text`.
    let parts: CommandArgument[] = [];
    let text = '';
    let bytes = 0;
    let isDone = false;
    try {
      while (this.#handOver()) {
        for (const encoded of this.#commandsToWrite.call(this.#queue)) {
          for (const part of encoded) {
            // A long text stays by itself: joined, it could be longer than a string can be.
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

  /** Behind what node-redis still has. False: there is nothing to write. */
  #handOver(): boolean {
    if (this.#isQueueWaiting()) return true;
    if (this.#waiting.length === 0) return false;
    this.#queue.prependCommandsToWrite(this.takeAll());
    return true;
  }
}
