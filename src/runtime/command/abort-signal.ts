import { onceAborted } from './abort-listeners.js';
import type { ClientContext } from './client-context.js';
import type { Command } from './command.js';

/** As in node-redis, a command that is on its way can't be aborted any more. */
export function listenForAbort(client: ClientContext, command: Command, signal: AbortSignal): void {
  const onAbort = () => {
    // One that is on its way can't be aborted. An earlier attempt may be, to a database that was
    // left: the caller does not have to wait for that one.
    if (command.state === 'sent' && command.latest?.takeBack() !== true) return;
    client.waiting.remove(command);
    abort(client, command);
  };
  command.removeAbortListener = onceAborted(signal, onAbort);
}

/** Rejects with the library's own error, which says as well whether the command may have run. */
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
