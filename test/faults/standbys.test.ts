/** Standbys whose connections are dead without a word: noticed before they are needed. */
import type { MultiDbClientOptions } from 'redis-multidb';
import { describe, expect, it } from 'vitest';
import { active, clientOf, databases, healthy, own, recordEvents } from '../integration/support.js';
import { turns, waitFor } from '../kit/index.js';
import { clients, outcome, type Proxied, proxied, tally } from './support.js';

/** What a dead connection costs without it: far longer than any of these tests. */
const PATIENT = {
  suspectAfterMs: 300,
  failbackSupported: false,
  commandTimeoutMs: 60_000,
  commandDeadlineMs: 60_000,
  healthCheck: { intervalMs: 600_000, timeoutMs: 800 },
} satisfies Partial<MultiDbClientOptions>;

const TOPOLOGIES = {
  client: {},
  pool: { topology: 'pool', pool: { minimum: 3, maximum: 5 } },
} as const;

async function setup(topology: keyof typeof TOPOLOGIES) {
  const [east, west] = await proxied();
  const places = databases([east.proxy, west.proxy]);
  const client = clientOf([], {
    ...PATIENT,
    databases: places.map((each) => ({ ...each, ...TOPOLOGIES[topology] })),
  } as Partial<MultiDbClientOptions>);
  await client.connect();
  await healthy(client);
  const duplicate = own(client.duplicate());
  await duplicate.connect();
  // The connections of both clients, and those of the probes.
  const expected = 2 * (topology === 'pool' ? 3 : 1) + 1;
  await waitFor(async () => (await clients(west.server)).length === expected, {
    what: 'all connections to the standby',
  });
  await duplicate.get('key');
  await turns(5);
  return { client, duplicate, east, west, events: recordEvents(client) };
}

const idsOf = ({ proxy }: Proxied) => proxy.openConnections.map(({ id }) => id);

describe.each(Object.keys(TOPOLOGIES) as (keyof typeof TOPOLOGIES)[])('of topology %s', (name) => {
  it('serves every client at the switch from a frozen database', async () => {
    const { client, duplicate, east, west, events } = await setup(name);
    const forgotten = idsOf(west);
    west.proxy.forgetFlows();
    await east.server.freeze();
    const reads = [client, duplicate].map((each) => outcome(each.get('key')));
    await active(client, 'west');
    const writes = [client, duplicate].flatMap((each) =>
      Array.from({ length: 20 }, () => outcome(each.incr('counter'))),
    );
    expect(tally(await Promise.all(writes))).toEqual({ replied: 40 });
    expect(tally(await Promise.all(reads))).toEqual({ replied: 2 });
    expect(await west.server.command('GET', 'counter')).toBe('40');
    expect(events.switches).toEqual(['east>west health-check']);
    await waitFor(() => !idsOf(west).some((id) => forgotten.includes(id)), {
      what: 'the forgotten connections to be closed',
    });
  });

  it('serves every client after a switch by hand', async () => {
    const { client, duplicate, west, events } = await setup(name);
    west.proxy.forgetFlows();
    await client.setActiveDatabase('west');
    const writes = [client, duplicate].flatMap((each) =>
      Array.from({ length: 20 }, () => outcome(each.incr('counter'))),
    );
    expect(tally(await Promise.all(writes))).toEqual({ replied: 40 });
    expect(events.switches).toEqual(['east>west manual']);
  });
});

it('is replaced at once when the active database is left in the same moment', async () => {
  const { client, east, west, events } = await setup('client');
  west.proxy.forgetFlows();
  await east.server.kill();
  await active(client, 'west');
  // Reads in flight are repeated; the deadline of a write would be a minute away.
  const outcomes = Array.from({ length: 20 }, (_, n) =>
    outcome(n % 2 ? client.get('key') : client.incr('counter')),
  );
  const counted = tally(await Promise.all(outcomes));
  const lost = counted['CONNECTION_LOST true'] ?? 0;
  expect(counted).toEqual({
    replied: 20 - lost,
    ...(lost > 0 && { 'CONNECTION_LOST true': lost }),
  });
  expect(lost).toBeLessThanOrEqual(10);
  expect(await client.incr('counter')).toBeGreaterThan(0);
  expect(events.switches).toEqual(['east>west health-check']);
});
