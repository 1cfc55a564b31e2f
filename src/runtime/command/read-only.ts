import { RISK } from '../../core/command-risk.js';
import { type MultiDbErrorDetails, NotWritableError } from '../../errors.js';
import type { ClientContext } from './client-context.js';
import type { Command } from './command.js';
import { suspendDeadline } from './outage-waits.js';

/**
 * Whether a replica would refuse the command. What concerns the server itself is sent, or nobody
 * could promote it over this client.
 */
function isRefusedByReplica({ traits: { category } }: Command): boolean {
  return category === 'never' || (RISK[category] > RISK.read && RISK[category] < RISK.admin);
}

/** The error of a write while the active database serves reads only. */
export function notWritable(client: ClientContext, details: MultiDbErrorDetails = {}): Error {
  const databaseId = client.coordinator.route.database?.id;
  const message = `${databaseId} serves reads only until it is promoted`;
  return new NotWritableError(message, { ...details, databaseId });
}

/**
 * The active database serves reads only: keeps a write waiting until it is promoted, or rejects it,
 * as `readOnlyWrites` says. Returns false for a command that may be sent.
 */
export function keepWrite(client: ClientContext, command: Command): boolean {
  if (!isRefusedByReplica(command)) return false;
  const { runtime } = client.coordinator;
  const { maybeExecuted } = command;
  const error = notWritable(client, { maybeExecuted });
  if (runtime.options.readOnlyWrites === 'reject') client.reject(command, error);
  else {
    command.lastError = error;
    suspendDeadline(client, command);
    client.waiting.holdWrite(command);
  }
  return true;
}
