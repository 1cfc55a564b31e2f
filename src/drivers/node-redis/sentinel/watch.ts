import type { Timer } from '../../../clock.js';
import { backoffMs } from '../../../core/backoff.js';
import type { DriverTime } from '../../driver.js';
import { NodeRedisSubscriber } from '../client-subscriber.js';
import type { Address } from './address.js';
import type { Sentinels } from './sentinels.js';

/** node-redis's own default for `scanInterval`. */
const SCAN_MS = 10_000;
const BACKOFF = { firstMs: 100, longestMs: 2000 };
const ANNOUNCEMENT = '+switch-master';

/**
 * Listens to one Sentinel for the announcement of another master, and asks all of them every
 * `scanInterval`: a frozen master does not close its connections, and a demoted one need not.
 */
export class MasterWatch {
  #subscriber: NodeRedisSubscriber | undefined;
  /**
   * A connection to the same Sentinel, whose host name leads elsewhere now; opened beside the
   * subscriber.
   */
  #successor: NodeRedisSubscriber | undefined;
  #next = 0;
  #failures = 0;
  #pause: Timer | undefined;
  #scan: Timer | undefined;
  #heard = 0;

  constructor(
    private readonly sentinels: Sentinels,
    private readonly time: DriverTime,
  ) {
    this.#listen();
    this.#scanLater();
  }

  end(): void {
    this.#pause?.cancel();
    this.#scan?.cancel();
    const error = new Error('the master is no longer watched');
    this.#endSuccessor(error);
    this.#subscriber?.destroy(error);
    this.#subscriber = undefined;
  }

  #listen(): void {
    const { addresses } = this.sentinels;
    const address = addresses[this.#next % addresses.length];
    this.#next += 1;
    if (address === undefined) return;
    this.#subscriber = this.#open(address);
    this.#heard = 0;
  }

  #open(address: Address): NodeRedisSubscriber {
    const isCurrent = () => this.#subscriber === subscriber;
    const onLost = (error?: Error) => {
      if (isCurrent()) this.#another(error);
      else if (this.#successor === subscriber) this.#endSuccessor(error);
    };
    const names = this.sentinels.names.renewedBy(() => {
      if (!isCurrent()) return;
      this.#endSuccessor();
      this.#successor = this.#open(address);
    });
    const subscriber = new NodeRedisSubscriber(this.sentinels.optionsOf(address, names), {
      onReady: () => {
        subscriber.subscribe('channel', [ANNOUNCEMENT]).then(() => {
          if (this.#successor === subscriber) this.#succeed();
          if (!isCurrent()) return;
          this.#failures = 0;
          // An announcement before the subscription was missed.
          void this.sentinels.check();
        }, onLost);
      },
      onLost,
      onMessage: () => {
        if (isCurrent()) void this.sentinels.check();
      },
      onRevoked: () => {},
    });
    subscriber.unref();
    return subscriber;
  }

  /** The successor receives announcements: it takes the place of the subscriber. */
  #succeed(): void {
    this.#subscriber?.destroy(new Error('the name of the sentinel has moved'));
    this.#subscriber = this.#successor;
    this.#successor = undefined;
    this.#heard = 0;
  }

  #endSuccessor(error = new Error('the sentinel is silent')): void {
    this.#successor?.destroy(error);
    this.#successor = undefined;
  }

  /** Switches to another Sentinel, after a pause. */
  #another(error = new Error('the sentinel is silent')): void {
    this.#endSuccessor(error);
    this.#subscriber?.destroy(error);
    this.#subscriber = undefined;
    this.#pause?.cancel();
    const pauseMs = backoffMs(BACKOFF, this.#failures);
    this.#failures += 1;
    this.#pause = this.time.clock.after(pauseMs, () => this.#listen());
  }

  #scanLater(): void {
    const given = this.sentinels.options.scanInterval;
    const intervalMs = typeof given === 'number' && given > 0 ? given : SCAN_MS;
    this.#scan = this.time.clock.after(intervalMs, () => {
      this.#look();
      void this.sentinels.check();
      this.#scanLater();
    });
  }

  /** Leaves a Sentinel that has not replied to the ping of the last scan. */
  #look(): void {
    const subscriber = this.#subscriber;
    if (subscriber === undefined) return;
    if (!subscriber.ready || subscriber.bytesReceived === this.#heard) this.#another();
    else {
      this.#heard = subscriber.bytesReceived;
      subscriber.ping().catch(() => {});
    }
  }
}
