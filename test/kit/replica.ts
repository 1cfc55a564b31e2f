/** A replica that is in sync. */
import {
  type RedisServer,
  type RedisServerOptions,
  startRedis,
} from '../../src/test-bed/server/redis-server.js';
import { waitFor } from '../../src/test-bed/wire/wait.js';

/** Starts a replica of `master` and waits until its link is up and it has what the master has. */
export async function startReplica(
  master: RedisServer,
  options: Omit<RedisServerOptions, 'replicaOf'> = {},
): Promise<RedisServer> {
  const password = options.password ?? master.password;
  const replica = await startRedis({
    ...options,
    ...(password === undefined ? {} : { password }),
    replicaOf: master,
  });
  await waitForSync(master, replica);
  return replica;
}

/**
 * Waits until `replica` has every byte that `master` had when this was called, and receives what follows at
 * once. A master holds the first commands after a full copy back until the replica has acknowledged it, up to
 * a second later: a message that nobody hears, published when the link is up, shows that they flow. (Those of
 * a cluster take another way.)
 */
export async function waitForSync(
  master: RedisServer,
  replica: RedisServer,
  timeoutMs = 10_000,
): Promise<void> {
  const wait = { what: `port ${replica.port} to be in sync`, timeoutMs, intervalMs: 20 };
  await waitFor(async () => (await replica.info('master_link_status')) === 'up', wait);
  await master.command('PUBLISH', 'replication', '');
  const target = Number(await master.info('master_repl_offset'));
  await waitFor(async () => Number(await replica.info('slave_repl_offset')) >= target, wait);
}
