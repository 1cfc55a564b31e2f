import { type NodeRedisOptions, respOf } from './options.js';

/** node-redis's own default for relaxed timeouts. */
const RELAXED_MS = 10_000;

/** A push message about planned maintenance. */
export type Announcement =
  /** Maintenance begins; for `forMs` milliseconds slow or refused commands are not a failure. */
  { readonly forMs: number } | { readonly ended: true };

interface PushClient {
  _getQueue?(): { addPushHandler?(handler: (push: unknown) => boolean): void };
  sendCommand(args: string[]): Promise<unknown>;
}

/**
 * Asks the server to announce maintenance and reports the announcements. Redis Software and Redis
 * Cloud support this; other servers reply with an error, which is ignored. node-redis's own
 * handling is off, because it swaps sockets below the engine. Here the server closes a connection
 * that moves, and the engine opens a new one to the same host name.
 */
export function followMaintenance(
  client: unknown,
  options: NodeRedisOptions,
  onAnnouncement: (announcement: Announcement) => void,
): { announce(): void } {
  const { _getQueue, sendCommand } = client as PushClient;
  if (respOf(options) === 2 || options.maintNotifications === 'disabled')
    return { announce: () => {} };
  // In node-redis 0 means no timeout; here the announced end may never come.
  const relaxedMs = options.maintRelaxedCommandTimeout || RELAXED_MS;
  const queue = _getQueue?.call(client);
  queue?.addPushHandler?.((push) => {
    const announcement = read(push, relaxedMs);
    if (announcement !== undefined) onAnnouncement(announcement);
    return announcement !== undefined;
  });
  const ask = ['CLIENT', 'MAINT_NOTIFICATIONS', 'ON', 'moving-endpoint-type', 'none'];
  return { announce: () => void sendCommand.call(client, ask).catch(() => {}) };
}

/**
 * Reads a push message: MOVING sequence seconds endpoint; MIGRATING and FAILING_OVER, which
 * MIGRATED and FAILED_OVER end.
 */
function read(push: unknown, relaxedMs: number): Announcement | undefined {
  if (!Array.isArray(push)) return undefined;
  switch (String(push[0])) {
    case 'MOVING': {
      const seconds = Number(push[2]);
      return { forMs: relaxedMs + (seconds > 0 && seconds < 3600 ? seconds * 1000 : 0) };
    }
    case 'MIGRATING':
    case 'SMIGRATING':
    case 'FAILING_OVER':
      return { forMs: relaxedMs };
    case 'MIGRATED':
    case 'SMIGRATED':
    case 'FAILED_OVER':
      return { ended: true };
    default:
      return undefined;
  }
}
