/** Free loopback ports for servers, proxies and cluster nodes. */
import { createSocket, type Socket } from 'node:dgram';
import { createServer } from 'node:net';
import { systemRandom } from '../../clock.js';

/** A Redis Cluster node listens on its port plus this for the cluster bus. */
export const CLUSTER_BUS_OFFSET = 10_000;

// The ports and their bus ports do not overlap. Both stay below 32768, where the ephemeral range of Linux
// begins: an outgoing connection can't take the port of a server that is down for a while.
const FIRST = 11_000;
const LAST = FIRST + CLUSTER_BUS_OFFSET;
const BLOCK_SIZE = 50;

/** What this process has reserved. */
interface Reservation {
  readonly blocks: Socket[];
  /** Of the newest block: those not handed out yet. */
  ports: number[];
  /** Settles when the reservation in progress has ended. */
  pending: Promise<void>;
}

const KEY = Symbol.for('redis-multidb.test-kit.ports');
const shared = globalThis as { [KEY]?: Reservation };

/** On globalThis, because test runners load modules more than once per process. */
const reservation = (): Reservation => {
  shared[KEY] ??= { blocks: [], ports: [], pending: Promise.resolve() };
  return shared[KEY];
};

/**
 * Returns a free port on 127.0.0.1 whose cluster bus port is free, too, and that was not returned before in
 * this process. Until the process ends, no other process gets it from this function, even while nothing
 * listens there. A program that does not know of the reservation can still take it: a caller that starts a
 * server must handle EADDRINUSE.
 */
export async function freePort(): Promise<number> {
  const reserved = reservation();
  for (;;) {
    const port = reserved.ports.pop();
    if (port === undefined) await reserveMore(reserved);
    else if ((await isFree(port)) && (await isFree(port + CLUSTER_BUS_OFFSET))) return port;
  }
}

/** `count` different free ports. */
export async function freePorts(count: number): Promise<number[]> {
  const ports: number[] = [];
  while (ports.length < count) ports.push(await freePort());
  return ports;
}

/** One caller at a time, so that parallel ones share a block. */
function reserveMore(reserved: Reservation): Promise<void> {
  const turn = reserved.pending.then(async () => {
    if (reserved.ports.length === 0) await reserveBlock(reserved);
  });
  reserved.pending = turn.catch(() => {});
  return turn;
}

/**
 * A bound UDP socket on the first port of a block is the mark that the block is taken. The operating system
 * gives it to one process alone and removes it with that process, however it ends. UDP and TCP ports are
 * independent: the mark takes no port from a server.
 */
async function reserveBlock(reserved: Reservation): Promise<void> {
  const count = (LAST - FIRST) / BLOCK_SIZE;
  const start = Math.floor(systemRandom() * count);
  for (let i = 0; i < count; i++) {
    const first = FIRST + ((start + i) % count) * BLOCK_SIZE;
    const mark = await bind(first);
    if (!mark) continue;
    reserved.blocks.push(mark);
    reserved.ports = Array.from({ length: BLOCK_SIZE }, (_, offset) => first + offset);
    return;
  }
  throw new Error(`No free block of ports between ${FIRST} and ${LAST}`);
}

/** Undefined: another process has the port. */
function bind(port: number): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = createSocket('udp4');
    socket.once('error', () => {
      socket.close();
      resolve(undefined);
    });
    socket.bind({ port, address: '127.0.0.1', exclusive: true }, () => resolve(socket.unref()));
  });
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
