import type { Clock, Timer } from '../../clock.js';
import type { Subscriber } from '../../drivers/subscriber.js';
import type { LoopClock } from '../../loop-clock.js';

export interface PulseSettings {
  /** Nothing arrived for so long: a ping is sent. */
  readonly intervalMs: number;
  /** Nothing arrived for so long after the ping: suspicious. */
  readonly suspectAfterMs: number;
  /**
   * Nothing arrived for so long after the ping: dead, whatever the probes say. So is, after a few
   * times as long, a connection whose bytes become neither a message nor the answer.
   */
  readonly giveUpAfterMs: number;
}

export interface PulseListener {
  /** Probes should find out whether the server or only the connection is silent. */
  onSilent(): void;
  /** A probe that was started by `onSilent` has succeeded: the server is healthy. */
  provenWell(): boolean;
  onDead(error: Error): void;
  /** How many messages the connection has delivered; only compared. */
  delivered(): number;
}

/** What had been heard when a ping was sent. */
interface Heard {
  bytes: number;
  readonly heard: number;
  /** Loop time. */
  readonly time: number;
}

const LOOKS = 4;
/** In `giveUpAfterMs`: a large message takes its time. */
const MEANING = 4;

/**
 * Notices a subscriber connection that is dead without a word: nobody sends on it, so nothing but
 * a ping can tell. A server that is only slow keeps its connection, with the messages that are on
 * their way: it is given up when a probe has succeeded and the ping is still unanswered a while
 * after, or at the latest after `giveUpAfterMs`.
 *
 * Measured in loop time, but for the pauses between pings.
 */
export class Heartbeat {
  #timer: Timer | undefined;
  /** Pings that were answered. */
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

  /** Grows with everything that was understood: bytes may be swallowed by a reply without end. */
  get #heard(): number {
    return this.listener.delivered() + this.#answers;
  }

  /** Looks several times in an interval, so that the ping is late by a part of it at most. */
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
    // Something was said, if only that the server refuses.
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

  /** Goes on with `next` when nothing has arrived for so long. */
  #await(delayMs: number, before: Heard, next: () => void): void {
    this.#timer = this.time.loop.after(delayMs, () => {
      const { bytesReceived: bytes } = this.subscriber;
      if (this.#heard !== before.heard) this.#rest(this.#heard);
      else if (bytes === before.bytes) next();
      // Of a message that is large, or of a reply that never ends.
      else if (this.time.loop.time - before.time < MEANING * this.settings.giveUpAfterMs) {
        this.#await(delayMs, Object.assign(before, { bytes }), next);
      } else this.#end('does not answer');
    });
  }

  #end(what: string): void {
    this.listener.onDead(new Error(`the subscriber connection ${what}`));
  }
}
