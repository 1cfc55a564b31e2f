/** What lies behind a database that is more than one server. */
import type { ResolvedDatabase } from '../../options/types.js';
import { inspectCluster } from './cluster.js';
import type { Finding } from './report.js';
import { inspectSentinel } from './sentinel.js';

export interface Deployment {
  readonly findings: readonly Finding[];
  /** The address of the master that Sentinels name. */
  readonly named?: string | undefined;
  /** Of every server that was asked and answers commands. */
  readonly runIds?: readonly string[];
  /** Of one of its servers, in the middle. */
  readonly latencyMs?: number | undefined;
  /** Of the certificate that ends first. */
  readonly certificateDaysLeft?: number | undefined;
}

/** Undefined where there is one server. Never rejects. */
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
