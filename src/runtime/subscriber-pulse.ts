import type { Clock, Timer } from '../clock.js';
import type { Subscriber } from '../drivers/subscriber.js';
import type { LoopClock } from './loop-clock.js';

export interface PulseSettings {
  /** Nothing arrived for so long: a ping is sent. */
  readonly intervalMs: number;
  /** Nothing arrived for so long after the ping: suspicious. */
  readonly suspectAfterMs: number;
  /** Nothing arrived for so long after the ping: dead, whatever the probes say. */
  readonly giveUpAfterMs: number;
}

export interface PulseListener {
  /** Probes should find out whether the server or only the connection is silent. */
  onSilent(): void;
  /** A probe that was started by `onSilent` has succeeded: the server is well. */
  provenWell(): boolean;
  onDead(error: Error): void;
}

const LOOKS = 4;

/**
 * Notices a subscriber connection that is dead without a word: nobody sends on it, so nothing but
 * a ping can tell. A server that is only slow keeps its connection, with the messages that are on
 * their way: it is given up when a probe has succeeded and the ping is still unanswered a while
 * after, or at the latest after `giveUpAfterMs`.
 *
 * Measured in loop time, but for the pauses between pings.
 */
export class SubscriberPulse {
  #timer: Timer | undefined;

  constructor(
    private readonly subscriber: Subscriber,
    private readonly settings: PulseSettings,
    private readonly time: { clock: Clock; loop: LoopClock },
    private readonly listener: PulseListener,
  ) {
    this.#rest(subscriber.bytesReceived);
  }

  close(): void {
    this.#timer?.cancel();
  }

  /** Looks several times in an interval, so that the ping is late by a part of it at most. */
  #rest(seen: number, looks = 0): void {
    this.#timer = this.time.clock.after(this.settings.intervalMs / LOOKS, () => {
      const { bytesReceived } = this.subscriber;
      if (bytesReceived !== seen) this.#rest(bytesReceived);
      else if (looks + 1 < LOOKS) this.#rest(seen, looks + 1);
      else this.#ping(bytesReceived);
    });
  }

  #ping(seen: number): void {
    const { suspectAfterMs, giveUpAfterMs } = this.settings;
    this.subscriber.ping().catch(() => {});
    this.#await(suspectAfterMs, seen, () => {
      this.listener.onSilent();
      this.#await(suspectAfterMs, seen, () => {
        if (this.listener.provenWell()) this.#end();
        else this.#await(Math.max(giveUpAfterMs - 2 * suspectAfterMs, 0), seen, () => this.#end());
      });
    });
  }

  /** Goes on with `next` if nothing has arrived by then. */
  #await(delayMs: number, seen: number, next: () => void): void {
    this.#timer = this.time.loop.after(delayMs, () => {
      const { bytesReceived } = this.subscriber;
      if (bytesReceived === seen) next();
      else this.#rest(bytesReceived);
    });
  }

  #end(): void {
    this.listener.onDead(new Error('the subscriber connection is silent'));
  }
}
