import type { Timer } from '../../clock.js';
import type { CommandArgument } from '../../core/command-argument.js';
import type { ConnectionSettings } from '../../drivers/connection-settings.js';
import {
  ClientClosedError,
  ConnectionLostError,
  DatabaseSwitchedError,
  type MultiDbErrorDetails,
  UnsupportedError,
} from '../../errors.js';
import type { ClientContext } from '../command/client-context.js';
import { DataConnection } from '../command/data-connection.js';
import type { DataConnections } from '../command/data-connections.js';
import { notWritable } from '../command/read-only.js';
import {
  ReconnectingConnection,
  type ReconnectingConnectionListener,
} from '../connection/reconnecting-connection.js';
import type { Database } from '../database.js';
import type { RouteChange } from '../route.js';
import { type ConnectionOwner, Lease, ONE_SLOT } from './lease.js';

/** How long an idle connection is kept, in milliseconds. */
const IDLE_MS = 10_000;
const LONGEST_RECONNECT_MS = 500;
/** The place of a hash slot that no node is known to serve. */
const NOBODY = '?';

interface PooledConnection {
  readonly link: ReconnectingConnection;
  readonly database: Database;
  /** On a cluster: the node that the connection leads to, or is opened for. */
  place: string;
  /** On a cluster: the slot of the keys of its present or latest lease. */
  hashSlot: number | undefined;
  channel: DataConnection | undefined;
  lease: Lease | undefined;
  timer: Timer | undefined;
  /**
   * The connection must not be used after its present lease: the connections of its database were
   * replaced.
   */
  outdated: boolean;
}

/** The node that a transaction connects to; without a cluster there is only one place. */
interface Place {
  readonly name: string;
  readonly hashSlot: number | undefined;
}

const ONLY_PLACE: Place = { name: '', hashSlot: undefined };

/**
 * One client's isolated connections to the active database: at most `maxTransactionConnections`, on
 * a cluster to each of its nodes. They are opened when they are needed, reused, and closed after
 * ten idle seconds. While all are in use, transactions wait, first come, first served.
 */
export class TransactionConnections implements ConnectionOwner, ReconnectingConnectionListener {
  /** Each ends the pause of a transaction between two attempts. */
  readonly pauses = new Set<() => void>();
  readonly #pool = new Map<ReconnectingConnection, PooledConnection>();
  readonly #waiting: Lease[] = [];

  constructor(
    private readonly client: ClientContext,
    private readonly connections: DataConnections,
  ) {}

  get settings(): ConnectionSettings {
    return this.client.settings;
  }

  /** Acquires a lease. `deadline`: in loop time. `keys`: the keys of the transaction. */
  acquire(deadline: number, keys: readonly CommandArgument[]): Lease {
    const lease = new Lease(this.client, this, deadline, keys);
    const { route, search } = this.client.coordinator;
    // Between two attempts of a transaction the client may have ended, or every database failed.
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
    const pooled = [...this.#pool.values()].find((each) => each.lease === lease);
    if (pooled === undefined) return;
    pooled.lease = undefined;
    const isActive = pooled.database === this.client.coordinator.route.database;
    // A connection that is still opening can serve the next lease.
    const isUsable = (isClean && !pooled.outdated) || pooled.channel === undefined;
    if (isUsable && isActive) this.#rest(pooled);
    else this.#discard(pooled, new ClientClosedError('the connection was abandoned'));
    this.#serve();
  }

  /**
   * A switch ends every transaction except those that were committed or whose EXEC is on its way.
   */
  onRouteChange({ to, failed }: RouteChange): void {
    if (this.#pool.size === 0 && this.#waiting.length === 0) return;
    const { search, runtime } = this.client.coordinator;
    const isCut = to.state === 'down' || (failed && runtime.options.fastFailover);
    const switched = (details: MultiDbErrorDetails) =>
      to.state === 'down'
        ? search.error({ cause: undefined, maybeExecuted: details.maybeExecuted === true })
        : new DatabaseSwitchedError('the active database changed during the transaction', details);

    for (const pooled of [...this.#pool.values()]) {
      if (pooled.database === to.database) continue;
      const { lease } = pooled;
      if (lease === undefined || pooled.channel === undefined || lease.parked) {
        if (lease?.parked) lease.ended ??= switched({ databaseId: pooled.database.id });
        else if (lease !== undefined) this.#waiting.unshift(lease);
        this.#discard(pooled, new Error('no longer active'));
      } else if ((lease.committed && !lease.watching) || (lease.isCommitting && !isCut)) {
        const { maybeExecuted } = lease;
        lease.ended ??= switched({ maybeExecuted, databaseId: pooled.database.id });
      } else lease.abort(switched);
    }
    if (to.state === 'down') for (const lease of [...this.#waiting]) lease.abort(switched);
    this.#serve();
  }

  /** Later transactions do not use the present connections to `database`. */
  renew(database: Database, cause: Error): void {
    for (const pooled of [...this.#pool.values()]) {
      if (pooled.database !== database || pooled.channel === undefined) continue;
      const { lease } = pooled;
      pooled.outdated = true;
      if (lease !== undefined && !lease.parked) continue;
      if (lease !== undefined) {
        const message = `the connection to ${database.id} was replaced`;
        lease.ended ??= new ConnectionLostError(message, { cause, databaseId: database.id });
      }
      this.#discard(pooled, cause);
    }
    this.#serve();
  }

  /** Aborts everything and closes every connection. */
  end(): void {
    const closed = (details: MultiDbErrorDetails) => ClientClosedError.disconnected(details);
    for (const lease of [...this.#waiting]) lease.abort(closed);
    for (const { lease } of [...this.#pool.values()]) lease?.abort(closed);
    for (const pooled of [...this.#pool.values()]) this.#discard(pooled, new ClientClosedError());
    // The next attempt is refused at once.
    for (const endPause of [...this.pauses]) endPause();
  }

  onLinkUp(link: ReconnectingConnection): void {
    const pooled = this.#pool.get(link);
    const { connection } = link;
    if (pooled === undefined || connection === undefined) return;
    const { client, connections } = this;
    // The slot may have moved to another node since the connection was requested.
    if (connection.node !== undefined) pooled.place = connection.node;
    pooled.channel = new DataConnection(
      connection,
      pooled.database,
      link,
      client.outcomes,
      client.loop.time,
    );
    pooled.channel.learnId();
    connections.channels.set(link, pooled.channel);
    if (pooled.lease === undefined) {
      this.#rest(pooled);
      this.#serve();
    } else pooled.lease.start(pooled.channel);
  }

  onLinkDown(link: ReconnectingConnection, cause: Error): void {
    const pooled = this.#pool.get(link);
    if (pooled === undefined) return;
    const { channel, lease, database } = pooled;
    this.client.coordinator.health.suspect(database, {});
    // The link tries again as long as a lease waits for it.
    if (channel === undefined && lease !== undefined) return;
    this.connections.channels.delete(link);
    if (channel !== undefined) this.connections.settleLost(channel.attempts(), cause);
    lease?.abort((details) => {
      const message = `the connection to ${database.id} was lost during the transaction`;
      return new ConnectionLostError(message, { ...details, cause });
    });
    this.#discard(pooled, cause);
    this.#serve();
  }

  onLinkLaneLost(): void {}

  longestReconnectDelayMs(): number {
    return LONGEST_RECONNECT_MS;
  }

  onLinkMaintenance(link: ReconnectingConnection, forMs: number): void {
    const channel = this.#pool.get(link)?.channel;
    if (channel !== undefined) channel.relaxedUntil = this.client.loop.time + forMs;
  }

  /** The active database takes writes now: transactions that waited for that begin. */
  onWritable(): void {
    this.#serve();
  }

  /** A transaction counts as a write: while the active database serves reads only, it waits or fails. */
  #refuseWrites(): void {
    const { readOnlyWrites } = this.client.coordinator.runtime.options;
    for (const lease of [...this.#waiting]) {
      lease.refusal = notWritable(this.client);
      if (readOnlyWrites === 'reject') lease.abort((details) => notWritable(this.client, details));
    }
  }

  #serve(): void {
    const { database } = this.client.coordinator.route;
    if (database === undefined || !this.client.isAlive) return;
    if (database.readOnly) {
      this.#refuseWrites();
      return;
    }
    const full = new Set<string>();
    for (let index = 0; index < this.#waiting.length; ) {
      const lease = this.#waiting[index] as Lease;
      const place = this.#placeOf(lease, database);
      // The lease was refused and waits no longer.
      if (place === undefined) continue;
      const pooled = full.has(place.name) ? undefined : this.#free(database, place);
      if (pooled === undefined) {
        if (place === ONLY_PLACE) return;
        // Other leases may wait for other nodes.
        full.add(place.name);
        index += 1;
        continue;
      }
      this.#waiting.splice(index, 1);
      pooled.timer?.cancel();
      pooled.lease = lease;
      pooled.hashSlot = place.hashSlot;
      if (pooled.channel !== undefined) lease.start(pooled.channel);
    }
  }

  /**
   * Returns the place for a lease; `undefined` if there is none, in which case the lease was
   * aborted.
   */
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

  /** Returns an idle connection or a new one; undefined if all are in use. */
  #free(database: Database, place: Place): PooledConnection | undefined {
    let inUse = 0;
    for (const pooled of this.#pool.values()) {
      const isThere = pooled.database === database && pooled.place === place.name;
      if (isThere && pooled.lease === undefined) return pooled;
      if (isThere || pooled.database !== database) inUse += 1;
    }
    const { runtime } = this.client.coordinator;
    const { openIsolated } = database.driver;
    if (inUse >= runtime.options.maxTransactionConnections || openIsolated === undefined) return;
    const link = new ReconnectingConnection(database.driver, this, runtime, (listener, time) =>
      openIsolated.call(database.driver, listener, time, pooled.hashSlot),
    );
    // The client's own keep-alive timer keeps the process alive.
    link.unref();
    const pooled: PooledConnection = {
      link,
      database,
      place: place.name,
      hashSlot: place.hashSlot,
      channel: undefined,
      lease: undefined,
      timer: undefined,
      outdated: false,
    };
    this.#pool.set(link, pooled);
    link.open();
    return pooled;
  }

  #rest(pooled: PooledConnection): void {
    pooled.timer?.cancel();
    pooled.timer = this.client.coordinator.runtime.clock.after(IDLE_MS, () => {
      if (pooled.lease === undefined) this.#discard(pooled, new Error('not in use'));
    });
  }

  #discard(pooled: PooledConnection, error: Error): void {
    pooled.timer?.cancel();
    this.#pool.delete(pooled.link);
    this.connections.channels.delete(pooled.link);
    pooled.link.close(error);
  }
}
