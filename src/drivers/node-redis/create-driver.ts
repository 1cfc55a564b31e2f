import { systemClock, systemRandom } from '../../clock.js';
import { holdSecrets } from '../../foreign/held-secrets.js';
import { secretsIn } from '../../foreign/secrets-in.js';
import { LoopClock } from '../../loop-clock.js';
import type { ResolvedDatabase } from '../../options/types.js';
import type { Driver, DriverTime } from '../driver.js';
import { NodeRedisDriver } from './client-driver.js';
import { ClusterDriver } from './cluster/cluster-driver.js';
import { NodeRedisPoolDriver } from './pool-driver.js';
import { NodeRedisSentinelDriver } from './sentinel/sentinel-driver.js';

/**
 * Creates the driver for the topology of one database. While the driver is in use, the secrets in
 * the options are masked in texts that come from servers.
 */
export function createDriver(database: ResolvedDatabase, time: DriverTime = realTime()): Driver {
  const driver = driverOf(database, time);
  holdSecrets(driver, secretsIn(database));
  return driver;
}

function driverOf(database: ResolvedDatabase, time: DriverTime): Driver {
  switch (database.topology) {
    case 'client':
      return new NodeRedisDriver(database.client);
    case 'pool':
      return new NodeRedisPoolDriver(database.id, database.client, database.pool);
    case 'cluster':
      return new ClusterDriver(database.cluster, database.client);
    case 'sentinel':
      return new NodeRedisSentinelDriver(database.id, database.client, database.sentinel, time);
  }
}

/** For a driver that is used without an engine. */
function realTime(): DriverTime {
  return { clock: systemClock, loop: new LoopClock(systemClock, 20), random: systemRandom };
}
