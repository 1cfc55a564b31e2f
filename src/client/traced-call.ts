import { systemClock } from '../clock.js';
import type { CommandTrace, ObservedAttempt } from '../runtime/command/command-trace.js';

/** The server that a client's commands go to, as node-redis's traces name it. */
export interface ServerPlace {
  readonly serverAddress: string | undefined;
  readonly serverPort: number | undefined;
  readonly database: number;
}

/** The parts of a database that are used. */
export interface DatabaseInUse {
  readonly driver: {
    readonly host: string;
    readonly port: number | undefined;
    readonly endpoint?: { readonly host: string; readonly port: number } | undefined;
  };
  readonly options: { readonly client: object };
  readonly weight: number;
}

/** Who sends the commands that are traced. */
export interface TraceSource {
  /** Name of the client in metrics and diagnostics. */
  readonly client: string;
  /** Number of the group, as in `stats()`. */
  readonly group: number;
  /** The place of the active database. */
  place(): ServerPlace;
}

/** One attempt of a traced command. */
export interface TracedAttempt {
  /** Id of the database. */
  readonly databaseId: string;
  /** Host of the server, or path of its Unix socket; of a cluster the node, once it is known. */
  readonly serverAddress: string | undefined;
  /** Port of the server. */
  readonly serverPort: number | undefined;
  /** Wall-clock milliseconds. */
  readonly startedAt: number;
  /**
   * `abandoned`: another attempt answered first, or the command settled before. `in-flight`: no
   * result yet.
   */
  readonly outcome: 'in-flight' | 'answered' | 'failed' | 'abandoned';
  /** Whether a read was sent to a standby in addition (`hedging`). */
  readonly hedge: boolean;
  /** Why it failed. */
  readonly error: unknown;
}

/**
 * What this client adds as `multiDb` to the messages on node-redis's tracing channels. It is
 * complete in the messages that report the end of a command.
 */
export interface CommandReport {
  /** Name of the client in metrics and diagnostics. */
  readonly client: string;
  /** Number of the group, as in `stats()`. */
  readonly group: number;
  /** Names of the commands: one, or those of a batch in order. */
  readonly commands: readonly string[];
  /** Id of the database that answered, or was tried last; undefined: the command was never sent. */
  readonly databaseId: string | undefined;
  /** Every attempt in order, without those that were taken back before they were written. */
  readonly attempts: readonly TracedAttempt[];
}

/** A message on node-redis's tracing channels, as far as a traced call changes it. */
export type TraceMessage = { -readonly [Key in keyof ServerPlace]?: ServerPlace[Key] } & {
  multiDb?: CommandReport;
};

type Outcome = TracedAttempt['outcome'];

/** Follows the attempts of one call, and keeps the address in its messages up to date. */
export class TracedCall implements CommandTrace, CommandReport {
  readonly #source: TraceSource;
  /** Made for exactly one entry: an empty array that grows would take 17. */
  #messages: TraceMessage[] | undefined;
  #records: AttemptRecord[] | undefined;
  #latest: AttemptRecord | undefined;

  constructor(
    source: TraceSource,
    readonly commands: readonly string[],
  ) {
    this.#source = source;
  }

  get client(): string {
    return this.#source.client;
  }

  get group(): number {
    return this.#source.group;
  }

  get databaseId(): string | undefined {
    return this.#latest?.databaseId;
  }

  get attempts(): readonly TracedAttempt[] {
    return this.#records?.filter(({ isTakenBack }) => !isTakenBack) ?? [];
  }

  /** `message` reports this call from now on. */
  report(message: TraceMessage): void {
    message.multiDb = this;
    if (this.#messages === undefined) this.#messages = [message];
    else this.#messages.push(message);
  }

  began(attempt: ObservedAttempt): void {
    const record = new AttemptRecord(attempt, systemClock.wallTime());
    if (this.#records === undefined) this.#records = [record];
    else this.#records.push(record);
    this.#follow(record);
  }

  ended(attempt: ObservedAttempt, failure?: { readonly error: unknown }): void {
    const record =
      this.#latest?.attempt === attempt
        ? this.#latest
        : this.#records?.find((each) => each.attempt === attempt);
    if (record === undefined) return;
    const hasMoved = record.end(failure);
    if (hasMoved || record !== this.#latest) this.#follow(record);
  }

  #follow(record: AttemptRecord): void {
    this.#latest = record;
    if (this.#messages === undefined) return;
    for (const message of this.#messages) {
      message.serverAddress = record.serverAddress;
      message.serverPort = record.serverPort;
      message.database = record.database;
    }
  }
}

class AttemptRecord implements TracedAttempt {
  readonly databaseId: string;
  serverAddress: string | undefined;
  serverPort: number | undefined;
  readonly database: number;
  readonly hedge: boolean;
  error: unknown = undefined;
  #ended: Outcome | undefined;

  constructor(
    readonly attempt: ObservedAttempt,
    readonly startedAt: number,
  ) {
    const { database } = attempt.channel;
    this.databaseId = database.id;
    this.database = indexOf(database);
    this.hedge = attempt.isHedge;
    const { host, port } = attempt.endpoint;
    this.serverAddress = host;
    this.serverPort = port;
  }

  get isTakenBack(): boolean {
    return this.attempt.state === 'taken-back';
  }

  get outcome(): Outcome {
    if (this.#ended !== undefined) return this.#ended;
    return this.attempt.over ? 'abandoned' : 'in-flight';
  }

  /** Returns true if the server is another one: the node of a cluster is known only now. */
  end(failure: { readonly error: unknown } | undefined): boolean {
    this.#ended = failure === undefined ? 'answered' : 'failed';
    this.error = failure?.error;
    const { host, port } = this.attempt.endpoint;
    if (host === this.serverAddress && port === this.serverPort) return false;
    this.serverAddress = host;
    this.serverPort = port;
    return true;
  }
}

/** Returns the place of a database. */
export function placeOf(database: DatabaseInUse): ServerPlace {
  const { driver } = database;
  const { host, port } = driver.endpoint ?? driver;
  return { serverAddress: host, serverPort: port, database: indexOf(database) };
}

/** Per copy: by the node-redis options of a database, which do not change. Parsing a URL takes long. */
const INDEXES = new WeakMap<object, number>();

/** Returns the index of the Redis database (`SELECT`) that the connections use. */
export function indexOf({ options }: Pick<DatabaseInUse, 'options'>): number {
  let index = INDEXES.get(options.client);
  if (index === undefined) {
    const { database, url } = options.client as { database?: number; url?: string };
    const inUrl = url === undefined ? undefined : /^rediss?:\/\/[^/?#]*\/(\d+)/.exec(url)?.[1];
    index = Number(inUrl ?? database ?? 0);
    INDEXES.set(options.client, index);
  }
  return index;
}
