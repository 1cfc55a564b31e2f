import { abort } from './aborting.js';
import type { Command } from './command.js';
import { countRetry } from './counting.js';
import type { Executor } from './executor.js';

/** Has a command wait for its next attempt; not when the active database or its connection has changed. */
export function retry(executor: Executor, command: Command): void {
  const { route, search } = executor.coordinator;
  if (!executor.isAlive) {
    executor.rejectClosed(command);
    return;
  }
  if (command.options?.abortSignal?.aborted) {
    abort(executor, command);
    return;
  }
  if (route.state === 'down') {
    const { lastError: cause, maybeExecuted } = command;
    executor.reject(command, search.error({ cause, maybeExecuted }));
    return;
  }
  countRetry(command);
  const isElsewhere = route.database !== command.database || isSuperseded(command);
  if (route.database !== undefined && isElsewhere) executor.resend([command]);
  else {
    command.state = 'waiting';
    executor.retries.add(command, executor.loop.time);
    executor.noteWaiting(command);
  }
}

/** A newer connection has taken the place of the one over which it went last. */
function isSuperseded({ latest }: Command): boolean {
  return latest?.channel.superseded === true;
}
