/** The entry points that need optional peers. */
import { createMultiDbRedis } from 'redis-multidb/ioredis';
import { otelMetrics } from 'redis-multidb/otel';
import { prometheusMetrics } from 'redis-multidb/prometheus';

if (typeof createMultiDbRedis !== 'function') throw new Error('an entry point lacks a function');
for (const begin of [otelMetrics, prometheusMetrics]) {
  const end: () => void = begin();
  end();
}
