/**
 * The contract between the engine and a client library. Everything above it is the same for every
 * library and topology; everything below it (protocol, TLS, authentication, pools, Cluster,
 * Sentinel) is the library's.
 *
 * A driver repeats nothing: it opens a connection when asked, tells once when it is lost, and
 * never reconnects. A connection of several lanes may open and replace those; what it waits for,
 * it waits for on the engine's clock.
 */

import type { Clock, Random, Timer } from '../clock.js';
import type { CommandArgument } from '../core/command-argument.js';
import type { DriverErrorKind } from '../core/driver-error-kind.js';
import type { LookupTrouble } from '../name-lookup/host-name.js';
import type { ServerIdentity } from './server-identity.js';
import type { Subscriber, SubscriberListener } from './subscriber.js';

/** How long `CLIENT UNBLOCK` over another connection may take at most, in milliseconds of loop time. */
export const UNBLOCK_LIMIT_MS = 5000;

/** How replies are decoded and placed; passed through to the library, the engine reads nothing. */
export interface SendOptions {
  /** How replies are decoded; passed to the client library. */
  readonly typeMapping?: unknown;
  /** Written before what else waits on the connection. */
  readonly asap?: boolean | undefined;
}

/**
 * One sending of a command over one connection. The engine makes it; the driver calls it back:
 * exactly one of `onReply` and `onError`, unless `withdraw` took it back.
 */
export interface Attempt {
  /** One command, or the commands of a batch in order. */
  readonly args: readonly CommandArgument[];
  readonly batch: Batch | undefined;
  readonly options: SendOptions | undefined;
  /** Set by the driver at the moment in which the command is encoded for the socket. */
  written: boolean;
  /** For the driver alone. */
  handle: unknown;
  /** A question of the engine; no caller waits for it. */
  readonly isQuestion?: boolean;
  /**
   * True once nobody waits for its result: it was given up, or its command has settled. Nothing is
   * written on its behalf from then on. A driver that sends it in parts asks before each of them.
   * Absent: never.
   */
  readonly over?: boolean;
  onReply(reply: unknown): void;
  onError(error: unknown): void;
  /**
   * It goes over this lane from now on: told by a connection that has lanes, before it is written
   * and whenever it goes over another one. `undefined`: it left its lane, and waits in the
   * connection again. Absent for attempts that nobody watches.
   */
  onLane?(lane: Lane | undefined): void;
}

/**
 * One ordered path of a connection that has several: a connection of a pool, a node of a cluster.
 * Replies come in the order of sending, so the engine judges silence and lateness lane by lane: one
 * that is silent is noticed while the others deliver, and one that is useless is dropped alone.
 *
 * A lane that was ended while nothing was under way on it need not be told of.
 */
export interface Lane {
  /** Grows with every byte that arrived; only compared. */
  readonly bytesReceived: number;
  /** The server's id of this path (CLIENT ID); asked for once, ahead of what is sent next. */
  identify(): Promise<string>;
  /** As `Connection.serverIdentity`. */
  serverIdentity?(): ServerIdentity;
  /**
   * Sends a command to the server of this lane over a new connection. Absent: the database's probe
   * connections lead to the same server.
   */
  askAnew?(args: readonly CommandArgument[]): Promise<unknown>;
  /** Ends it at once, as if it had been lost: `onLaneLost` follows. Idempotent. */
  drop(error: Error): void;
}

/** Commands that go over one connection back to back. */
export interface Batch {
  /** `multi`: wrapped in MULTI and EXEC, the reply is EXEC's; `pipeline`: an array of replies. */
  readonly kind: 'multi' | 'pipeline';
  /** The commands in order, each with its arguments. */
  readonly commands: readonly (readonly CommandArgument[])[];
}

/** Never called before `openConnection` has returned. */
export interface ConnectionListener {
  /** Authenticated and able to take commands. */
  onReady(): void;
  /**
   * Gone: refused, closed, reset, timed out, or destroyed by a protocol error. Told once, after
   * which nothing is sent any more. `refused` when no server accepted the connection.
   * Attempts in flight are settled by `onError` in the same turn of the event loop.
   */
  onLost(error: Error): void;
  /**
   * One of several lanes was lost, or another one could not be opened (`undefined`), while the
   * connection lives on: not a failed database, but a reason to probe it. Attempts in flight on
   * the lane are settled by `onError` afterwards, in the same turn of the event loop. When the last
   * one that was ready is lost, that is `onLost` instead.
   */
  onLaneLost(lane: Lane | undefined, error: Error): void;
  /**
   * The server announces maintenance: for `forMs` milliseconds (0: it has ended) what is slow or
   * refused is not a failure.
   */
  onMaintenance(forMs: number): void;
  /**
   * The server says that a key that was read over this connection has changed; `null`: any may
   * have. In order with the replies. Only if the options of the database ask for tracking.
   */
  onInvalidate?(key: CommandArgument | null): void;
}

/** One data path to a database. Starts opening when it is made. */
export interface Connection {
  /** Ready, and not lost. */
  readonly ready: boolean;
  /**
   * It consists of lanes, and tells for each attempt over which one it goes (`Attempt.onLane`);
   * one that was not told of waits in the connection. Absent: replies come in order, as on one
   * lane.
   */
  readonly hasLanes?: boolean;
  /** Of one to a single node of several: its name, as `Shards.ownerOf` has it. */
  readonly node?: string | undefined;
  /** Grows with every byte that arrived; only compared. */
  readonly bytesReceived: number;
  /** Only while `ready`. Never throws: a bad argument settles the attempt by `onError`. */
  send(attempt: Attempt): void;
  /** True: the attempt was not written and never will be, and gets no call back any more. */
  withdraw(attempt: Attempt): boolean;
  /**
   * Only with lanes: sends one attempt over each lane that is ready and, where a lane carries one
   * command at a time, idle.
   */
  ask?(question: () => Attempt): void;
  /** The server's id of this connection (CLIENT ID); asked for once, ahead of what is sent next. */
  identify(): Promise<string>;
  /**
   * The server process that it leads to: asked for once, ahead of what is sent next. Absent where
   * only its lanes know, or nobody.
   */
  serverIdentity?(): ServerIdentity;
  /** Ends it at once; attempts under way get `onError`. Idempotent; `onLost` is not called. */
  destroy(error: Error): void;
  ref(): void;
  unref(): void;
}

/** A connection of its own for health checks, opened anew for each `openProbe`. */
export interface ProbeConnection {
  /** False once it broke. */
  readonly alive: boolean;
  /** Rejects with the server's error reply, or with what broke the connection. */
  send(args: readonly CommandArgument[]): Promise<unknown>;
  /** Resolves when the server has confirmed. A connection that subscribes takes no commands. */
  subscribe(channel: string, onMessage: (message: string) => void): Promise<void>;
  /** Best effort; never throws or rejects. */
  unsubscribe(channel: string, onMessage: (message: string) => void): void;
  destroy(): void;
}

/** All time that a driver knows of: what it waits for itself, it waits for on the engine's clock. */
export interface DriverTime {
  readonly clock: Clock;
  readonly loop: LoopTime;
  readonly random: Random;
}

/** Time in which the event loop could run. */
export interface LoopTime {
  /** In milliseconds; only differences mean anything. */
  readonly time: number;
  after(delayMs: number, callback: () => void): Timer;
}

/** How one database is reached. */
export interface Driver {
  /** Where it leads, without credentials, for messages: `redis-east.example.com:14000`. */
  readonly address: string;
  /** As configured; the path when it is a Unix socket. */
  readonly host: string;
  /** `undefined` for a Unix socket. */
  readonly port: number | undefined;
  /** The server that it leads to at the moment, where that is not `host` and `port`. */
  readonly endpoint?: { readonly host: string; readonly port: number } | undefined;
  /**
   * How long a connection may take until it is ready, in milliseconds of loop time; Infinity: no
   * limit.
   */
  readonly connectTimeoutMs: number;
  /** The user's own delay before the n-th reconnect; `undefined`: the engine's. */
  readonly reconnectDelay?: (retries: number, cause: Error) => number | undefined;
  /**
   * Of a cluster, once it is known: one hash tag per master, so that a key or channel with it lies
   * there.
   */
  readonly shardTags?: readonly string[] | undefined;
  /** The host names of this database. Absent: it has none. */
  readonly names?: HostNames;
  openConnection(listener: ConnectionListener, time: DriverTime): Connection;
  /**
   * A connection over which nothing else goes, so that WATCH holds until EXEC; with `shards` to the
   * node that serves the hash slot by the time. Absent: there is none, and transactions with WATCH
   * are refused.
   */
  openIsolated?(listener: ConnectionListener, time: DriverTime, hashSlot?: number): Connection;
  /** Of a cluster: which node a connection of one's own has to lead to. */
  readonly shards?: Shards;
  /** A connection of its own for pub/sub; the contract stands in `subscriber.ts`. */
  openSubscriber(listener: SubscriberListener): Subscriber;
  /** Rejects when refused, or when `signal` aborts first; then nothing stays open. */
  openProbe(signal: AbortSignal): Promise<ProbeConnection>;
  /**
   * What an error of this library is, as far as the library's classes tell. `undefined`: not
   * known to the library, the engine looks at the reply's first word or `error.code`.
   */
  classify(error: unknown): DriverErrorKind | undefined;
  /** The connection was accepted and then cut, as against refused or unreachable. */
  isCut(error: unknown): boolean;
  /** The error with which the library itself reports an aborted command. */
  abortError(): Error;
}

/** The host names by which the connections of one database were made. */
export interface HostNames {
  /** Where each open connection leads that was made by name: one object for each, the same every time. */
  readonly inUse: readonly NameInUse[];
  /** What goes wrong with lookups at present. */
  readonly troubles: readonly LookupTrouble[];
  /**
   * Looks up the names in use again, unless the latest answer is younger than `maxAgeMs`. Names
   * whose lookup fails are left out. Never rejects; ends early when `signal` aborts.
   */
  resolve(maxAgeMs: number, signal: AbortSignal): Promise<readonly ResolvedName[]>;
}

export interface NameInUse {
  /** Names the question, as in `ResolvedName`. */
  readonly key: string;
  /** One of them is where the connection leads; mostly there is only one. */
  readonly addresses: readonly string[];
  /**
   * Has another connection take the place of this one, once it is ready. Absent: it is replaced
   * together with all connections of the database.
   */
  readonly renew?: (() => void) | undefined;
}

export interface ResolvedName {
  readonly key: string;
  readonly host: string;
  readonly addresses: readonly string[];
  /** When the answer came, in milliseconds of the driver; the same answer has the same time. */
  readonly at: number;
}

/** Where the hash slots of a cluster are, as far as is known. */
export interface Shards {
  /** Names the node that serves a slot; `undefined`: it is not known, or none does. */
  ownerOf(hashSlot: number): string | undefined;
  /** Looks anew, `node` being asked first of all. Never rejects. */
  refresh(node: string | undefined): Promise<void>;
}
