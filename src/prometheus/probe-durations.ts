import { LATENCY_BUCKETS_MS } from '../core/latency-histogram.js';
import { PROBE_DURATION } from '../metrics/histograms.js';
import { PREFIX } from '../metrics/metric.js';
import type { Subject } from '../metrics/subjects.js';
import type { Value } from './value.js';

/**
 * The histogram of probes. The clients have counted it already, and prom-client's own can only be
 * given one observation after the other: so this is a metric as a registry of prom-client uses it.
 */
export class ProbeDurations {
  readonly name = PREFIX + PROBE_DURATION.name;
  readonly help = PROBE_DURATION.help;
  readonly type = 'histogram';
  readonly aggregator = 'sum';

  constructor(private readonly subjects: () => readonly Subject[]) {}

  async get() {
    const { name, help, type, aggregator } = this;
    return { name, help, type, aggregator, values: [...this.#values()] };
  }

  /** The counters are the clients': there is nothing to reset. */
  reset(): void {}

  *#values(): Iterable<Value> {
    const { name } = this;
    for (const { client, stats } of this.subjects()) {
      for (const { id: database, probes } of stats.databases) {
        for (const { check, latency } of probes) {
          const labels = { client, database, check };
          for (const [index, bound] of LATENCY_BUCKETS_MS.entries()) {
            const value = latency.buckets[index] as number;
            yield { metricName: `${name}_bucket`, labels: { ...labels, le: bound / 1000 }, value };
          }
          const { count, sumMs } = latency;
          yield { metricName: `${name}_bucket`, labels: { ...labels, le: '+Inf' }, value: count };
          yield { metricName: `${name}_sum`, labels, value: sumMs / 1000 };
          yield { metricName: `${name}_count`, labels, value: count };
        }
      }
    }
  }
}
