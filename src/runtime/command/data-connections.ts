import type { CommandArgument } from '../../core/command-argument.js';
import type { ConnectionSettings } from '../../drivers/connection-settings.js';
import type { Connection, Lane } from '../../drivers/driver.js';
import { ClientClosedError } from '../../errors.js';
import { functionPreload } from '../connection/function-preload.js';
import {
  ReconnectingConnection,
  type ReconnectingConnectionListener,
} from '../connection/reconnecting-connection.js';
import type { Database } from '../database.js';
import type { BlockingCommands } from './blocking-commands.js';
import type { ClientContext } from './client-context.js';
import type { Command } from './command.js';
import { ConnectionHandover } from './connection-handover.js';
import { DataConnection } from './data-connection.js';
import { ReadyConnections } from './ready-connections.js';
import { reconnectLimitMs } from './reconnect-limit.js';
import type { AttemptQueue, InFlightConnection, SentAttempt } from './sent-attempt.js';

/**
 * One client's data connections: a link to each database, the channel of each link that is ready,
 * and the channels that only finish their attempts. Events of the connections are reported to the
 * coordinator.
 */
export class DataConnections implements ReconnectingConnectionListener {
  readonly links = new Map<Database, ReconnectingConnection>();
  /** The ready data connection of each database. */
  readonly channels = new ReadyConnections(this.links);
  /** Channels that were superseded, or whose databases were left as failed; they only finish. */
  readonly draining = new Set<InFlightConnection>();
  /** Called when the databases of `links` have changed. */
  onDatabases: (() => void) | undefined;
  readonly #databases = new Map<ReconnectingConnection, Database>();
  /** Links whose next connection does not take commands yet. */
  readonly #handovers = new Map<ReconnectingConnection, ConnectionHandover>();
  #areRequired = false;
  #ref = true;

  constructor(
    private readonly client: ClientContext,
    private readonly blocking: BlockingCommands,
  ) {}

  get settings(): ConnectionSettings {
    return this.client.settings;
  }

  /** The ready connection to the active database. */
  get active(): DataConnection | undefined {
    return this.channels.activeOf(this.#coordinator.route);
  }

  /**
   * Makes all present and future connections of this client count for whether a database is
   * connected.
   */
  requireForAvailability(): void {
    this.#areRequired = true;
    for (const link of this.links.values()) link.requiredForAvailability = true;
  }

  get areRequired(): boolean {
    return this.#areRequired;
  }

  /**
   * Opens a data connection to `database`. A standby with `lazy` connections gets it when it is
   * needed.
   */
  attach(database: Database): void {
    const link = new ReconnectingConnection(database.driver, this, this.#coordinator.runtime);
    this.links.set(database, link);
    this.#databases.set(link, database);
    link.requiredForAvailability = this.#areRequired;
    const { options, emit } = this.#coordinator.runtime;
    if (options.preloadFunctions.length > 0) {
      const tell = (error: Error) => emit('error', error);
      link.prepare = functionPreload(options.preloadFunctions, database.id, tell);
    }
    database.links.push(link);
    if (!this.#ref) link.unref();
    if (!this.client.lazy || this.#coordinator.route.database === database) link.open();
    this.onDatabases?.();
  }

  /**
   * Detaches the link to `database`. Attempts in flight still end, at their deadlines at the
   * latest.
   */
  detach(database: Database): void {
    const link = this.links.get(database);
    if (link === undefined) return;
    this.endHandover(database);
    this.drain(link);
    this.links.delete(database);
    this.#databases.delete(link);
    database.links.splice(database.links.indexOf(link), 1);
    link.close(new ClientClosedError('the database was removed'));
    this.onDatabases?.();
  }

  /** Detaches all links: after the end, no database waits for connections of this client. */
  detachAll(): void {
    for (const [database, link] of this.links) {
      database.links.splice(database.links.indexOf(link), 1);
    }
  }

  /** Opens a new data connection to `database`, which replaces the current one. */
  renew(database: Database): void {
    this.links.get(database)?.renew();
  }

  /** Ends the handover: the next connection to `database` takes commands from now on. */
  endHandover(database: Database): void {
    const link = this.links.get(database);
    if (link !== undefined) this.#handovers.get(link)?.end();
  }

  /** Whether the next connection to the active database is ready but waits for writes in flight. */
  get isHandingOver(): boolean {
    const { database } = this.#coordinator.route;
    const link = database === undefined ? undefined : this.links.get(database);
    return link !== undefined && this.#handovers.has(link);
  }

  /**
   * Lets a link's connection only finish its attempts in progress; a warm standby opens another
   * one.
   */
  drain(link: ReconnectingConnection): void {
    const channel = this.channels.get(link);
    if (channel === undefined) return;
    this.channels.delete(link);
    link.detach(!this.client.lazy);
    this.#drain(channel);
  }

  /**
   * Ends `lane`, because its blocking command can't be ended. If it is a plain connection, that
   * takes no further commands.
   */
  leave(lane: AttemptQueue, error: Error): void {
    const { channel } = lane;
    if (lane !== channel) {
      lane.drop(error);
      return;
    }
    if (!channel.draining) this.drain(channel.link);
    this.endDraining(channel, error);
  }

  #drain(channel: DataConnection): void {
    channel.draining = true;
    this.draining.add(channel);
    this.finishDraining(channel);
  }

  /** Destroys a draining channel once no caller waits for its oldest attempts or any others. */
  finishDraining(channel: InFlightConnection): void {
    for (const record of channel.records()) {
      for (let { oldest } = record; oldest?.command.state === 'settled'; { oldest } = record) {
        oldest.abandon();
      }
    }
    if (channel.isEmpty) {
      this.endDraining(channel, new ClientClosedError('the database was left'));
    }
    this.#handovers.get(channel.link)?.look();
  }

  /**
   * Ends a channel that only finishes its attempts; has no effect on a channel that is still a
   * link's.
   */
  endDraining(channel: InFlightConnection, error: Error): void {
    if (!this.draining.delete(channel)) return;
    channel.connection.destroy(error);
    this.settleLost(channel.attempts(), error);
  }

  onLinkUp(link: ReconnectingConnection): void {
    const database = this.#databases.get(link);
    const { connection } = link;
    if (database === undefined || connection === undefined) return;
    this.#use(link, connection, database);
    link.requiredForAvailability = true;
    this.client.cacheValidity?.refresh();
    this.#coordinator.health.connections.onReady(database);
    this.#resume(database, []);
    if (this.#coordinator.route.database !== database) return;
    if (database.health === 'healthy' || database.unchecked) this.blocking.rejectHeld();
    this.client.onServing?.();
  }

  onLinkRenewed(link: ReconnectingConnection, previous: Connection): void {
    const database = this.#databases.get(link);
    const { connection } = link;
    if (database === undefined || connection === undefined) {
      previous.destroy(new ClientClosedError('the connection was replaced'));
      return;
    }
    this.#handovers.get(link)?.end();
    const channel = this.channels.get(link);
    const handover = new ConnectionHandover(this.client, channel, () => {
      this.#handovers.delete(link);
      this.#use(link, connection, database);
      this.client.cacheValidity?.refresh();
      this.#resumeRetries(database);
    });
    this.#handovers.set(link, handover);
    this.channels.delete(link);
    this.client.cacheValidity?.refresh();
    if (channel !== undefined) {
      this.#supersede(channel);
      for (const lane of channel.records()) this.#endDead(lane);
      if (this.draining.has(channel)) this.blocking.unblock(channel);
    }
    handover.begin();
    this.#coordinator.health.verification.onRenewed(link, previous);
  }

  /** Unwritten commands wait for the next connection, written ones finish. */
  #supersede(channel: DataConnection): void {
    const moving = new Set<Command>();
    channel.takeBackUnwritten(moving);
    channel.superseded = true;
    this.#drain(channel);
    this.client.resend([...moving]);
  }

  /**
   * Replaces `lane`, which is dead although its server is reachable, by a new connection. Reads and
   * unwritten commands go over the new one; whether the other commands were executed is unknown.
   */
  replaceSilent(lane: AttemptQueue, error: Error): void {
    const { channel } = lane;
    const { link, database } = channel;
    lane.deadOf = error;
    if (channel.draining) this.#endDead(lane);
    else if (this.links.get(database) !== link || database.driver.shards !== undefined) {
      // A lane of a transaction, or of one node of a cluster: the other connections are not
      // affected.
      lane.drop(error);
      const { clock } = this.#coordinator.runtime;
      clock.afterTurn(() => clock.afterTurn(() => this.#resumeRetries(database)));
    } else link.renew();
  }

  #endDead(lane: AttemptQueue): void {
    const { channel, deadOf } = lane;
    if (deadOf === undefined) return;
    if (lane === channel) this.endDraining(channel, deadOf);
    else lane.drop(deadOf);
  }

  /** Whether a blocking command is in flight on the connection of `link`, ahead of a question. */
  isBlocked(link: ReconnectingConnection): boolean {
    const channel = this.channels.get(link);
    if (channel === undefined) return false;
    // In a pool only idle lanes are asked.
    if (channel.isWaitingRoom && channel.database.driver.shards === undefined) return false;
    return channel.attempts().some(({ command }) => command.traits.blockMs !== undefined);
  }

  /** Ends the waits before the next attempt, which were for the previous connection. */
  #resumeRetries(database: Database): void {
    const isActive = this.#coordinator.route.database === database;
    this.#resume(database, isActive ? this.client.waiting.retries.takeAll() : []);
  }

  #use(link: ReconnectingConnection, connection: Connection, database: Database): void {
    const { client } = this;
    const channel = new DataConnection(
      connection,
      database,
      link,
      client.outcomes,
      client.loop.time,
    );
    if (!channel.isWaitingRoom) channel.learnId();
    this.channels.set(link, channel);
  }

  /** Sends commands that wait for a connection to the active database. */
  #resume(database: Database, commands: readonly Command[]): void {
    if (this.#coordinator.route.database === database) this.client.resend(commands);
  }

  onLinkDown(link: ReconnectingConnection, error: Error, wasReady: boolean): void {
    const database = this.#databases.get(link);
    const channel = this.channels.get(link);
    this.#handovers.get(link)?.cancel();
    this.#handovers.delete(link);
    this.channels.delete(link);
    this.client.cacheValidity?.refresh();
    if (channel !== undefined) this.settleLost(channel.attempts(), error);
    if (database === undefined || !link.requiredForAvailability) return;
    this.#coordinator.health.connections.onLost(database, error, { wasReady });
    this.client.onServing?.();
  }

  onLinkLaneLost(link: ReconnectingConnection, lane: Lane | undefined, error: Error): void {
    const database = this.#databases.get(link);
    const channel = this.channels.get(link);
    if (channel !== undefined && lane !== undefined) this.settleLost(channel.lose(lane), error);
    if (database === undefined || !link.requiredForAvailability) return;
    this.#coordinator.health.connections.onLaneLost(database, error);
  }

  /** Settles attempts of a lost connection, in case the library does not. */
  settleLost(attempts: readonly SentAttempt[], error: Error): void {
    this.#coordinator.runtime.clock.afterTurn(() => {
      for (const attempt of attempts) {
        if (!attempt.listed) continue;
        attempt.onError(error);
        attempt.abandon();
      }
    });
  }

  /**
   * The longest wait before a reconnect, in milliseconds: a healthy database must not fail because
   * of it.
   */
  longestReconnectDelayMs(link: ReconnectingConnection): number {
    return reconnectLimitMs(this.#coordinator, this.#databases.get(link));
  }

  /** While no database serves, `Reachability` connects on behalf of all clients. */
  isCalled(): boolean {
    return this.#coordinator.health.isSearching;
  }

  onLinkMaintenance(link: ReconnectingConnection, forMs: number): void {
    const database = this.#databases.get(link);
    const channel = this.channels.get(link);
    if (channel !== undefined) channel.relaxedUntil = this.client.loop.time + forMs;
    if (database !== undefined) this.#coordinator.health.onMaintenance(database, forMs);
  }

  onLinkInvalidate(link: ReconnectingConnection, key: CommandArgument | null): void {
    const channel = this.channels.get(link);
    if (channel !== undefined) this.client.cacheValidity?.onInvalidate(channel, key);
  }

  ref(): void {
    this.#ref = true;
    for (const link of this.links.values()) link.ref();
  }

  unref(): void {
    this.#ref = false;
    for (const link of this.links.values()) link.unref();
  }

  /** Closes the lazy connections that were opened at start to find the first active database. */
  restOthers(): void {
    for (const database of this.links.keys()) this.rest(database);
  }

  /** Closes a lazy connection to a database that is not active. */
  rest(database: Database): void {
    const link = this.links.get(database);
    const { route } = this.#coordinator;
    const isNeeded = route.database === database || route.generation === 0;
    if (!this.client.lazy || link === undefined || link.idle || isNeeded) return;
    this.endHandover(database);
    this.channels.delete(link);
    link.rest(new Error('a standby rests'));
    this.#coordinator.health.connections.onResting(database);
  }

  /** Destroys every connection. */
  end(error: Error): void {
    for (const handover of this.#handovers.values()) handover.cancel();
    this.#handovers.clear();
    for (const channel of [...this.draining]) this.endDraining(channel, error);
    for (const link of this.links.values()) link.close(error);
    this.channels.clear();
  }

  get #coordinator() {
    return this.client.coordinator;
  }
}
