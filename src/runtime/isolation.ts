import type { Timer } from '../clock.js';
import {
  ClientClosedError,
  ConnectionLostError,
  DatabaseSwitchedError,
  type MultiDbErrorDetails,
  UnsupportedError,
} from '../errors.js';
import { Channel } from './channel.js';
import type { Database } from './database.js';
import type { Executor } from './executor.js';
import { Lease, type Lessor } from './lease.js';
import { Link, type LinkListener } from './link.js';
import type { RouteChange } from './router.js';

/** A connection that nobody needs is closed after so long, in milliseconds. */
const IDLE_MS = 10_000;
const LONGEST_RECONNECT_MS = 500;

interface Slot {
  readonly link: Link;
  readonly database: Database;
  channel: Channel | undefined;
  lease: Lease | undefined;
  timer: Timer | undefined;
}

/**
 * One client's isolated connections to the active database: at most `maxTransactionConnections`,
 * opened when they are needed, used again, closed when they rest for ten seconds. Who needs one
 * while all are in use waits, first come, first served.
 */
export class Isolation implements Lessor, LinkListener {
  readonly #slots = new Map<Link, Slot>();
  readonly #waiting: Lease[] = [];

  constructor(private readonly executor: Executor) {}

  /** `deadline`: in loop time. */
  acquire(deadline: number): Lease {
    const lease = new Lease(this.executor, this, deadline);
    const { route, search } = this.executor.coordinator;
    // Between two attempts of a transaction its client may have ended, or every database failed.
    if (!this.executor.isAlive) lease.abort((details) => new ClientClosedError(undefined, details));
    else if (route.state === 'down') {
      lease.abort(() => search.error({ cause: undefined, maybeExecuted: false }));
    } else {
      this.#waiting.push(lease);
      this.#serve();
    }
    return lease;
  }

  take(lease: Lease, isClean: boolean): void {
    const place = this.#waiting.indexOf(lease);
    if (place >= 0) this.#waiting.splice(place, 1);
    const slot = [...this.#slots.values()].find((each) => each.lease === lease);
    if (slot === undefined) return;
    slot.lease = undefined;
    const isActive = slot.database === this.executor.coordinator.route.database;
    // One that is still opening serves whoever comes next.
    if ((isClean || slot.channel === undefined) && isActive) this.#rest(slot);
    else this.#discard(slot, new ClientClosedError('the connection was given up'));
    this.#serve();
  }

  /** A switch ends every transaction but one that was committed, or whose EXEC is on its way. */
  onRouteChange({ to, failed }: RouteChange): void {
    if (this.#slots.size === 0 && this.#waiting.length === 0) return;
    const { search, runtime } = this.executor.coordinator;
    const isCut = to.state === 'down' || (failed && runtime.options.fastFailover);
    const switched = (details: MultiDbErrorDetails) =>
      to.state === 'down'
        ? search.error({ cause: undefined, maybeExecuted: details.maybeExecuted === true })
        : new DatabaseSwitchedError('the active database changed during the transaction', details);

    for (const slot of [...this.#slots.values()]) {
      if (slot.database === to.database) continue;
      const { lease } = slot;
      if (lease === undefined || slot.channel === undefined || lease.parked) {
        if (lease?.parked) lease.ended ??= switched({ databaseId: slot.database.id });
        else if (lease !== undefined) this.#waiting.unshift(lease);
        this.#discard(slot, new Error('no longer active'));
      } else if ((lease.committed && !lease.watching) || (lease.isCommitting && !isCut)) {
        const { maybeExecuted } = lease;
        lease.ended ??= switched({ maybeExecuted, databaseId: slot.database.id });
      } else lease.abort(switched);
    }
    if (to.state === 'down') for (const lease of [...this.#waiting]) lease.abort(switched);
    this.#serve();
  }

  /** Aborts everything and closes every connection. */
  end(): void {
    const closed = (details: MultiDbErrorDetails) => new ClientClosedError(undefined, details);
    for (const lease of [...this.#waiting]) lease.abort(closed);
    for (const { lease } of [...this.#slots.values()]) lease?.abort(closed);
    for (const slot of [...this.#slots.values()]) this.#discard(slot, new ClientClosedError());
  }

  onLinkUp(link: Link): void {
    const slot = this.#slots.get(link);
    const { connection } = link;
    if (slot === undefined || connection === undefined) return;
    const { executor } = this;
    slot.channel = new Channel(connection, slot.database, link, executor, executor.loop.time);
    executor.connections.channels.set(link, slot.channel);
    if (slot.lease === undefined) {
      this.#rest(slot);
      this.#serve();
    } else slot.lease.start(slot.channel);
  }

  onLinkDown(link: Link, cause: Error): void {
    const slot = this.#slots.get(link);
    if (slot === undefined) return;
    const { channel, lease, database } = slot;
    this.executor.coordinator.health.suspect(database, {});
    // The link tries again as long as somebody waits for it.
    if (channel === undefined && lease !== undefined) return;
    this.executor.connections.channels.delete(link);
    if (channel !== undefined) this.executor.connections.settleLost(channel.attempts(), cause);
    lease?.abort((details) => {
      const message = `the connection to ${database.id} was lost during the transaction`;
      return new ConnectionLostError(message, { ...details, cause });
    });
    this.#discard(slot, cause);
    this.#serve();
  }

  onLinkLaneLost(): void {}

  longestReconnectDelayMs(): number {
    return LONGEST_RECONNECT_MS;
  }

  onLinkMaintenance(link: Link, forMs: number): void {
    const channel = this.#slots.get(link)?.channel;
    if (channel !== undefined) channel.relaxedUntil = this.executor.loop.time + forMs;
  }

  #serve(): void {
    const { database } = this.executor.coordinator.route;
    if (database === undefined || !this.executor.isAlive) return;
    while (this.#waiting.length > 0) {
      const slot = this.#free(database);
      if (slot === undefined) return;
      const lease = this.#waiting.shift() as Lease;
      slot.timer?.cancel();
      slot.lease = lease;
      if (slot.channel !== undefined) lease.start(slot.channel);
    }
  }

  /** One that rests, or a new one; undefined: all are in use. */
  #free(database: Database): Slot | undefined {
    for (const slot of this.#slots.values()) {
      if (slot.lease === undefined && slot.database === database) return slot;
    }
    const { coordinator } = this.executor;
    const { maxTransactionConnections } = coordinator.runtime.options;
    const { driver } = database;
    if (driver.openIsolated === undefined) {
      const why = `transaction: ${database.id} is a cluster; WATCH holds for one of its nodes only`;
      for (const lease of [...this.#waiting]) lease.abort(() => new UnsupportedError(why));
      return undefined;
    }
    if (this.#slots.size >= maxTransactionConnections) return undefined;
    const link = new Link(driver, this, coordinator.runtime, 'openIsolated');
    // The client's own keep-alive holds the process.
    link.unref();
    const slot: Slot = {
      link,
      database,
      channel: undefined,
      lease: undefined,
      timer: undefined,
    };
    this.#slots.set(link, slot);
    link.open();
    return slot;
  }

  #rest(slot: Slot): void {
    slot.timer?.cancel();
    slot.timer = this.executor.coordinator.runtime.clock.after(IDLE_MS, () => {
      if (slot.lease === undefined) this.#discard(slot, new Error('not in use'));
    });
  }

  #discard(slot: Slot, error: Error): void {
    slot.timer?.cancel();
    this.#slots.delete(slot.link);
    this.executor.connections.channels.delete(slot.link);
    slot.link.close(error);
  }
}
