import type { Finding } from './report.js';

export interface Deployment {
  readonly findings: readonly Finding[];
  /** The address of the master that the Sentinels report. */
  readonly named?: string | undefined;
  /** Run ids of all servers that answered. */
  readonly runIds?: readonly string[];
  /** Median latency of one of the servers, in milliseconds. */
  readonly latencyMs?: number | undefined;
  /** Days left of the certificate that expires first. */
  readonly certificateDaysLeft?: number | undefined;
}
