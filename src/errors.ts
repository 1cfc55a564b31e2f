/**
 * The errors of this package. Errors of the server or of node-redis (an `ErrorReply`, an `AbortError`) reach
 * the caller unchanged.
 */

import { CLASS_BRAND, isInstance, ownBrand } from './class-brand.js';
import { cleanText } from './clean-text.js';
import { shownPath, shownValue } from './received-value.js';

/** Marks the errors of every copy of this package in the process. */
const BRAND: unique symbol = Symbol.for('redis-multidb.error') as never;

/** A stable code for each class of errors. */
export type MultiDbErrorCode =
  | 'TEMPORARILY_UNAVAILABLE'
  | 'PERMANENTLY_UNAVAILABLE'
  | 'COMMAND_TIMEOUT'
  | 'CONNECTION_LOST'
  | 'CIRCUIT_OPEN'
  | 'DATABASE_SWITCHED'
  | 'DATABASE_UNAVAILABLE'
  | 'INITIALIZATION_FAILED'
  | 'INVALID_OPTION'
  | 'INVALID_CONFIG'
  | 'UNKNOWN_DATABASE'
  | 'CLIENT_CLOSED'
  | 'OVERLOADED'
  | 'NOT_WRITABLE'
  | 'FUNCTION_LOAD_FAILED'
  | 'ACQUIRE_TIMEOUT'
  | 'SUBSCRIPTION_REFUSED'
  | 'INVALID_STEERING'
  | 'STEERING_SOURCE_FAILED'
  | 'UNSUPPORTED';

/** Properties of an error of this package beside its message. */
export interface MultiDbErrorDetails {
  /** The error that led to this one. */
  readonly cause?: unknown;
  /** The database that the error is about. */
  readonly databaseId?: string | undefined;
  /** Whether a server may have executed the command. Default: false. */
  readonly maybeExecuted?: boolean;
}

/**
 * Base of all errors of this package.
 *
 * - `code` is stable; compare it rather than the message.
 * - `databaseId` is the id of the database that the error is about, if there is one.
 * - `maybeExecuted` is true when any attempt of the command may have been executed by a server,
 *   and false only when that is proven impossible.
 * - `cause` is the error that led to it, if there was one.
 */
export class MultiDbError extends Error {
  /** @internal */
  static readonly [CLASS_BRAND]: string = 'MultiDbError';

  /** A stable code; compare it rather than the message. */
  readonly code: MultiDbErrorCode;
  /** The id of the database that the error is about; undefined without one. */
  readonly databaseId: string | undefined;
  /**
   * True when a server may have executed the command; false only when that is proven impossible.
   */
  readonly maybeExecuted: boolean;

  constructor(code: MultiDbErrorCode, message: string, details: MultiDbErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    // Of a derived class of the application, which has no brand, the name of that class.
    this.name = ownBrand(new.target) ?? new.target.name;
    this.code = code;
    this.databaseId = details.databaseId;
    this.maybeExecuted = details.maybeExecuted ?? false;
    Object.defineProperty(this, BRAND, { value: new.target });
  }

  /**
   * Also true for an error of the same class of another copy of this package, and for an error whose
   * prototype was replaced by one of the client library's class, so that it is `instanceof` both.
   */
  static override [Symbol.hasInstance](value: unknown): boolean {
    const madeAs = (value as { readonly [BRAND]?: unknown } | null | undefined)?.[BRAND];
    // biome-ignore lint/complexity/noThisInStatic: a subclass inherits this, and is the one asked.
    return isInstance(value, this, madeAs);
  }
}

/** Returns true for an error of any copy of this package. */
export function isMultiDbError(error: unknown): error is MultiDbError {
  return typeof error === 'object' && error !== null && BRAND in error;
}

/**
 * The cause of a further error with this `code` after `error`: what led to the first one of a
 * series. An error whose cause is the one before it would keep all of them, without bound.
 */
export function firstCause(error: unknown, code: MultiDbErrorCode): unknown {
  let cause = error;
  while (isMultiDbError(cause) && cause.code === code && cause.cause !== undefined) {
    cause = cause.cause;
  }
  return cause;
}

/** No database can serve at the moment. The client keeps probing, and a later command may succeed. */
export class TemporarilyUnavailableError extends MultiDbError {
  /** @internal */
  static override readonly [CLASS_BRAND]: string = 'TemporarilyUnavailableError';

  constructor(message: string, details?: MultiDbErrorDetails) {
    super('TEMPORARILY_UNAVAILABLE', message, details);
  }
}

/**
 * No database could serve during `maxNumFailoverAttempts` searches. The client is not terminal: it keeps
 * probing, and commands succeed again as soon as a database recovers.
 */
export class PermanentlyUnavailableError extends MultiDbError {
  /** @internal */
  static override readonly [CLASS_BRAND]: string = 'PermanentlyUnavailableError';

  constructor(message: string, details?: MultiDbErrorDetails) {
    super('PERMANENTLY_UNAVAILABLE', message, details);
  }
}

/** `commandTimeoutMs` (one attempt) or `commandDeadlineMs` (the whole command) has passed. */
export class CommandTimeoutError extends MultiDbError {
  /** @internal */
  static override readonly [CLASS_BRAND]: string = 'CommandTimeoutError';

  constructor(message: string, details?: MultiDbErrorDetails) {
    super('COMMAND_TIMEOUT', message, details);
  }
}

/** The connection broke while the command was in flight; see `maybeExecuted`. */
export class ConnectionLostError extends MultiDbError {
  /** @internal */
  static override readonly [CLASS_BRAND]: string = 'ConnectionLostError';

  constructor(message: string, details?: MultiDbErrorDetails) {
    super('CONNECTION_LOST', message, details);
  }
}

/** The circuit breaker of the database is open. */
export class CircuitOpenError extends MultiDbError {
  /** @internal */
  static override readonly [CLASS_BRAND]: string = 'CircuitOpenError';

  constructor(message: string, details?: MultiDbErrorDetails) {
    super('CIRCUIT_OPEN', message, details);
  }
}

/** The command belongs to a database that is no longer the active one (a cursor, WAIT, ...). */
export class DatabaseSwitchedError extends MultiDbError {
  /** @internal */
  static override readonly [CLASS_BRAND]: string = 'DatabaseSwitchedError';

  constructor(message: string, details?: MultiDbErrorDetails) {
    super('DATABASE_SWITCHED', message, details);
  }
}

/** The database named in a management call can't serve; the message says why. */
export class DatabaseUnavailableError extends MultiDbError {
  /** @internal */
  static override readonly [CLASS_BRAND]: string = 'DatabaseUnavailableError';

  constructor(message: string, details?: MultiDbErrorDetails) {
    super('DATABASE_UNAVAILABLE', message, details);
  }
}

/** Why one database was not available at `connect()`. */
export interface InitializationFailure {
  /** The id of the database. */
  readonly databaseId: string;
  /** Description of the failure. */
  readonly reason: string;
  /** The error that caused it; undefined without one. */
  readonly cause?: unknown;
}

/** `connect()` could not meet the initialization policy; `failures` says why for each database. */
export class InitializationFailedError extends MultiDbError {
  /** @internal */
  static override readonly [CLASS_BRAND]: string = 'InitializationFailedError';

  /** Why each database was not available. */
  readonly failures: readonly InitializationFailure[];

  constructor(message: string, failures: readonly InitializationFailure[]) {
    super('INITIALIZATION_FAILED', message, { cause: failures[0]?.cause });
    this.failures = failures;
  }
}

/** An option or an argument is invalid. */
export class InvalidOptionError extends MultiDbError {
  /** @internal */
  static override readonly [CLASS_BRAND]: string = 'InvalidOptionError';

  /** Path of the option, such as `databases[1].weight`. */
  readonly option: string;
  /**
   * The received value if it is a number, a boolean, null, undefined or a short text. Otherwise a
   * description (`an object`), because an object may hold a password.
   */
  readonly received: unknown;

  constructor(option: string, expected: string, received: unknown) {
    const harmless = shownValue(received, option);
    const text = typeof received === 'string' ? JSON.stringify(harmless) : String(harmless);
    const path = shownPath(option);
    super('INVALID_OPTION', `${path}: expected ${expected}, received ${text}`);
    this.option = path;
    this.received = harmless;
  }
}

/** The position of a problem in a config file; lines and columns count from 1. */
export interface ConfigPlace {
  /** The path of the config file. */
  readonly file: string;
  /** The line, from 1. */
  readonly line?: number | undefined;
  /** The column, from 1. */
  readonly column?: number | undefined;
  /** Path of the option, such as `databases[1].weight`. */
  readonly option?: string | undefined;
}

const LONGEST_CONFIG_ERROR = 2000;

/** A config file cannot be read, is not valid JSON, or holds an invalid option. Never shows a secret. */
export class InvalidConfigError extends MultiDbError {
  /** @internal */
  static override readonly [CLASS_BRAND]: string = 'InvalidConfigError';

  /** The path of the config file. */
  readonly file: string;
  /** The line, from 1; undefined if the whole file is meant. */
  readonly line: number | undefined;
  /** The column, from 1; undefined if the whole file is meant. */
  readonly column: number | undefined;
  /** The path of the option, such as `databases[1].weight`; undefined if no option is meant. */
  readonly option: string | undefined;
  /** Further mistakes in the same file, in the order of their places. */
  readonly others: readonly InvalidConfigError[] = [];

  constructor(message: string, place: Partial<ConfigPlace> = {}, cause?: unknown) {
    const { file = 'config', line, column, option } = place;
    const at = line === undefined ? file : `${file}:${line}:${column}`;
    // Names of the file stand in it.
    super('INVALID_CONFIG', cleanText(`${at}: ${message}`, LONGEST_CONFIG_ERROR), { cause });
    this.file = file;
    this.line = line;
    this.column = column;
    this.option = option === undefined ? undefined : shownPath(option);
  }

  /** The same error, which also names others. @internal */
  withOthers(others: readonly InvalidConfigError[]): InvalidConfigError {
    const { file, line, column, option } = this;
    const named = new InvalidConfigError('', { file, line, column, option }, this.cause);
    const count = others.length === 1 ? '1 more error' : `${others.length} more errors`;
    return Object.assign(named, { message: `${this.message} (and ${count})`, others });
  }
}

/** No database has this id. */
export class UnknownDatabaseError extends MultiDbError {
  /** @internal */
  static override readonly [CLASS_BRAND]: string = 'UnknownDatabaseError';

  constructor(databaseId: string, known: readonly string[]) {
    super(
      'UNKNOWN_DATABASE',
      `unknown database ${quoted(databaseId)}; known are ${known.map(quoted).join(', ')}`,
      { databaseId: String(shownValue(databaseId)) },
    );
  }
}

/** The client is not open: `connect()` was not called, or `close()` or `destroy()` was. */
export class ClientClosedError extends MultiDbError {
  /** @internal */
  static override readonly [CLASS_BRAND]: string = 'ClientClosedError';

  /** Whether the command had been accepted and was pending when `destroy()` was called. */
  readonly wasPending: boolean;

  constructor(
    message = 'The client is closed',
    details?: MultiDbErrorDetails & { readonly wasPending?: boolean },
  ) {
    super('CLIENT_CLOSED', message, details);
    this.wasPending = details?.wasPending ?? false;
  }

  /** For what was pending when the client was destroyed. @internal */
  static disconnected(details?: MultiDbErrorDetails): ClientClosedError {
    return new ClientClosedError('Disconnects client', { ...details, wasPending: true });
  }
}

/** A library of `preloadFunctions` could not be loaded. An `error` event; no command rejects with it. */
export class FunctionLoadError extends MultiDbError {
  /** @internal */
  static override readonly [CLASS_BRAND]: string = 'FunctionLoadError';

  constructor(message: string, details?: MultiDbErrorDetails) {
    super('FUNCTION_LOAD_FAILED', message, details);
  }
}

/** The active database serves reads only, until it is promoted. The command was not sent. */
export class NotWritableError extends MultiDbError {
  /** @internal */
  static override readonly [CLASS_BRAND]: string = 'NotWritableError';

  constructor(message: string, details?: MultiDbErrorDetails) {
    super('NOT_WRITABLE', message, details);
  }
}

/** `maxPendingCommands` commands are already pending. The command was not sent. */
export class OverloadedError extends MultiDbError {
  /** @internal */
  static override readonly [CLASS_BRAND]: string = 'OverloadedError';

  constructor(message: string, details?: MultiDbErrorDetails) {
    super('OVERLOADED', message, details);
  }
}

/** No connection of a pool became free within its `acquireTimeout`; the command was not sent. */
export class AcquireTimeoutError extends MultiDbError {
  /** @internal */
  static override readonly [CLASS_BRAND]: string = 'AcquireTimeoutError';

  constructor(message: string, details?: MultiDbErrorDetails) {
    super('ACQUIRE_TIMEOUT', message, details);
  }
}

/**
 * Told by an `error` event: a database refuses to subscribe to what is wanted (NOPERM), after
 * another one had allowed it. It stays wanted and is asked for again.
 */
export class SubscriptionRefusedError extends MultiDbError {
  /** @internal */
  static override readonly [CLASS_BRAND]: string = 'SubscriptionRefusedError';

  /** Channels and patterns. */
  readonly names: readonly string[];

  constructor(message: string, names: readonly string[], details?: MultiDbErrorDetails) {
    super('SUBSCRIPTION_REFUSED', message, details);
    this.names = names;
  }
}

/** A steering document is not valid. */
export class InvalidSteeringError extends MultiDbError {
  /** @internal */
  static override readonly [CLASS_BRAND]: string = 'InvalidSteeringError';

  /** The path in the document, such as `spread[0].share`; empty for the whole document. */
  readonly path: string;

  constructor(path: string, expected: string, received: unknown) {
    const harmless = shownValue(received, path);
    const text = typeof received === 'string' ? JSON.stringify(harmless) : String(harmless);
    const at = shownPath(path);
    const where = at === '' ? 'the document' : at;
    super('INVALID_STEERING', `${where}: expected ${expected}, received ${text}`);
    this.path = at;
  }
}

/**
 * Told by an `error` event: a steering source can't be read, or what it delivers is not obeyed. The
 * steering in force does not change.
 */
export class SteeringSourceError extends MultiDbError {
  /** @internal */
  static override readonly [CLASS_BRAND]: string = 'SteeringSourceError';

  /** The name of the source, with the place in it that is meant. */
  readonly source: string;

  constructor(source: string, message: string, details?: MultiDbErrorDetails) {
    super('STEERING_SOURCE_FAILED', `steering source ${source}: ${message}`, details);
    this.source = source;
  }
}

/** What was called is not available on a client of several databases; the message says what is. */
export class UnsupportedError extends MultiDbError {
  /** @internal */
  static override readonly [CLASS_BRAND]: string = 'UnsupportedError';

  constructor(message: string) {
    super('UNSUPPORTED', message);
  }
}

function quoted(value: unknown): string {
  const plain = shownValue(value);
  return typeof plain === 'string' ? JSON.stringify(plain) : String(plain);
}
