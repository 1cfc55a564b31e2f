import { onceAborted } from './abort-listeners.js';
import type { ClientContext } from './client-context.js';
import type { Command } from './command.js';

/** As in node-redis, a command in flight cannot be aborted. */
export function listenForAbort(client: ClientContext, command: Command, signal: AbortSignal): void {
  const onAbort = () => {
    // A command in flight cannot be aborted. An earlier attempt on a database that was left can be:
    // the caller does not have to wait for it.
    if (command.state === 'sent' && command.latest?.takeBack() !== true) return;
    client.waiting.remove(command);
    abort(client, command);
  };
  command.removeAbortListener = onceAborted(signal, onAbort);
}

/**
 * Rejects with the error of the library, which also says whether the command may have been
 * executed.
 */
export function abort(client: ClientContext, command: Command): void {
  const { maybeExecuted } = command;
  const error = Object.assign(abortError(client), { maybeExecuted });
  client.reject(command, error, 'aborted');
}

export function abortError(client: ClientContext): Error {
  const [database] = client.coordinator.databases.values();
  return Object.assign(database?.driver.abortError() ?? new Error('aborted'), {
    maybeExecuted: false,
  });
}
