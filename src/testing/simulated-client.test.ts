import { expect, it } from 'vitest';
import { FakeDatabase, FaultScript, SimulatedClient, VirtualClock } from './index.js';

async function connected() {
  const clock = new VirtualClock();
  const east = new FakeDatabase({ id: 'east', clock });
  const west = new FakeDatabase({ id: 'west', clock });
  const client = new SimulatedClient({
    clock,
    databases: [
      { database: east, weight: 1 },
      { database: west, weight: 0.5 },
    ],
  });
  const done = client.connect();
  await clock.advance(10);
  await done;
  return { clock, east, west, client };
}

it('runs the engine over fake databases: failover and failback by a script of faults', async () => {
  const { clock, east, west, client } = await connected();
  expect(client.activeDatabase).toBe('east');
  const script = new FaultScript(clock)
    .during(
      1000,
      4000,
      'east is down',
      () => east.crash(),
      () => east.restart(),
    )
    .start();
  expect(script.durationMs).toBe(5000);

  await clock.advance(1500);
  expect(client.activeDatabase).toBe('west');
  const reply = client.send(['INCR', 'k']);
  await clock.advance(10);
  await expect(reply).resolves.toBe(1);
  expect(west.executions).toHaveLength(1);
  expect(east.executions).toHaveLength(0);

  await clock.until(() => client.activeDatabase === 'east', 300_000, 'failback');
  expect(client.events.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['switch', 'failover', 'failback']),
  );
  expect(script.trace).toEqual([
    '1010.0 ms: east is down: begins',
    '5010.0 ms: east is down: ends',
  ]);
  client.destroy();
  await clock.advance(100);
  expect(clock.pendingTimers).toBe(0);
  expect(east.openConnections + west.openConnections).toBe(0);
});

it('is managed like a client', async () => {
  const { clock, client } = await connected();
  const north = new FakeDatabase({ id: 'north', clock });
  const adding = client.addDatabase({ database: north, weight: 2 });
  await clock.advance(3000);
  await expect(adding).resolves.toMatchObject({ id: 'north', health: 'healthy' });
  expect(client.activeDatabase).toBe('north');
  expect(client.setWeight('west', 3)).toBe(true);
  expect(client.activeDatabase).toBe('west');
  const forcing = client.forceActiveDatabase('east', { durationMs: 60_000 });
  await clock.advance(100);
  await forcing;
  expect(client.explain().active?.why).toMatch(/forced/);
  await client.removeDatabase('north');
  expect(client.databases.map(({ id }) => id)).toEqual(['east', 'west']);
  const closing = client.close();
  await clock.advance(100);
  await closing;
  // Also a refusal costs a turn of the event loop.
  const refused = expect(client.send(['PING'])).rejects.toMatchObject({ code: 'CLIENT_CLOSED' });
  await clock.advance(0);
  await refused;
});

it('has duplicates that share its group', async () => {
  const { clock, client, east } = await connected();
  const other = client.duplicate();
  const connecting = other.connect();
  await clock.advance(10);
  await connecting;
  expect(other.activeDatabase).toBe('east');
  east.crash();
  await clock.advance(100);
  const replies = [client.send(['INCR', 'k']), other.send(['INCR', 'k'])];
  await clock.advance(10);
  await expect(Promise.all(replies)).resolves.toEqual([1, 2]);
  expect(other.events).toBe(client.events);
  client.destroy();
  const last = other.send(['INCR', 'k']);
  await clock.advance(10);
  await expect(last).resolves.toBe(3);
  other.destroy();
});

it('repeats a transaction whose keys were written by another client', async () => {
  const { clock, client, east } = await connected();
  let calls = 0;
  const running = client.transaction(['k'], async (send) => {
    calls += 1;
    const value = await send(['GET', 'k']);
    if (calls === 1) await client.send(['SET', 'k', 'theirs']);
    return [['SET', 'k', `${value} and ours`]];
  });
  await clock.advance(1000);
  await expect(running).resolves.toEqual(['OK']);
  expect(calls).toBe(2);
  expect(east.executions.at(-1)?.args).toEqual(['SET', 'k', 'theirs and ours']);
  client.destroy();
  await clock.advance(10);
  expect(east.openConnections).toBe(0);
});
