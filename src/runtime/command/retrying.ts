import type { Database } from '../database.js';
import { abort } from './abort-signal.js';
import type { ClientContext } from './client-context.js';
import type { Command } from './command.js';
import { countRetry } from './counting.js';
import { beginOutage } from './outage-waits.js';
import type { HeldGroup } from './retry-queue.js';

/** Interval at which the active database is checked while commands wait for it, in milliseconds. */
const CHECK_AGAIN_MS = 250;

/**
 * Makes a command wait for its next attempt. It is sent at once if the active database or its
 * connection has changed.
 */
export function retry(client: ClientContext, command: Command): void {
  const { route } = client.coordinator;
  if (!client.isAlive) {
    client.rejectClosed(command);
    return;
  }
  if (command.options?.abortSignal?.aborted) {
    abort(client, command);
    return;
  }
  if (route.state === 'down') {
    beginOutage(client, [command]);
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
 * The wait of commands before their next attempt is over. While the active database fails during
 * its failover delay, they keep waiting until its checks pass: sending them would use up their
 * attempts and add load to a server that refuses them anyway.
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
  health.conditions
    .whenSettled(database)
    .then(() => client.resend(client.waiting.retries.release(group)));
}

function isGivenTime(client: ClientContext, database: Database): boolean {
  const { failingSince, isChecked, options, maintenanceEndsAt, unchecked } = database;
  if (failingSince === undefined || !isChecked || unchecked) return false;
  return options.unhealthyAfterMs > 0 || maintenanceEndsAt > client.coordinator.now;
}

/** Checks the database every `CHECK_AGAIN_MS` while commands of any client wait for it. */
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
