/** A probe for strategies that are tested without a client. */
import type { Probe } from 'redis-multidb';

const never = () => new Promise<never>(() => {});

export function probeOf(parts: Partial<Probe> = {}): Probe {
  return {
    databaseId: 'east',
    host: 'redis-east.example.com',
    port: 14000,
    connected: true,
    peers: [],
    signal: new AbortController().signal,
    sendCommand: never,
    subscribe: never,
    wait: never,
    stopwatch: () => () => 0,
    ...parts,
  };
}
