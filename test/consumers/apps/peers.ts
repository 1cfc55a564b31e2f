/** The entry points that need optional peers. */
import { otelMetrics } from 'redis-multidb/otel';
import { prometheusMetrics } from 'redis-multidb/prometheus';

for (const begin of [otelMetrics, prometheusMetrics]) {
  const end: () => void = begin();
  end();
}
