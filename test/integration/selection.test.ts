/** `selection` among real servers of equal weight behind the fault proxy. */
import type { SelectionCandidate } from 'redis-multidb';
import { expect, it } from 'vitest';
import { startProxy, waitFor } from '../kit/index.js';
import { active, connected, databases, recordEvents, servers, Traffic } from './support.js';

const LATE_MS = 150;

/** Three proxies whose databases have the same weight; west answers late. */
async function equals(selection: unknown) {
  const proxies = await Promise.all((await servers(3)).map((server) => startProxy(server)));
  proxies[1]?.delay({ toClientMs: LATE_MS });
  const client = await connected(proxies, {
    selection: selection as never,
    databases: databases(proxies).map((each) => ({ ...each, weight: 1 })) as never,
    healthCheck: { intervalMs: 100, timeoutMs: 5000, numProbes: 1 },
    suspectAfterMs: 5000,
  });
  return { proxies, client, events: recordEvents(client) };
}

it('lowest-latency: the fastest is next, and a database that is as fast is not moved to', async () => {
  const { proxies, client } = await equals('lowest-latency');
  // On a busy machine another one may have been the first to answer.
  if (client.activeDatabase !== 'east') await client.setActiveDatabase('east');
  const events = recordEvents(client);
  const known = (id: string) =>
    client
      .explain()
      .others.some(
        (each) =>
          each.id === id && /answers in [\d.]+ ms, east in [\d.]+ ms/.test(`${each.details}`),
      );
  await waitFor(() => known('west') && known('north'), {
    what: 'the latencies to be known',
    timeoutMs: 20_000,
  });
  const traffic = new Traffic(() => client.get('key').catch(() => {}));
  await traffic.flows();
  const [east] = proxies;
  east?.refuse();
  east?.reset();
  // West is the first in order, and slower.
  await active(client, 'north');
  await east?.restore();
  const compared = () =>
    client
      .explain()
      .others.some(({ id, details }) => id === 'east' && /answers in/.test(`${details}`));
  await waitFor(compared, { what: 'east to be eligible again', timeoutMs: 20_000 });
  await traffic.flows();
  await traffic.stop();
  expect(events.switches).toEqual(['east>north health-check']);
});

it('a function chooses, sees all candidates, and its mistakes are reported', async () => {
  let choose = (_: readonly SelectionCandidate[]): unknown => 'north';
  const { client, events } = await equals((all: readonly SelectionCandidate[]) => choose(all));
  await active(client, 'north');
  let seen: readonly SelectionCandidate[] = [];
  choose = (all) => {
    seen = all;
    return 'west';
  };
  await active(client, 'west');
  expect(seen.map(({ id }) => id)).toEqual(['east', 'west', 'north']);
  const [east, west] = seen.map(({ latencyMs }) => latencyMs);
  expect(west).toBeGreaterThan(east as number);
  choose = () => {
    throw new Error('not today');
  };
  await waitFor(() => events.of('error').length > 0, { what: 'the mistake to be reported' });
  await client.get('key');
  expect(client.activeDatabase).toBe('west');
  expect(String(events.of('error')[0])).toContain('not today');
});
