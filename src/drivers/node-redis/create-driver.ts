import { systemClock, systemRandom } from '../../clock.js';
import { holdSecrets } from '../../foreign/held-secrets.js';
import { secretsIn } from '../../foreign/secrets-in.js';
import { LoopClock } from '../../loop-clock.js';
import type { ResolvedDatabase } from '../../options/types.js';
import type { Driver, DriverTime, Endpoint } from '../driver.js';
import { NodeRedisDriver } from './client-driver.js';
import { LazyClusterDriver, LazyDriver, LazySentinelDriver } from './lazy-driver.js';
import { type NodeRedisOptions, withAddress } from './options.js';

/**
 * Creates the driver for the topology of one database. While the driver is in use, the secrets in
 * the options are masked in texts that come from servers.
 */
export function createDriver(database: ResolvedDatabase, time: DriverTime = realTime()): Driver {
  const driver = driverOf(database, time);
  holdSecrets(driver, secretsIn(database));
  return driver;
}

/** Only the driver of the default topology is loaded with the package. */
function driverOf(database: ResolvedDatabase, time: DriverTime): Driver {
  const { id, topology, client } = database;
  switch (topology) {
    case 'client':
      return new NodeRedisDriver(client);
    case 'pool':
      return new LazyDriver(client, async () => {
        const { NodeRedisPoolDriver } = await import('./pooled-drivers.js');
        return new NodeRedisPoolDriver(id, client, database.pool);
      });
    case 'cluster':
      return new LazyClusterDriver(database.cluster.rootNodes[0] as NodeRedisOptions, async () => {
        const { ClusterDriver } = await import('./cluster/cluster-driver.js');
        return new ClusterDriver(database.cluster, client);
      });
    case 'sentinel': {
      const [first] = database.sentinel.sentinelRootNodes;
      return new LazySentinelDriver(withAddress(client, first as Endpoint), async () => {
        const { NodeRedisSentinelDriver } = await import('./pooled-drivers.js');
        return new NodeRedisSentinelDriver(id, client, database.sentinel, time);
      });
    }
  }
}

/** For a driver that is used without an engine. */
function realTime(): DriverTime {
  return { clock: systemClock, loop: new LoopClock(systemClock, 20), random: systemRandom };
}
