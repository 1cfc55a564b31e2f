/** Three servers of the drill's own, for users without servers for a drill. */
import { randomBytes } from 'node:crypto';
import { resolveOptions } from '../../options/validate.js';
import { type RedisServer, startRedis } from '../../test-bed/server/redis-server.js';
import { FailedError } from '../exit.js';
import type { Target } from '../target.js';

const IDS = ['east', 'west', 'south'];

/** Checks every second, so that a failback does not take most of the drill. */
const HEALTH_CHECK = { intervalMs: 1000, delayInBetweenProbesMs: 100 };

/** Far above the latency of a local server, also on a busy machine. */
const SLOW_CALL_MS = 250;

export interface OwnServers {
  readonly target: Target;
  /** Kills the servers and removes their directories. Idempotent. */
  stop(): Promise<void>;
}

/**
 * Starts the servers. They only listen on 127.0.0.1, require a password, allow no DEBUG, and end
 * with this process.
 */
export async function startOwnServers(): Promise<OwnServers> {
  const started: RedisServer[] = [];
  const stop = async () => {
    await Promise.all(started.splice(0).map((server) => server.dispose()));
  };
  try {
    await Promise.all(
      IDS.map(async (_, index) => {
        started[index] = await startRedis({
          password: randomBytes(24).toString('hex'),
          debug: false,
        });
      }),
    );
  } catch (error) {
    await stop();
    const reason =
      (error as NodeJS.ErrnoException).code === 'ENOENT'
        ? 'redis-server is not installed'
        : (error as Error).message;
    throw new FailedError(
      `No servers can be started: ${reason}. Install it, set REDIS_SERVER, or name a config file or URLs.`,
    );
  }
  const databases = IDS.map((id, index) => ({
    id,
    weight: IDS.length - index,
    client: { url: (started[index] as RedisServer).url },
  }));
  const options = {
    databases,
    healthCheck: HEALTH_CHECK,
    failureDetector: { slowCallMs: SLOW_CALL_MS },
  };
  return {
    target: { name: 'three servers of its own', options, resolved: resolveOptions(options) },
    stop,
  };
}
