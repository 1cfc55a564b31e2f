import type { Timer } from '../../clock.js';
import { ClientClosedError, InitializationFailedError } from '../../errors.js';
import type { Database } from '../database.js';
import { initializationFailure } from '../failover/initialization.js';
import type { Executor } from './executor.js';

/**
 * Resolves when a client that joins a running group can serve, that is, when its connection to the
 * active database is ready. Follows switches. Rejects with `InitializationFailedError` when no
 * database serves, or when the connect timeout of the active one passes, but not before
 * `keepConnectingMs` have passed.
 *
 * The group is not affected: what keeps one client from joining is not a failure of a database.
 */
export function whenServing(executor: Executor): Promise<void> {
  const { coordinator } = executor;
  const keepUntil = coordinator.now + coordinator.runtime.options.keepConnectingMs;
  return new Promise((resolve, reject) => {
    let awaited: Database | undefined;
    let timer: Timer | undefined;

    const settle = (error?: Error) => {
      executor.onServing = undefined;
      timer?.cancel();
      if (error === undefined) resolve();
      else reject(error);
    };
    const giveUpAfter = (ms: number, databases: readonly Database[]) => {
      timer?.cancel();
      const keepMs = keepUntil - coordinator.now;
      const giveUp = () => settle(failed(databases));
      if (keepMs > ms) timer = coordinator.runtime.clock.after(keepMs, giveUp);
      else if (ms > 0) timer = executor.loop.after(ms, giveUp);
      else giveUp();
    };
    const look = () => {
      const { database, state } = coordinator.route;
      // A client that finishes what was accepted before it served still has to serve.
      if (!executor.isAlive) settle(new ClientClosedError());
      else if (executor.ready) settle();
      else if (state === 'down') {
        awaited = undefined;
        giveUpAfter(0, coordinator.all());
      } else if (database !== awaited) {
        timer?.cancel();
        awaited = database;
        if (database !== undefined) giveUpAfter(database.driver.connectTimeoutMs, [database]);
      }
    };
    executor.onServing = look;
    look();
  });
}

function failed(databases: readonly Database[]): InitializationFailedError {
  const failures = databases.map((database) => initializationFailure(database));
  const list = failures.map(({ databaseId, reason }) => `${databaseId}: ${reason}`).join('; ');
  return new InitializationFailedError(`the client could not join its group: ${list}`, failures);
}
