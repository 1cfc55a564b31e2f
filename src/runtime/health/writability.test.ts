/** The checks of writes of one database, on virtual time. */
import { afterEach, expect, it } from 'vitest';
import { FakeDatabase, SimulatedClient, VirtualClock } from '../../testing/index.js';
import type { Database } from '../database.js';
import { Writability } from './writability.js';

const clients: SimulatedClient[] = [];
afterEach(() => {
  for (const client of clients.splice(0)) client.destroy();
});

/** Checks beside those of the client, whose results nobody else gets. */
async function world() {
  const clock = new VirtualClock();
  const east = new FakeDatabase({ id: 'east', clock, latencyMs: 50 });
  const client = new SimulatedClient({
    clock,
    databases: [{ database: east, writable: 'auto' }],
    options: { healthCheck: { intervalMs: 1_000_000 } },
  });
  clients.push(client);
  const connecting = client.connect();
  await clock.advance(4000);
  await connecting;
  const { coordinator } = client.session.group;
  const told: string[] = [];
  const host = {
    monitors: coordinator.health.monitors,
    isActive: () => true,
    verdicts: {
      onRefuted: (_: Database, stateWord: string, bySide: boolean) => {
        told.push(`refuted ${stateWord}${bySide ? ' by side' : ''}`);
      },
    },
  };
  const writability = new Writability(coordinator.runtime, host, {
    changed: () => told.push('changed'),
  });
  const database = coordinator.databases.get('east') as Database;
  return { clock, east, database, told, writability };
}

it('a write that is refused in the middle of a check gets a check over a new connection', async () => {
  const { clock, east, database, told, writability } = await world();
  writability.watch(database);
  await clock.advance(60);
  const opened = east.openConnections;
  writability.onRefused(database);
  // A further refusal needs no further check.
  writability.onRefused(database);
  await clock.advance(400);
  expect(told).toEqual(['refuted READONLY by side']);
  expect(east.openConnections).toBe(opened);
  writability.forget(database);
});

it('the check after a refusal finds a replica, and later ones its promotion', async () => {
  const { clock, east, database, told, writability } = await world();
  const promoted: string[] = [];
  writability.listen(({ id }) => promoted.push(id));
  east.state = 'READONLY';
  writability.onRefused(database);
  await clock.advance(400);
  expect([database.readOnly, told]).toEqual([true, ['changed']]);
  east.state = undefined;
  await clock.advance(1000);
  expect([database.readOnly, promoted]).toEqual([false, ['east']]);
  writability.forget(database);
});

it('a check without an answer says nothing', async () => {
  const { clock, east, database, told, writability } = await world();
  east.freeze();
  writability.onRefused(database);
  await clock.advance(900);
  writability.forget(database);
  east.thaw();
  await clock.advance(3000);
  expect([database.readOnly, told]).toEqual([false, []]);
});
