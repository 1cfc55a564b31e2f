/** What the server under test (`REDIS_SERVER`) has. */
import { freePort } from '../../src/test-bed/server/free-port.js';
import { majorVersion } from '../../src/test-bed/server/redis-config.js';
import { startRedis } from '../../src/test-bed/server/redis-server.js';

/**
 * Whether it was built with TLS. Asked for a TLS port without a certificate, such a server misses the
 * certificate, and others miss TLS.
 */
export async function hasTls(): Promise<boolean> {
  const start = startRedis({ config: { 'tls-port': await freePort() } });
  return start.then(
    (server) => server.dispose().then(() => true),
    (error) => String(error).includes('tls-cert-file'),
  );
}

/**
 * Whether it has what came with Redis 7.0: functions, sharded pub/sub, statistics and permissions of
 * subcommands, and read-only forms of commands.
 */
export async function isRedis7(): Promise<boolean> {
  return (await majorVersion(process.env.REDIS_SERVER ?? 'redis-server')) >= 7;
}
