import { upperCase } from '../../core/command-arguments.js';
import { asksForReplicas } from '../../core/command-category.js';
import { mayWrite } from '../../core/command-risk.js';
import { ConnectionLostError, DatabaseSwitchedError, UnsupportedError } from '../../errors.js';
import type { ClientContext } from './client-context.js';
import type { Command } from './command.js';
import type { DataConnection } from './data-connection.js';

/**
 * Returns the reason why a command that is bound to one database must not use the current route;
 * `undefined` if it may.
 */
export function boundElsewhere(client: ClientContext, command: Command): Error | undefined {
  const { generation, database } = client.coordinator.route;
  const pass = command.options?.pass;
  if (pass?.holds(generation) === false) {
    command.database ??= pass.database;
    return switched(command);
  }
  if (database === undefined) return undefined;
  if (asksForReplicas(command.args)) return writtenElsewhere(client, command);
  command.database ??= pass?.database;
  command.database ??= client.cursors.otherThan(database, command) ?? database;
  return command.database === database ? undefined : switched(command);
}

/**
 * WAIT and WAITAOF count the replicas that have the writes of their own connection. On a connection
 * without writes they reply as if all replicas had them. They therefore only go over the connection
 * of the latest answered write.
 */
function writtenElsewhere(client: ClientContext, command: Command): Error | undefined {
  const { active, coordinator, lastWrite } = client;
  const name = upperCase(command.args[0]);
  if (active?.connection.hasLanes) return new UnsupportedError(`${name}: ${SEVERAL_CONNECTIONS}`);
  if (lastWrite === undefined || lastWrite === active || isWriting(active)) return undefined;
  command.database = lastWrite.database;
  const { databaseId } = command;
  if (lastWrite.database !== coordinator.route.database) return switched(command);
  const message = `${name} counts the writes of its own connection, and the last write to ${databaseId} went over another connection`;
  return new ConnectionLostError(message, { databaseId });
}

const SEVERAL_CONNECTIONS =
  'the command counts the writes of its own connection, and this database has several connections; send it after the write in one `execAsPipeline()`, or in `transaction()`';

/** Whether a write is in flight on `channel`. */
function isWriting(channel: DataConnection | undefined): boolean {
  for (let at = channel?.oldest; at !== undefined; at = at.next) {
    if (mayWrite(at.command.traits.category)) return true;
  }
  return false;
}

/** Error of a command that belongs to a server that no longer serves it. */
export function switched(
  { maybeExecuted, databaseId }: Command,
  why = 'which is no longer active',
): DatabaseSwitchedError {
  const message = `the command belongs to ${databaseId}, ${why}`;
  return new DatabaseSwitchedError(message, { maybeExecuted, databaseId });
}
