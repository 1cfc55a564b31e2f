import { DatabaseSwitchedError } from '../errors.js';
import type { Command } from './command.js';
import type { Executor } from './executor.js';

/**
 * Why a command that belongs to one database must not go where commands go at present;
 * `undefined`: it may.
 */
export function boundElsewhere(executor: Executor, command: Command): Error | undefined {
  const { generation, database } = executor.coordinator.route;
  const pass = command.options?.pass;
  if (pass?.holds(generation) === false) {
    command.database ??= pass.database;
    return switched(command);
  }
  if (database === undefined) return undefined;
  command.database ??= pass?.database;
  command.database ??= executor.cursors.otherThan(database, command) ?? database;
  return command.database === database ? undefined : switched(command);
}

/** For what belongs to a server that does not serve it any more. */
export function switched(
  { maybeExecuted, databaseId }: Command,
  why = 'which is no longer active',
): DatabaseSwitchedError {
  const message = `the command belongs to ${databaseId}, ${why}`;
  return new DatabaseSwitchedError(message, { maybeExecuted, databaseId });
}
