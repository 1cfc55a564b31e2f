/**
 * The contract between the engine and a client library. The code above it is the same for every
 * library and topology. The library provides everything below it: protocol, TLS, authentication,
 * pools, Cluster, Sentinel.
 *
 * A driver repeats nothing. It opens a connection on request, reports its loss once, and never
 * reconnects. A connection with several lanes may open and replace lanes; all waits use the clock
 * of the engine.
 */

import type { Clock, Random, Timer } from '../clock.js';
import type { CommandArgument } from '../core/command-argument.js';
import type { DriverErrorKind } from '../core/driver-error-kind.js';
import type { LookupTrouble } from '../name-lookup/host-name.js';
import type { ConnectionSettings } from './connection-settings.js';
import type { ServerIdentity } from './server-identity.js';
import type { Subscriber, SubscriberListener } from './subscriber.js';

/** How long `CLIENT UNBLOCK` over another connection may take at most, in milliseconds of loop time. */
export const UNBLOCK_LIMIT_MS = 5000;

/** Where a server listens. */
export interface Endpoint {
  readonly host: string;
  readonly port: number;
}

/** How replies are decoded; passed to the library unchanged. */
export interface SendOptions {
  /** How replies are decoded; passed to the client library. */
  readonly typeMapping?: unknown;
  /** Written before other waiting attempts of the connection. */
  readonly asap?: boolean | undefined;
}

/**
 * One attempt to send a command over one connection. The engine creates it, and the driver calls
 * exactly one of `onReply` and `onError`, unless `withdraw` took it back.
 */
export interface Attempt {
  /** One command, or the commands of a batch in order. */
  readonly args: readonly CommandArgument[];
  readonly batch: Batch | undefined;
  readonly options: SendOptions | undefined;
  /** Set by the driver when the command is encoded for the socket. */
  written: boolean;
  /** For the driver alone. */
  handle: unknown;
  /** A command of the engine without a caller. */
  readonly isQuestion?: boolean;
  /**
   * True once no caller waits for the result: the attempt was abandoned, or its command has
   * settled. Nothing more is written for it. A driver that sends in parts checks this before each
   * part. Absent means never.
   */
  readonly over?: boolean;
  onReply(reply: unknown): void;
  onError(error: unknown): void;
  /**
   * The attempt uses this lane from now on: called by a connection with lanes, before the attempt
   * is written and whenever the lane changes. `undefined`: it left its lane and waits in the
   * connection again. Absent for attempts that are not observed.
   */
  onLane?(lane: Lane | undefined): void;
}

/**
 * One ordered path of a connection with several, such as a connection of a pool or of a cluster
 * node. Replies come in the order of sending, so the engine judges silence and lateness per lane: a
 * silent lane is noticed while others deliver, and a broken lane is dropped alone.
 *
 * The end of a lane without attempts in flight need not be reported.
 */
export interface Lane {
  /** Increases with every byte received; only compared. */
  readonly bytesReceived: number;
  /** The server that the lane leads to, if it may be another one than that of the connection. */
  readonly endpoint?: Endpoint | undefined;
  /** Id of this path at the server (CLIENT ID); requested once, before the next command. */
  identify(): Promise<string>;
  /** Like `Connection.serverIdentity`. */
  serverIdentity?(): ServerIdentity;
  /**
   * Sends a command to the server of this lane over a new connection. Absent if the probe
   * connections of the database lead to the same server.
   */
  askAnew?(args: readonly CommandArgument[]): Promise<unknown>;
  /** Ends the lane at once as if it had been lost; `onLaneLost` follows. Idempotent. */
  drop(error: Error): void;
}

/** Commands that are sent together over one connection. */
export interface Batch {
  /**
   * `multi`: wrapped in MULTI and EXEC, the reply is that of EXEC. `pipeline`: an array of replies.
   * `single`: one command, with its own reply.
   */
  readonly kind: 'multi' | 'pipeline' | 'single';
  /** The commands in order, each with its arguments. */
  readonly commands: readonly (readonly CommandArgument[])[];
  /**
   * How the reply of EXEC is decoded. Default: without a mapping, as in node-redis, whatever the
   * `typeMapping` of the commands.
   */
  readonly execTypeMapping?: unknown;
  /** Absent if the commands call no script whose source is known. */
  readonly scripts?: CalledScripts;
}

/**
 * The scripts that commands call by their digest. A connection that has not loaded one of them in
 * the current epoch loads it ahead of the commands.
 */
export interface CalledScripts {
  /** The scripts, each once. */
  readonly scripts: readonly CalledScript[];
  /** The epoch in which a connection made sure that its server knows the scripts. */
  epoch: number;
  /** Changes whenever servers may have lost scripts. */
  currentEpoch(): number;
}

/** A script that a command calls by its digest. */
export interface CalledScript {
  /** The SHA-1 digest of the source, in lower case. */
  readonly sha: string;
  /** What `SCRIPT LOAD` was given. */
  readonly source: CommandArgument;
}

/** Never called before `openConnection` has returned. */
export interface ConnectionListener {
  /** The settings of the client; absent for connections that belong to no client. */
  readonly settings?: ConnectionSettings | undefined;
  /** Authenticated and able to take commands. */
  onReady(): void;
  /**
   * The connection ended: refused, closed, reset, timed out, or destroyed by a protocol error.
   * Called once; nothing is sent afterwards. `refused` if no server accepted the connection.
   * Attempts in flight are settled by `onError` in the same turn of the event loop.
   */
  onLost(error: Error): void;
  /**
   * One of several lanes was lost, or another one could not be opened (`undefined`), while the
   * connection lives on: a reason to probe the database. Attempts in flight on the lane are settled
   * by `onError` afterwards, in the same turn of the event loop. The loss of the last ready lane is
   * `onLost` instead.
   */
  onLaneLost(lane: Lane | undefined, error: Error): void;
  /**
   * The server announces maintenance: for `forMs` milliseconds (0 ends it), slow and refused
   * commands are not failures.
   */
  onMaintenance(forMs: number): void;
  /**
   * The server announces that a key that was read over this connection has changed; `null` if any
   * key may have. In order with the replies. Only if the options of the database ask for tracking.
   */
  onInvalidate?(key: CommandArgument | null): void;
}

/** One data connection to a database. It starts to open when it is created. */
export interface Connection {
  /** Ready, and not lost. */
  readonly ready: boolean;
  /**
   * Whether the connection has lanes and reports the lane of each attempt (`Attempt.onLane`);
   * attempts without one wait in the connection. Absent: replies come in order, as on one lane.
   */
  readonly hasLanes?: boolean;
  /** Of one to a single node of several: its name, as `Shards.ownerOf` has it. */
  readonly node?: string | undefined;
  /** Increases with every byte received; only compared. */
  readonly bytesReceived: number;
  /** The server that was found, if it is not `host` and `port` of the driver. */
  readonly endpoint?: Endpoint | undefined;
  /** Only while `ready`. Never throws: an invalid argument settles the attempt with `onError`. */
  send(attempt: Attempt): void;
  /**
   * Returns true if the attempt was not written and never will be; it gets no callback any more.
   */
  withdraw(attempt: Attempt): boolean;
  /**
   * Only with lanes: sends one attempt over each lane that is ready and, if a lane carries one
   * command at a time, idle.
   */
  ask?(question: () => Attempt): void;
  /** Id of this connection at the server (CLIENT ID); requested once, before the next command. */
  identify(): Promise<string>;
  /**
   * The server process at the other end: requested once, before the next command. Absent if only
   * the lanes know it, or it is unknown.
   */
  serverIdentity?(): ServerIdentity;
  /**
   * Ends the connection at once; attempts in flight get `onError`. Idempotent; `onLost` is not
   * called.
   */
  destroy(error: Error): void;
  ref(): void;
  unref(): void;
}

/** A separate connection for health checks; each `openProbe` opens a new one. */
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

/** The time source of a driver: all its waits use the clock of the engine. */
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

/** Where a database is. */
export interface DatabaseAddress {
  /** Address without credentials, for messages: `redis-east.example.com:14000`. */
  readonly address: string;
  /** As configured; the path when it is a Unix socket. */
  readonly host: string;
  /** `undefined` for a Unix socket. */
  readonly port: number | undefined;
  /** The current server, if it is not `host` and `port`. */
  readonly endpoint?: Endpoint | undefined;
  /** The host names of this database. Absent: it has none. */
  readonly names?: HostNames;
  /** The address may by mistake be that of a Sentinel, and the server may be asked (HELLO). */
  readonly mayBeSentinel?: boolean;
  /**
   * For a cluster, once known: one hash tag per master; keys and channels with the tag belong to
   * that master.
   */
  readonly shardTags?: readonly string[] | undefined;
  /** Of a cluster: which node a connection of one's own has to lead to. */
  readonly shards?: Shards;
}

/** Opens the connections to a database, each for one purpose. */
export interface Connector {
  /**
   * Loads code of the driver. Undefined once nothing is missing; until then only `openProbe` may be
   * called, which waits by itself. Absent: nothing is ever missing. A load that was rejected may be
   * tried again.
   */
  load?(): Promise<void> | undefined;
  /**
   * How long a connection may take to become ready, in milliseconds of loop time; Infinity for no
   * limit.
   */
  readonly connectTimeoutMs: number;
  /** Delay of the user before the n-th reconnect; `undefined` uses the delay of the engine. */
  readonly reconnectDelay?: (retries: number, cause: Error) => number | undefined;
  openConnection(listener: ConnectionListener, time: DriverTime): Connection;
  /**
   * A separate connection, so that WATCH lasts until EXEC; with `shards` to the node that currently
   * serves the hash slot. Absent: transactions with WATCH are refused.
   */
  openIsolated?(listener: ConnectionListener, time: DriverTime, hashSlot?: number): Connection;
  /** A connection of its own for pub/sub; the contract is in `subscriber.ts`. */
  openSubscriber(listener: SubscriberListener): Subscriber;
  /** Rejects when refused, or when `signal` aborts first; then nothing stays open. */
  openProbe(signal: AbortSignal): Promise<ProbeConnection>;
  /**
   * Looks into why connections are not answered, without secrets: what was found to be wrong, with
   * its diagnosis. Never rejects; ends when `signal` aborts. Absent: nothing can be found out.
   */
  readonly inspectPort?: ((signal: AbortSignal) => Promise<Error | undefined>) | undefined;
}

/** What the errors of the client library mean. */
export interface LibraryErrors {
  /**
   * Classification of an error of this library by its classes. `undefined`: unknown to the library;
   * the engine looks at the first word of the reply or at `error.code`.
   */
  classify(error: unknown): DriverErrorKind | undefined;
  /** Whether the connection was accepted and then cut, as opposed to refused or unreachable. */
  isCut(error: unknown): boolean;
  /** The error with which the library itself reports an aborted command. */
  abortError(): Error;
}

/** How the client reaches one database through a client library. */
export interface Driver extends DatabaseAddress, Connector, LibraryErrors {}

/** The host names by which the connections of one database were made. */
export interface HostNames {
  /**
   * The destination of each open connection that was made by name: one object per connection,
   * always the same.
   */
  readonly inUse: readonly NameInUse[];
  /** Current problems of lookups. */
  readonly troubles: readonly LookupTrouble[];
  /**
   * Looks up the names in use again, unless the latest answer is younger than `maxAgeMs`. Names
   * whose lookup fails are omitted. Never rejects; ends early when `signal` aborts.
   */
  resolve(maxAgeMs: number, signal: AbortSignal): Promise<readonly ResolvedName[]>;
}

export interface NameInUse {
  /** Names the question, as in `ResolvedName`. */
  readonly key: string;
  /** Possible destinations of the connection; usually one. */
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

/** The known positions of the hash slots of a cluster. */
export interface Shards {
  /** Name of the node that serves a slot; `undefined` if it is unknown or there is none. */
  ownerOf(hashSlot: number): string | undefined;
  /** Queries the slots again, starting with `node`. Never rejects. */
  refresh(node: string | undefined): Promise<void>;
}
