import { channel } from 'node:diagnostics_channel';
import type { PoolObserver } from '../pool/pool-connection.js';

const POOL_WAITS = channel('node-redis:pool:connection-wait');

/**
 * Reports how long each command of a pool waits for a connection, while the channel has
 * subscribers.
 */
export const poolWaits: PoolObserver = {
  get isActive() {
    return POOL_WAITS.hasSubscribers;
  },
  onAcquired: (connection, askedAt) => {
    const { clientId } = connection as { readonly clientId?: string };
    POOL_WAITS.publish({ clientId, waitStartTimestamp: askedAt });
  },
};
