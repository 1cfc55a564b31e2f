/**
 * How a client connects to a database: like `createClient`, `createClientPool` ... of node-redis.
 */
export const TOPOLOGIES = ['client', 'pool', 'cluster', 'sentinel'] as const;
export type Topology = (typeof TOPOLOGIES)[number];

/** Failover delay of topologies that heal themselves. */
export const UNHEALTHY_AFTER_MS: Readonly<Record<Topology, number>> = Object.freeze({
  client: 0,
  pool: 0,
  cluster: 15_000,
  sentinel: 15_000,
});
