import { expect, it } from 'vitest';
import { PingStrategy } from '../../health-strategies/ping.js';
import { FakeDatabase, SimulatedClient, VirtualClock } from '../../testing/index.js';

it('leaves a failed database by one change of the route, also when that closes its gates', async () => {
  const clock = new VirtualClock();
  const east = new FakeDatabase({ id: 'east', clock });
  const west = new FakeDatabase({ id: 'west', clock });
  const gate = { name: 'LAG', role: 'gate' as const, check: async () => true };
  const client = new SimulatedClient({
    clock,
    databases: [
      { database: east, weight: 1, healthCheck: [new PingStrategy(), gate] },
      { database: west, weight: 0.5 },
    ],
  });
  try {
    const done = client.connect();
    await clock.advance(5000);
    await done;
    const { router } = client.session.group.coordinator;
    const changes: string[] = [];
    router.listen(({ from, to }) => changes.push(`${from.database?.id} -> ${to.database?.id}`));
    east.crash();
    await clock.until(() => client.activeDatabase === 'west', 5000, 'the failover');
    expect(changes).toEqual(['east -> west']);
    const [left] = client.databases;
    expect(left?.gracePeriodLeftMs).toBeGreaterThan(59_000);
    expect(client.explain().others[0]?.lacks).toContain('gate closed');
  } finally {
    client.destroy();
  }
});
