import type { Clock, Timer } from '../../clock.js';
import type { Subscriber } from '../../drivers/subscriber.js';
import type { LoopClock } from '../../loop-clock.js';

export interface PulseSettings {
  /** Milliseconds without data after which a ping is sent. */
  readonly intervalMs: number;
  /** Milliseconds without data after the ping after which the connection is suspicious. */
  readonly suspectAfterMs: number;
  /**
   * Milliseconds without data after the ping after which the connection is dead, whatever the
   * probes say. A connection whose bytes form neither a message nor the answer is dead after a few
   * times as long.
   */
  readonly giveUpAfterMs: number;
}

export interface PulseListener {
  /** The connection is silent: probes should find out whether the server is, too. */
  onSilent(): void;
  /** Whether a probe that `onSilent` started has succeeded, so that the server is healthy. */
  provenWell(): boolean;
  onDead(error: Error): void;
  /** Number of messages that the connection has delivered; only compared. */
  delivered(): number;
}

/** What had been received when a ping was sent. */
interface Heard {
  bytes: number;
  readonly heard: number;
  /** Loop time. */
  readonly time: number;
}

const LOOKS = 4;
/** A multiple of `giveUpAfterMs`: a large message takes time. */
const MEANING = 4;

/**
 * Detects a subscriber connection that is dead without an error: no commands are sent on it, so
 * only a ping can show it. The connection to a server that is merely slow is kept, with the
 * messages that are on their way. It is given up when a probe has succeeded and the ping is still
 * unanswered a while after, or at the latest after `giveUpAfterMs`.
 *
 * Measured in loop time, except for the pauses between pings.
 */
export class Heartbeat {
  #timer: Timer | undefined;
  /** Number of answered pings. */
  #answers = 0;

  constructor(
    private readonly subscriber: Subscriber,
    private readonly settings: PulseSettings,
    private readonly time: { clock: Clock; loop: LoopClock },
    private readonly listener: PulseListener,
  ) {
    this.#rest(this.#heard);
  }

  close(): void {
    this.#timer?.cancel();
  }

  /** Number of messages and answered pings: bytes alone may belong to a reply that never ends. */
  get #heard(): number {
    return this.listener.delivered() + this.#answers;
  }

  /** Checks several times per interval, so that the ping is late by a fraction of it at most. */
  #rest(heard: number, looks = 0): void {
    this.#timer = this.time.clock.after(this.settings.intervalMs / LOOKS, () => {
      if (this.#heard !== heard) this.#rest(this.#heard);
      else if (looks + 1 < LOOKS) this.#rest(heard, looks + 1);
      else this.#ping();
    });
  }

  #ping(): void {
    const { suspectAfterMs, giveUpAfterMs } = this.settings;
    const answered = () => {
      this.#answers += 1;
    };
    // Any reply counts, including a refusal.
    this.subscriber.ping().then(answered, answered);
    const { time } = this.time.loop;
    const before = { bytes: this.subscriber.bytesReceived, heard: this.#heard, time };
    this.#await(suspectAfterMs, before, () => {
      this.listener.onSilent();
      this.#await(suspectAfterMs, before, () => {
        if (this.listener.provenWell()) this.#end('is silent');
        else {
          const restMs = Math.max(giveUpAfterMs - 2 * suspectAfterMs, 0);
          this.#await(restMs, before, () => this.#end('is silent'));
        }
      });
    });
  }

  /** Calls `next` when nothing has arrived for `delayMs`. */
  #await(delayMs: number, before: Heard, next: () => void): void {
    this.#timer = this.time.loop.after(delayMs, () => {
      const { bytesReceived: bytes } = this.subscriber;
      if (this.#heard !== before.heard) this.#rest(this.#heard);
      else if (bytes === before.bytes) next();
      // The bytes belong to a large message, or to a reply that never ends.
      else if (this.time.loop.time - before.time < MEANING * this.settings.giveUpAfterMs) {
        this.#await(delayMs, Object.assign(before, { bytes }), next);
      } else this.#end('does not answer');
    });
  }

  #end(what: string): void {
    this.listener.onDead(new Error(`the subscriber connection ${what}`));
  }
}
