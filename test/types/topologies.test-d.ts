/** The options of each topology are node-redis's own; one group may mix them. */
import type { RedisClusterOptions, RedisSentinelOptions } from '@redis/client';
import { createMultiDbClient, type MultiDbDatabaseOptions } from 'redis-multidb';

const cluster: RedisClusterOptions = {
  rootNodes: [{ url: 'redis://c1:7000' }],
  defaults: { username: 'app' },
  maxCommandRedirections: 3,
};
const sentinel: RedisSentinelOptions = {
  name: 'main',
  sentinelRootNodes: [{ host: 's1', port: 26_379 }],
  nodeClientOptions: { socket: { noDelay: true } },
};

const mixed = createMultiDbClient({
  databases: [
    { client: { url: 'redis://single' }, weight: 4 },
    { topology: 'client', client: { socket: { host: 'single' } }, weight: 3 },
    { topology: 'pool', client: { url: 'redis://pool' }, pool: { minimum: 2, maximum: 10 } },
    { topology: 'pool', id: 'local' },
    { topology: 'cluster', cluster, healthCheck: false },
    { topology: 'sentinel', sentinel },
  ],
  client: { RESP: 3 },
});
// The methods are those of a single server.
const value: Promise<string | null> = mixed.get('key');

async function later() {
  const database: MultiDbDatabaseOptions = { topology: 'cluster', cluster };
  await mixed.addDatabase(database);
  await mixed.replaceDatabase('local', { topology: 'sentinel', sentinel });
}

// @ts-expect-error: the options of a pool belong to topology 'pool'
createMultiDbClient({ databases: [{ pool: { minimum: 1 } }] });
// @ts-expect-error: no such option of a pool
createMultiDbClient({ databases: [{ topology: 'pool', pool: { max: 1 } }] });
// @ts-expect-error: a cluster needs its root nodes
createMultiDbClient({ databases: [{ topology: 'cluster', cluster: {} }] });
// @ts-expect-error: the options of the nodes stand in `cluster.defaults`
createMultiDbClient({ databases: [{ topology: 'cluster', cluster, client: {} }] });
// @ts-expect-error: a sentinel knows its master by a name
createMultiDbClient({ databases: [{ topology: 'sentinel', sentinel: { sentinelRootNodes: [] } }] });
// @ts-expect-error: no such topology
createMultiDbClient({ databases: [{ topology: 'ring' }] });

export { later, value };
