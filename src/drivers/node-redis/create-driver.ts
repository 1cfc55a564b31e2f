import { InvalidOptionError } from '../../errors.js';
import type { ResolvedDatabase } from '../../options/types.js';
import type { Driver } from '../driver.js';
import { NodeRedisDriver } from './driver.js';
import { NodeRedisPoolDriver } from './pool-driver.js';

/** The driver of one database, by its topology. */
export function createDriver(database: ResolvedDatabase): Driver {
  switch (database.topology) {
    case 'client':
      return new NodeRedisDriver(database.client);
    case 'pool':
      return new NodeRedisPoolDriver(database.id, database.client, database.pool);
    case 'cluster':
    case 'sentinel':
      throw new InvalidOptionError('databases[].topology', "'client'", database.topology);
  }
}
