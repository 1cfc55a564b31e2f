/** Inspects a database with several servers. */

import type { ResolvedDatabase } from '../../options/types.js';
import { inspectCluster } from './cluster.js';
import type { Deployment } from './deployment-view.js';
import { inspectSentinel } from './sentinel.js';

/** Returns undefined for a single server. Never rejects. */
export async function inspectDeployment(
  database: ResolvedDatabase,
  timeoutMs: number,
): Promise<Deployment | undefined> {
  switch (database.topology) {
    case 'cluster':
      return inspectCluster(database.cluster, timeoutMs);
    case 'sentinel':
      return inspectSentinel(database.sentinel, timeoutMs);
    default:
      return undefined;
  }
}
