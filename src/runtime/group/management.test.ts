import { afterEach, expect, it } from 'vitest';
import {
  FakeDatabase,
  SimulatedClient,
  type SimulatedClientOptions,
  VirtualClock,
} from '../../testing/index.js';

const clients: SimulatedClient[] = [];
afterEach(() => {
  for (const client of clients.splice(0)) client.destroy();
});

/** A client of east and west, and north, which does not answer. */
async function setup(options: SimulatedClientOptions['options'] = {}) {
  const clock = new VirtualClock();
  const [east, west, north] = ['east', 'west', 'north'].map(
    (id) => new FakeDatabase({ id, clock }),
  ) as [FakeDatabase, FakeDatabase, FakeDatabase];
  north.silence();
  const client = new SimulatedClient({
    clock,
    databases: [
      { database: east, weight: 1 },
      { database: west, weight: 0.5 },
    ],
    options,
  });
  clients.push(client);
  const done = client.connect();
  await clock.advance(1500);
  await done;
  return { clock, client, west, north };
}

/** The promise's error, once time has passed; fails when it resolves. */
async function errorOf(promise: Promise<unknown>, clock: VirtualClock): Promise<Error> {
  const outcome = promise.then(
    () => new Error('it resolved'),
    (error: Error) => error,
  );
  await clock.advance(5000);
  return outcome;
}

it.each<[string, RegExp, (client: SimulatedClient) => Promise<void>]>([
  ['it is removed', /north was removed/, (client) => client.removeDatabase('north')],
  ['the client is closed', /closed/, (client) => client.close()],
  ['the client is destroyed', /closed/, async (client) => client.destroy()],
])('rejects addDatabase when %s before the first verdict', async (_, message, interrupt) => {
  const { clock, client, north } = await setup();
  const added = client.addDatabase({ database: north });
  await clock.advance(100);
  await interrupt(client);
  expect((await errorOf(added, clock)).message).toMatch(message);
});

it('rejects replaceDatabase, and keeps nothing, when the old one is removed meanwhile', async () => {
  const { clock, client, north } = await setup();
  north.heal();
  north.latencyMs = 100;
  const replaced = client.replaceDatabase('west', { database: north });
  await clock.advance(100);
  await client.removeDatabase('west');
  expect((await errorOf(replaced, clock)).message).toMatch(/west was removed/);
  expect(client.databases.map(({ id }) => id)).toEqual(['east']);
});

it('a manual switch that fails leaves no data connection to a lazy standby', async () => {
  const { clock, client, west } = await setup({ standbyConnections: 'lazy' });
  const kinds = () => [...west.clients].map(({ kind }) => kind);
  expect(kinds()).not.toContain('data');
  // Its probe connection is silent, and a new one gets no answer either.
  west.silence('to-client');
  const calls = [client.setActiveDatabase('west'), client.forceActiveDatabase('west')];
  const error = await errorOf(Promise.any(calls), clock);
  expect((error as AggregateError).errors.map(String)).toEqual(
    Array(2).fill(expect.stringMatching(/west can't serve/)),
  );
  west.heal();
  await clock.advance(20_000);
  expect(kinds()).not.toContain('data');

  await Promise.all([client.setActiveDatabase('west'), clock.advance(5000)]);
  expect([client.activeDatabase, kinds().includes('data')]).toEqual(['west', true]);
  await Promise.all([client.setActiveDatabase('east'), clock.advance(5000)]);
  expect(kinds()).not.toContain('data');
});
