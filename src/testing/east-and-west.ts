import type { MultiDbOptions } from '../options/types.js';
import { FakeDatabase } from './fake-database.js';
import { SimulatedClient, type SimulatedClientOptions } from './simulated-client.js';
import { VirtualClock } from './virtual-clock.js';

/** A connected client of two fake databases on virtual time, for unit tests; east is preferred. */
export interface EastAndWest {
  readonly clock: VirtualClock;
  readonly client: SimulatedClient;
  readonly east: FakeDatabase;
  readonly west: FakeDatabase;
}

/** Creates them, and lets virtual time pass until both databases are healthy. */
export async function eastAndWest(
  options: Omit<MultiDbOptions, 'databases' | 'client'>,
): Promise<EastAndWest> {
  const clock = new VirtualClock();
  const east = new FakeDatabase({ id: 'east', clock });
  const west = new FakeDatabase({ id: 'west', clock });
  const client = await connectedClient({
    clock,
    databases: [
      { database: east, weight: 1 },
      { database: west, weight: 0.5 },
    ],
    options,
  });
  return { clock, client, east, west };
}

/** Creates a client, and lets 3 seconds of virtual time pass, after which its databases are known. */
export async function connectedClient(options: SimulatedClientOptions): Promise<SimulatedClient> {
  const client = new SimulatedClient(options);
  const connecting = client.connect();
  await options.clock.advance(3000);
  await connecting;
  return client;
}
