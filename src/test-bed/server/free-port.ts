/** Free loopback ports for servers, proxies and cluster nodes. */
import { createServer } from 'node:net';
import { systemRandom } from '../../clock.js';

/** A Redis Cluster node listens on its port plus this for the cluster bus. */
export const CLUSTER_BUS_OFFSET = 10_000;

// Both a port and its bus port stay below 32768, where the ephemeral range of Linux begins: an outgoing
// connection of some other test can't take a port between the check and its use.
const FIRST = 11_000;
const LAST = 22_000;

const KEY = Symbol.for('redis-multidb.test-kit.ports');
const shared = globalThis as { [KEY]?: Set<number> };

/** On globalThis, because test runners load modules more than once per process. */
const handedOut = (): Set<number> => {
  shared[KEY] ??= new Set();
  return shared[KEY];
};

/**
 * Returns a free port on 127.0.0.1 whose cluster bus port is free, too, and that was not returned
 * before in this process. Ports are drawn at random, so that parallel processes seldom collide; a
 * caller that starts a server must still handle EADDRINUSE.
 */
export async function freePort(): Promise<number> {
  const used = handedOut();
  for (let attempt = 0; attempt < 1000; attempt++) {
    const port = FIRST + Math.floor(systemRandom() * (LAST - FIRST));
    if (used.has(port)) continue;
    used.add(port);
    if ((await isFree(port)) && (await isFree(port + CLUSTER_BUS_OFFSET))) return port;
  }
  throw new Error(`No free port found between ${FIRST} and ${LAST}`);
}

/** `count` different free ports. */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < count) ports.push(await freePort());
  return ports;
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => {
      server.close(() => resolve(true));
    });
  });
}
