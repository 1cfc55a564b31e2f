/** How the client under test reaches the places. */
import type { Draw } from '../simulation/draw.js';
import type { Place } from './place.js';

export const CHAOS_TOPOLOGIES = ['client', 'pool', 'sentinel', 'cluster', 'mixed'] as const;
export type ChaosTopology = (typeof CHAOS_TOPOLOGIES)[number];
type Single = Exclude<ChaosTopology, 'mixed'>;

const MIXED: readonly Single[] = ['pool', 'sentinel', 'client'];

export function topologyOf(topology: ChaosTopology, index: number): Single {
  return topology === 'mixed' ? (MIXED[index % MIXED.length] as Single) : topology;
}

/** Small, so that what waits is the rule. */
export function drawPool(draw: Draw) {
  const minimum = draw.integer(0, 3);
  return {
    minimum,
    maximum: minimum + draw.integer(1, 8),
    acquireTimeout: draw.one([0, 50, 300]),
    cleanupDelay: draw.one([0, 20, 200]),
  };
}

/** Where a place is, in the options of its topology. */
export function reach(place: Place, pool: object, masterPoolSize: number): object {
  const { sentinel, proxy, host } = place;
  const client = { socket: { host, port: proxy.port } };
  switch (place.topology) {
    case 'client':
      return { client };
    case 'pool':
      return { topology: 'pool', client, pool };
    case 'cluster': {
      // One master with all slots, so that the recording proxy sees everything.
      const nodeAddressMap = () => ({ host: '127.0.0.1', port: proxy.port });
      const rootNodes = [{ url: proxy.url }];
      return { topology: 'cluster', cluster: { rootNodes, nodeAddressMap } };
    }
    case 'sentinel':
      return {
        topology: 'sentinel',
        sentinel: {
          name: place.id,
          sentinelRootNodes: [{ host: '127.0.0.1', port: sentinel?.port ?? 0 }],
          // The sentinel knows the server; what is sent there goes through the proxy.
          nodeAddressMap: () => ({ host: '127.0.0.1', port: proxy.port }),
          masterPoolSize,
          scanInterval: 200,
        },
      };
  }
}
