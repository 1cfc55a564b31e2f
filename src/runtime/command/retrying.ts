import type { Database } from '../database.js';
import { abort } from './abort-signal.js';
import type { Command } from './command.js';
import { countRetry } from './counting.js';
import type { Executor } from './executor.js';
import type { HeldGroup } from './retry-queue.js';

/** The active database of commands that wait for it is checked this often, in milliseconds. */
const CHECK_AGAIN_MS = 250;

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

/**
 * The wait of commands before their next attempt is over. While the active database fails and is
 * given time to heal, they go on waiting until its checks pass: sending them would use their
 * attempts up, and keep a server busy that refuses them anyway.
 */
export function resume(executor: Executor, commands: readonly Command[]): void {
  const { health, route } = executor.coordinator;
  const { database } = route;
  if (database === undefined || !isGivenTime(executor, database)) {
    executor.resend(commands);
    return;
  }
  const group = executor.retries.hold(commands);
  if (group === undefined) return;
  askAgain(executor, database, group);
  health.whenSettled(database).then(() => executor.resend(executor.retries.release(group)));
}

function isGivenTime(executor: Executor, database: Database): boolean {
  const { failingSince, isChecked, options, maintenanceEndsAt } = database;
  if (failingSince === undefined || !isChecked) return false;
  return options.unhealthyAfterMs > 0 || maintenanceEndsAt > executor.coordinator.now;
}

/** Has the database checked at this pace while commands wait for it, whichever client asks. */
function askAgain(executor: Executor, database: Database, group: HeldGroup): void {
  const { health, runtime } = executor.coordinator;
  const seen = database.lastProbe;
  group.timer = runtime.clock.after(CHECK_AGAIN_MS, () => {
    if (group.commands.size === 0) {
      executor.retries.release(group);
      return;
    }
    if (database.lastProbe === seen) health.suspect(database, {});
    askAgain(executor, database, group);
  });
}

/** A newer connection has taken the place of the one over which it went last. */
function isSuperseded({ latest }: Command): boolean {
  return latest?.channel.superseded === true;
}
