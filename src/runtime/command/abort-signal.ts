import { onceAborted } from './abort-listeners.js';
import type { Command } from './command.js';
import type { Executor } from './executor.js';

/** As in node-redis, a command that is on its way can't be aborted any more. */
export function listenForAbort(executor: Executor, command: Command, signal: AbortSignal): void {
  const onAbort = () => {
    if (command.state === 'sent' && !takeBack(command)) return;
    executor.retries.remove(command);
    executor.blocking.held.delete(command);
    abort(executor, command);
  };
  command.removeAbortListener = onceAborted(signal, onAbort);
}

/** Rejects with the library's own error, which says as well whether the command may have run. */
export function abort(executor: Executor, command: Command): void {
  const { maybeExecuted } = command;
  const error = Object.assign(abortError(executor), { maybeExecuted });
  executor.reject(command, error, 'aborted');
}

export function abortError(executor: Executor): Error {
  const [database] = executor.coordinator.databases.values();
  return Object.assign(database?.driver.abortError() ?? new Error('aborted'), {
    maybeExecuted: false,
  });
}

/**
 * False: it is on its way. An earlier attempt may be, to a database that was left: the caller does
 * not have to wait for that one.
 */
function takeBack(command: Command): boolean {
  const { latest } = command;
  if (!latest?.listed || !latest.channel.connection.withdraw(latest)) return false;
  latest.lane.remove(latest);
  command.outstanding -= 1;
  return true;
}
