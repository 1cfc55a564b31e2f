/** How a database is reached: by node-redis's `createClient`, `createClientPool`, ... */
export const TOPOLOGIES = ['client', 'pool', 'cluster', 'sentinel'] as const;
export type Topology = (typeof TOPOLOGIES)[number];

/** They heal themselves: a failure must last this long before such a database is left. */
export const UNHEALTHY_AFTER_MS: Readonly<Record<Topology, number>> = Object.freeze({
  client: 0,
  pool: 0,
  cluster: 15_000,
  sentinel: 15_000,
});
