// One client for the whole process. Copy this file and change the databases.

import { createMultiDbClient } from 'redis-multidb';
import { redisSteering } from 'redis-multidb/steering';

const { EAST_URL = 'redis://localhost:6379', WEST_URL = 'redis://localhost:6380' } = process.env;

// `npx redis-multidb steer drain east --key ops:steering ...`, and the status page, move all processes.
export const steering = redisSteering({ key: 'ops:steering' });

export const redis = createMultiDbClient({
  // The databases may start together with this process.
  keepConnectingMs: 60_000,
  steering,
  databases: [
    { id: 'east', weight: 1.0, client: { url: EAST_URL } },
    { id: 'west', weight: 0.5, client: { url: WEST_URL } },
  ],
});

redis.on('switch', ({ from, to, reason, cause }) => {
  console.warn(`redis: ${from ?? 'none'} -> ${to ?? 'none'} (${reason}: ${cause})`);
});
redis.on('error', (error) => console.error('redis:', error));
