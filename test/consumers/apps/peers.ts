/** The entry points that need optional peers. */
import { createMultiDbRedis } from 'redis-multidb/ioredis';
import { otelMetrics } from 'redis-multidb/otel';
import { prometheusMetrics } from 'redis-multidb/prometheus';
import { createMultiDbClient, type MultiDbClient } from 'redis-multidb/redis';

const clients = [createMultiDbRedis, createMultiDbClient];
if (clients.some((each) => typeof each !== 'function'))
  throw new Error('an entry point lacks a function');
for (const begin of [otelMetrics, prometheusMetrics]) {
  const end: () => void = begin();
  end();
}

/** The modules of `redis` have their types. */
export function documentOf(client: MultiDbClient): Promise<unknown> {
  return client.json.get('key');
}
