// One ioredis client for the whole process. Copy this file and change the databases.

import { Redis } from 'ioredis';
import { createMultiDbRedis } from 'redis-multidb/ioredis';

const { EAST_URL = 'redis://localhost:6379', WEST_URL = 'redis://localhost:6380' } = process.env;

export const redis = createMultiDbRedis({
  Redis,
  databases: [
    { id: 'east', weight: 1.0, redis: EAST_URL },
    { id: 'west', weight: 0.5, redis: WEST_URL },
  ],
});

redis.on('switch', ({ from, to, reason, cause }) => {
  console.warn(`redis: ${from ?? 'none'} -> ${to ?? 'none'} (${reason}: ${cause})`);
});
redis.on('error', (error) => console.error('redis:', error));
