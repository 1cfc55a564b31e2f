import type { CommandArgument } from '../../core/command-argument.js';
import type { ProbeTarget } from '../../health-strategies/strategy.js';
import type { Database } from '../database.js';
import { orAborted } from './or-aborted.js';
import type { SharedProbeConnection } from './shared-probe-connection.js';

/** The probe connections of one database. */
export interface ProbeLines {
  readonly database: Database;
  readonly commands: SharedProbeConnection;
  /** Separate, because a RESP 2 subscriber takes no commands. */
  readonly subscriptions: SharedProbeConnection;
}

/** Closes connections that no probe uses now; the next probe that needs them opens them. */
export function restUnused({ commands, subscriptions }: ProbeLines): void {
  if (!commands.isWaiting) commands.renew();
  if (!subscriptions.isWaiting) subscriptions.renew();
}

/** Returns the handle of one database for a probe, valid until `signal` aborts. */
export function probeTarget(lines: ProbeLines, signal: AbortSignal): ProbeTarget {
  const { database } = lines;
  return {
    databaseId: database.id,
    host: database.driver.host,
    port: database.driver.port,
    get connected() {
      return database.connected;
    },

    get shardTags() {
      return database.driver.shardTags;
    },

    sendCommand: (args: readonly CommandArgument[]) =>
      orAborted(
        lines.commands.use(signal, (connection) => connection.send(args)),
        signal,
      ),

    subscribe(channel, onMessage) {
      const hear = (message: string) => {
        if (!signal.aborted) onMessage(message);
      };
      let answered = false;
      const giveUp = () => {
        // A connection that does not answer is useless to the next probe.
        if (!answered) lines.subscriptions.renew();
      };
      signal.addEventListener('abort', giveUp, { once: true });
      const subscribed = lines.subscriptions.use(signal, async (connection) => {
        try {
          await connection.subscribe(channel, hear);
        } finally {
          answered = connection.alive;
        }
        const leave = () => connection.unsubscribe(channel, hear);
        if (signal.aborted) leave();
        else signal.addEventListener('abort', leave, { once: true });
      });
      return orAborted(subscribed, signal);
    },
  };
}
