import type { Finding } from './report.js';

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
