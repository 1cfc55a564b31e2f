import { isMultiDbError, type MultiDbErrorCode } from '../errors.js';
import type { ErrorKind } from './classify.js';

/**
 * How a command failed, as it is counted:
 *
 * - `application-reply`, `state-reply`, `state-word-inside`, `access`, `never-sent`, `caller`: what
 *   its last error was, as in `ErrorKind`
 * - `connection-lost`: the connection broke while it was in progress
 * - `timed-out`: `commandTimeoutMs` or `commandDeadlineMs` passed
 * - `aborted`: the caller's `AbortSignal`
 * - `unavailable`: no database could serve, or only reads
 * - `overloaded`: `maxPendingCommands` were pending
 * - `switched`: it belongs to a database that is no longer active
 * - `closed`: the client was, or was being, closed
 */
export const COMMAND_FAILURES = Object.freeze([
  'application-reply',
  'state-reply',
  'state-word-inside',
  'access',
  'never-sent',
  'connection-lost',
  'timed-out',
  'aborted',
  'unavailable',
  'overloaded',
  'switched',
  'closed',
  'caller',
] as const);

/** One of `COMMAND_FAILURES`. */
export type CommandFailure = (typeof COMMAND_FAILURES)[number];

const BY_CODE: Partial<Record<MultiDbErrorCode, CommandFailure>> = {
  TEMPORARILY_UNAVAILABLE: 'unavailable',
  PERMANENTLY_UNAVAILABLE: 'unavailable',
  COMMAND_TIMEOUT: 'timed-out',
  CONNECTION_LOST: 'connection-lost',
  DATABASE_SWITCHED: 'switched',
  CLIENT_CLOSED: 'closed',
  OVERLOADED: 'overloaded',
  NOT_WRITABLE: 'unavailable',
};

/** Classification of an error that the engine did not create. */
export type FailureKind = ErrorKind | 'aborted';

export function commandFailureOf(error: unknown, kind?: FailureKind): CommandFailure {
  if (isMultiDbError(error)) return BY_CODE[error.code] ?? 'caller';
  if (kind === undefined) return 'caller';
  return kind === 'unknown-outcome' ? 'connection-lost' : kind;
}

/**
 * A reply of the server determines the outcome of the command; other errors may leave it unknown.
 */
export function leavesOutcomeOpen(failure: CommandFailure, maybeExecuted: boolean): boolean {
  return maybeExecuted && failure !== 'application-reply' && failure !== 'state-word-inside';
}
