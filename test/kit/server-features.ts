/** What the server under test (`REDIS_SERVER`) has. */
import { majorVersion } from '../../src/test-bed/server/redis-config.js';
import { startRedis } from '../../src/test-bed/server/redis-server.js';

/** Whether it was built with TLS: without it, it refuses the directive. */
export async function hasTls(): Promise<boolean> {
  const start = startRedis({ config: { 'tls-port': 0 } });
  return start.then(
    (server) => server.dispose().then(() => true),
    () => false,
  );
}

/**
 * Whether it has what came with Redis 7.0: functions, sharded pub/sub, statistics and permissions of
 * subcommands, and read-only forms of commands.
 */
export async function isRedis7(): Promise<boolean> {
  return (await majorVersion(process.env.REDIS_SERVER ?? 'redis-server')) >= 7;
}
