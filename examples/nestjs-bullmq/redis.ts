// One ioredis client for the whole process. Copy this file and change the databases.

import type { ConnectionOptions } from 'bullmq';
import { Redis } from 'ioredis';
import { createMultiDbRedis } from 'redis-multidb/ioredis';

const { EAST_URL = 'redis://localhost:6379', WEST_URL = 'redis://localhost:6380' } = process.env;

export const redis = createMultiDbRedis({
  Redis,
  // What BullMQ requires of its clients.
  redis: { maxRetriesPerRequest: null },
  databases: [
    { id: 'east', weight: 1.0, redis: EAST_URL },
    { id: 'west', weight: 0.5, redis: WEST_URL },
  ],
});

redis.on('switch', ({ from, to, reason, cause }) => {
  console.warn(`redis: ${from ?? 'none'} -> ${to ?? 'none'} (${reason}: ${cause})`);
});
redis.on('error', (error) => console.error('redis:', error));

/**
 * For BullMQ. A script that a switch has cut off is repeated: lock tokens guard those of workers, and
 * every job has an id of its own, so that it is added only once. The cast spares the compiler the
 * comparison of two very large types.
 */
const forQueues = redis.withRetrySafety('accumulating');
export const connection = forQueues as unknown as ConnectionOptions;

/** For workers: while no database serves they wait, and go on as soon as one does. */
export const workerConnection = forQueues.withOutage('wait') as unknown as ConnectionOptions;
