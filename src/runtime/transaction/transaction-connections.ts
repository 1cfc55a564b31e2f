import type { Timer } from '../../clock.js';
import type { CommandArgument } from '../../core/command-argument.js';
import {
  ClientClosedError,
  ConnectionLostError,
  DatabaseSwitchedError,
  type MultiDbErrorDetails,
  UnsupportedError,
} from '../../errors.js';
import type { ClientContext } from '../command/client-context.js';
import { Channel } from '../command/data-connection.js';
import type { Connections } from '../command/data-connections.js';
import { Link, type LinkListener } from '../connection/reconnecting-connection.js';
import type { Database } from '../database.js';
import type { RouteChange } from '../failover/router.js';
import { Lease, type Lessor, ONE_SLOT } from './lease.js';

/** A connection that nobody needs is closed after so long, in milliseconds. */
const IDLE_MS = 10_000;
const LONGEST_RECONNECT_MS = 500;
/** The place of a hash slot that no node is known to serve. */
const NOBODY = '?';

interface Seat {
  readonly link: Link;
  readonly database: Database;
  /** Of a cluster: the node that it leads to, or for which it is opened. */
  place: string;
  /** Of a cluster: where the keys of its lease lie, or of the latest one. */
  hashSlot: number | undefined;
  channel: Channel | undefined;
  lease: Lease | undefined;
  timer: Timer | undefined;
  /** Used by its present lease at most: the connections of its database were replaced. */
  outdated: boolean;
}

/** Where a transaction has its connection; of what is not a cluster there is one place. */
interface Place {
  readonly name: string;
  readonly hashSlot: number | undefined;
}

const ONLY_PLACE: Place = { name: '', hashSlot: undefined };

/**
 * One client's isolated connections to the active database: at most `maxTransactionConnections`,
 * of a cluster to each of its nodes, opened when they are needed, used again, closed when they rest
 * for ten seconds. Who needs one while all are in use waits, first come, first served.
 */
export class Isolation implements Lessor, LinkListener {
  /** Each ends the pause of a transaction between two attempts. */
  readonly pauses = new Set<() => void>();
  readonly #seats = new Map<Link, Seat>();
  readonly #waiting: Lease[] = [];

  constructor(
    private readonly client: ClientContext,
    private readonly connections: Connections,
  ) {}

  /** `deadline`: in loop time. `keys`: what it is about. */
  acquire(deadline: number, keys: readonly CommandArgument[]): Lease {
    const lease = new Lease(this.client, this, deadline, keys);
    const { route, search } = this.client.coordinator;
    // Between two attempts of a transaction its client may have ended, or every database failed.
    if (!this.client.isAlive) lease.abort((details) => new ClientClosedError(undefined, details));
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
    const seat = [...this.#seats.values()].find((each) => each.lease === lease);
    if (seat === undefined) return;
    seat.lease = undefined;
    const isActive = seat.database === this.client.coordinator.route.database;
    // One that is still opening serves whoever comes next.
    const isUsable = (isClean && !seat.outdated) || seat.channel === undefined;
    if (isUsable && isActive) this.#rest(seat);
    else this.#discard(seat, new ClientClosedError('the connection was abandoned'));
    this.#serve();
  }

  /** A switch ends every transaction but one that was committed, or whose EXEC is on its way. */
  onRouteChange({ to, failed }: RouteChange): void {
    if (this.#seats.size === 0 && this.#waiting.length === 0) return;
    const { search, runtime } = this.client.coordinator;
    const isCut = to.state === 'down' || (failed && runtime.options.fastFailover);
    const switched = (details: MultiDbErrorDetails) =>
      to.state === 'down'
        ? search.error({ cause: undefined, maybeExecuted: details.maybeExecuted === true })
        : new DatabaseSwitchedError('the active database changed during the transaction', details);

    for (const seat of [...this.#seats.values()]) {
      if (seat.database === to.database) continue;
      const { lease } = seat;
      if (lease === undefined || seat.channel === undefined || lease.parked) {
        if (lease?.parked) lease.ended ??= switched({ databaseId: seat.database.id });
        else if (lease !== undefined) this.#waiting.unshift(lease);
        this.#discard(seat, new Error('no longer active'));
      } else if ((lease.committed && !lease.watching) || (lease.isCommitting && !isCut)) {
        const { maybeExecuted } = lease;
        lease.ended ??= switched({ maybeExecuted, databaseId: seat.database.id });
      } else lease.abort(switched);
    }
    if (to.state === 'down') for (const lease of [...this.#waiting]) lease.abort(switched);
    this.#serve();
  }

  /** No further transaction uses the present connections to `database`. */
  renew(database: Database, cause: Error): void {
    for (const seat of [...this.#seats.values()]) {
      if (seat.database !== database || seat.channel === undefined) continue;
      const { lease } = seat;
      seat.outdated = true;
      if (lease !== undefined && !lease.parked) continue;
      if (lease !== undefined) {
        const message = `the connection to ${database.id} was replaced`;
        lease.ended ??= new ConnectionLostError(message, { cause, databaseId: database.id });
      }
      this.#discard(seat, cause);
    }
    this.#serve();
  }

  /** Aborts everything and closes every connection. */
  end(): void {
    const closed = (details: MultiDbErrorDetails) => ClientClosedError.disconnected(details);
    for (const lease of [...this.#waiting]) lease.abort(closed);
    for (const { lease } of [...this.#seats.values()]) lease?.abort(closed);
    for (const seat of [...this.#seats.values()]) this.#discard(seat, new ClientClosedError());
    // The next attempt is refused at once.
    for (const endPause of [...this.pauses]) endPause();
  }

  onLinkUp(link: Link): void {
    const seat = this.#seats.get(link);
    const { connection } = link;
    if (seat === undefined || connection === undefined) return;
    const { client, connections } = this;
    // Where the node was when it was asked for may not be where it is.
    if (connection.node !== undefined) seat.place = connection.node;
    seat.channel = new Channel(connection, seat.database, link, client.outcomes, client.loop.time);
    seat.channel.learnId();
    connections.channels.set(link, seat.channel);
    if (seat.lease === undefined) {
      this.#rest(seat);
      this.#serve();
    } else seat.lease.start(seat.channel);
  }

  onLinkDown(link: Link, cause: Error): void {
    const seat = this.#seats.get(link);
    if (seat === undefined) return;
    const { channel, lease, database } = seat;
    this.client.coordinator.health.suspect(database, {});
    // The link tries again as long as somebody waits for it.
    if (channel === undefined && lease !== undefined) return;
    this.connections.channels.delete(link);
    if (channel !== undefined) this.connections.settleLost(channel.attempts(), cause);
    lease?.abort((details) => {
      const message = `the connection to ${database.id} was lost during the transaction`;
      return new ConnectionLostError(message, { ...details, cause });
    });
    this.#discard(seat, cause);
    this.#serve();
  }

  onLinkLaneLost(): void {}

  longestReconnectDelayMs(): number {
    return LONGEST_RECONNECT_MS;
  }

  onLinkMaintenance(link: Link, forMs: number): void {
    const channel = this.#seats.get(link)?.channel;
    if (channel !== undefined) channel.relaxedUntil = this.client.loop.time + forMs;
  }

  #serve(): void {
    const { database } = this.client.coordinator.route;
    if (database === undefined || !this.client.isAlive) return;
    const full = new Set<string>();
    for (let index = 0; index < this.#waiting.length; ) {
      const lease = this.#waiting[index] as Lease;
      const place = this.#placeOf(lease, database);
      // Refused: it waits no longer.
      if (place === undefined) continue;
      const seat = full.has(place.name) ? undefined : this.#free(database, place);
      if (seat === undefined) {
        if (place === ONLY_PLACE) return;
        // Others may wait for other nodes.
        full.add(place.name);
        index += 1;
        continue;
      }
      this.#waiting.splice(index, 1);
      seat.timer?.cancel();
      seat.lease = lease;
      seat.hashSlot = place.hashSlot;
      if (seat.channel !== undefined) lease.start(seat.channel);
    }
  }

  /** `undefined`: there is none for it, and it was told so. */
  #placeOf(lease: Lease, { id, driver }: Database): Place | undefined {
    const { shards } = driver;
    if (shards === undefined && driver.openIsolated !== undefined) return ONLY_PLACE;
    const { slot } = lease;
    if (shards !== undefined && typeof slot === 'number') {
      return { name: shards.ownerOf(slot) ?? NOBODY, hashSlot: slot };
    }
    const why =
      shards === undefined
        ? `${id} has no connections for transactions`
        : slot === 'none'
          ? 'on a cluster a transaction needs a key, which determines its node'
          : ONE_SLOT;
    lease.abort(() => new UnsupportedError(`transaction: ${why}`));
    return undefined;
  }

  /** One that rests, or a new one; undefined: all are in use. */
  #free(database: Database, place: Place): Seat | undefined {
    let inUse = 0;
    for (const seat of this.#seats.values()) {
      const isThere = seat.database === database && seat.place === place.name;
      if (isThere && seat.lease === undefined) return seat;
      if (isThere || seat.database !== database) inUse += 1;
    }
    const { runtime } = this.client.coordinator;
    const { openIsolated } = database.driver;
    if (inUse >= runtime.options.maxTransactionConnections || openIsolated === undefined) return;
    const link = new Link(database.driver, this, runtime, (listener, time) =>
      openIsolated.call(database.driver, listener, time, seat.hashSlot),
    );
    // The client's own keep-alive holds the process.
    link.unref();
    const seat: Seat = {
      link,
      database,
      place: place.name,
      hashSlot: place.hashSlot,
      channel: undefined,
      lease: undefined,
      timer: undefined,
      outdated: false,
    };
    this.#seats.set(link, seat);
    link.open();
    return seat;
  }

  #rest(seat: Seat): void {
    seat.timer?.cancel();
    seat.timer = this.client.coordinator.runtime.clock.after(IDLE_MS, () => {
      if (seat.lease === undefined) this.#discard(seat, new Error('not in use'));
    });
  }

  #discard(seat: Seat, error: Error): void {
    seat.timer?.cancel();
    this.#seats.delete(seat.link);
    this.connections.channels.delete(seat.link);
    seat.link.close(error);
  }
}
