import type { ResolvedPool } from '../../options/types.js';
import type { Connection, ConnectionListener, DriverTime } from '../driver.js';
import { PoolConnection } from '../pool/pool-connection.js';
import { NodeRedisDriver } from './client-driver.js';
import type { NodeRedisOptions } from './options.js';
import { poolWaits } from './pool-waits.js';

/**
 * Driver for one server over several connections per client. Probes have a connection of their own.
 */
export class NodeRedisPoolDriver extends NodeRedisDriver {
  constructor(
    private readonly databaseId: string,
    options: NodeRedisOptions,
    private readonly pool: ResolvedPool,
  ) {
    super(options);
  }

  override openConnection(listener: ConnectionListener, time: DriverTime): Connection {
    const { databaseId, pool, connectTimeoutMs } = this;
    const setting = {
      pool,
      databaseId,
      connectTimeoutMs,
      open: (member: ConnectionListener) => super.openConnection(member, time),
      reconnectDelay: (retries: number, cause: Error) => this.reconnectDelay(retries, cause),
      observer: poolWaits,
    };
    return new PoolConnection(setting, listener, time);
  }
}
