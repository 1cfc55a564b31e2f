import type { Database } from '../database.js';
import { abort } from './abort-signal.js';
import type { ClientContext } from './client-context.js';
import type { Command } from './command.js';
import { countRetry } from './counting.js';
import type { HeldGroup } from './retry-queue.js';

/** The active database of commands that wait for it is checked this often, in milliseconds. */
const CHECK_AGAIN_MS = 250;

/** Has a command wait for its next attempt; not when the active database or its connection has changed. */
export function retry(client: ClientContext, command: Command): void {
  const { route, search } = client.coordinator;
  if (!client.isAlive) {
    client.rejectClosed(command);
    return;
  }
  if (command.options?.abortSignal?.aborted) {
    abort(client, command);
    return;
  }
  if (route.state === 'down') {
    const { lastError: cause, maybeExecuted } = command;
    client.reject(command, search.error({ cause, maybeExecuted }));
    return;
  }
  countRetry(command);
  const isElsewhere = route.database !== command.database || command.latest?.isSuperseded === true;
  if (route.database !== undefined && isElsewhere) client.resend([command]);
  else {
    client.waiting.addRetry(command, client.loop.time);
  }
}

/**
 * The wait of commands before their next attempt is over. While the active database fails and is
 * given time to heal, they go on waiting until its checks pass: sending them would use their
 * attempts up, and keep a server busy that refuses them anyway.
 */
export function resume(client: ClientContext, commands: readonly Command[]): void {
  const { health, route } = client.coordinator;
  const { database } = route;
  if (database === undefined || !isGivenTime(client, database)) {
    client.resend(commands);
    return;
  }
  const group = client.waiting.retries.hold(commands);
  if (group === undefined) return;
  askAgain(client, database, group);
  health.whenSettled(database).then(() => client.resend(client.waiting.retries.release(group)));
}

function isGivenTime(client: ClientContext, database: Database): boolean {
  const { failingSince, isChecked, options, maintenanceEndsAt } = database;
  if (failingSince === undefined || !isChecked) return false;
  return options.unhealthyAfterMs > 0 || maintenanceEndsAt > client.coordinator.now;
}

/** Has the database checked at this pace while commands wait for it, whichever client asks. */
function askAgain(client: ClientContext, database: Database, group: HeldGroup): void {
  const { health, runtime } = client.coordinator;
  const seen = database.lastProbe;
  group.timer = runtime.clock.after(CHECK_AGAIN_MS, () => {
    if (group.commands.size === 0) {
      client.waiting.retries.release(group);
      return;
    }
    if (database.lastProbe === seen) health.suspect(database, {});
    askAgain(client, database, group);
  });
}
