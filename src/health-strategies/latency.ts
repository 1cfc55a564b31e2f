import { ProbeLatency } from '../core/probe-latency.js';
import { ownError } from '../foreign/own-error.js';
import { count, duration, oneOf, percentile as percentileRule } from '../validation/rules.js';
import type { HealthCheckRole, HealthCheckStrategy, Probe } from './strategy.js';
import { StrategyOptions } from './strategy-options.js';

/** Options of `LatencyStrategy`. */
export interface LatencyStrategyOptions {
  /** A database is slow when the percentile is above this, 1 to 2^31-1 ms. Default: 100. */
  readonly slowAboveMs?: number;
  /** It is fast again when the percentile is at most this. Default: half of `slowAboveMs`. */
  readonly fastBelowMs?: number;
  /** The percentile of the probes that is compared, 1 to 100. Default: 90. */
  readonly percentile?: number;
  /** Number of latest probes that count, an integer from 1. Default: 10. */
  readonly windowSize?: number;
  /** Number of probes before the first verdict, at most `windowSize`. Default: half of it. */
  readonly minProbes?: number;
  /** `gate` does not make the client leave the active database. Default: `full`. */
  readonly role?: HealthCheckRole;
}

/**
 * Fails while a database answers PING slowly and another database of the group answers fast. The
 * time to open a connection and stalls of the event loop do not count. When every database is slow,
 * the cause is likely to be this process or its network, and all pass.
 *
 * The databases are compared with each other, so the strategy must be set for the whole group. One
 * instance serves one group.
 */
export class LatencyStrategy implements HealthCheckStrategy {
  readonly name = 'LATENCY';
  /** `full` by default. */
  readonly role: HealthCheckRole;
  readonly #thresholds: ConstructorParameters<typeof ProbeLatency>[0];
  readonly #databases = new Map<string, ProbeLatency>();

  /** Throws `InvalidOptionError`. */
  constructor(options?: LatencyStrategyOptions) {
    const values = new StrategyOptions(options, 'LatencyStrategy', [
      'slowAboveMs',
      'fastBelowMs',
      'percentile',
      'windowSize',
      'minProbes',
      'role',
    ]);
    const slowAboveMs = values.read('slowAboveMs', duration, 100);
    const fastBelowMs = values.read('fastBelowMs', duration, slowAboveMs / 2);
    if (fastBelowMs > slowAboveMs) {
      throw values.invalid('fastBelowMs', `milliseconds up to slowAboveMs (${slowAboveMs})`);
    }
    const windowSize = values.read('windowSize', count, 10);
    const minProbes = values.read('minProbes', count, Math.ceil(windowSize / 2));
    if (minProbes > windowSize) {
      throw values.invalid('minProbes', `an integer up to windowSize (${windowSize})`);
    }
    const percentile = values.read('percentile', percentileRule, 90);
    this.#thresholds = { slowAboveMs, fastBelowMs, windowSize, minProbes, percentile };
    this.role = values.read('role', oneOf(['gate', 'full']), 'full');
  }

  /** Resolves to true unless this database is slow and another one is fast. */
  async check(probe: Probe): Promise<boolean> {
    const own = await this.#measure(probe);
    this.#forgetOthers(probe);
    const faster = probe.peers.find(
      (peer) => peer.connected && this.#databases.get(peer.databaseId)?.fast === true,
    );
    if (!own.slow || faster === undefined) return true;
    const { percentile, windowSize, fastBelowMs } = this.#thresholds;
    const shown = Math.round(own.percentileMs ?? 0);
    throw ownError(
      `slow: the ${percentile}th percentile of the last ${windowSize} probes is ${shown} ms, while ` +
        `${faster.databaseId} is below ${fastBelowMs} ms`,
    );
  }

  /** Forgets all latencies. */
  close(): void {
    this.#databases.clear();
  }

  async #measure(probe: Probe): Promise<ProbeLatency> {
    const { databaseId } = probe;
    try {
      // Opens the connection if it is not open, and shows that it works.
      await probe.sendCommand(['PING']);
      const elapsed = probe.stopwatch();
      await probe.sendCommand(['PING']);
      const own = this.#latencyOf(databaseId);
      own.add(elapsed());
      return own;
    } catch (error) {
      // The database is no longer known to be fast, so that none is left for its sake.
      this.#databases.delete(databaseId);
      throw error;
    }
  }

  #latencyOf(id: string): ProbeLatency {
    let latency = this.#databases.get(id);
    if (latency === undefined) {
      latency = new ProbeLatency(this.#thresholds);
      this.#databases.set(id, latency);
    }
    return latency;
  }

  /** Databases that were removed from the group. */
  #forgetOthers(probe: Probe): void {
    if (this.#databases.size <= probe.peers.length + 1) return;
    const known = new Set([probe.databaseId, ...probe.peers.map(({ databaseId }) => databaseId)]);
    for (const id of this.#databases.keys()) if (!known.has(id)) this.#databases.delete(id);
  }
}
