import type { DatabaseStats, MultiDbClient } from 'redis-multidb';
import { expect, it } from 'vitest';
import { startProxy, waitFor } from '../kit/index.js';
import { active, clientOf, connected, errorOf, healthy, servers, Traffic } from './support.js';

function of(client: MultiDbClient, id: string): DatabaseStats {
  const found = client.stats().databases.find((each) => each.id === id);
  if (found === undefined) throw new Error(`no database ${id}`);
  return found;
}

/** Failures by kind, without the kinds that did not happen. */
function failures({ commands }: Pick<DatabaseStats, 'commands'>) {
  return Object.fromEntries(Object.entries(commands.failed).filter(([, count]) => count > 0));
}

it('counts commands by how they ended', async () => {
  const [east, west] = await servers();
  const client = await connected([east, west], {
    client: { name: 'orders' },
    maxPendingCommands: 5,
  });
  for (let n = 0; n < 10; n += 1) await client.incr('counter');
  await client.multi().set('a', '1').get('a').exec();
  expect(of(client, 'east').commands.succeeded).toBe(11);

  await errorOf(client.lPush('counter', 'x'));
  await errorOf(client.withAbortSignal(AbortSignal.abort()).get('key'));
  expect(failures(of(client, 'east'))).toEqual({ 'application-reply': 1 });
  expect(failures({ commands: client.stats().undirected })).toEqual({ aborted: 1 });

  const many = Array.from({ length: 6 }, () => client.get('key').catch((error) => error.code));
  expect((await Promise.all(many)).at(-1)).toBe('OVERLOADED');
  expect(failures({ commands: client.stats().undirected })).toEqual({ aborted: 1, overloaded: 1 });
  expect(of(client, 'east').commands.succeeded).toBe(16);
  expect(of(client, 'east').commands.outcomeUnknown).toBe(0);
  expect(of(client, 'west').commands.succeeded).toBe(0);
  expect(client.stats()).toMatchObject({ client: 'orders', pending: 0 });

  await client.close();
  expect((await errorOf(client.get('key'))).code).toBe('CLIENT_CLOSED');
  expect(of(client, 'east')).toMatchObject({ inFlight: 0, connections: 0, draining: 0 });
  // It goes on counting when it is opened again.
  await client.connect();
  expect(of(client, 'east').commands.succeeded).toBe(16);
  await client.ping();
  expect(of(client, 'east').commands.succeeded).toBe(17);
});

it('counts what timed out with an unknown outcome, and what is in flight', async () => {
  const [east, west] = await servers();
  const client = await connected([east, west], {
    commandTimeoutMs: 200,
    suspectAfterMs: 5000,
    healthCheck: { intervalMs: 60_000 },
  });
  expect(of(client, 'east').connections).toBe(1);
  await east.freeze();
  const increment = client.incr('counter');
  const refused = errorOf(increment);
  await waitFor(() => of(client, 'east').inFlight === 1, { what: 'the command to be in flight' });
  expect(client.stats().pending).toBe(1);
  expect((await refused).code).toBe('COMMAND_TIMEOUT');
  expect(failures(of(client, 'east'))).toEqual({ 'timed-out': 1 });
  expect(of(client, 'east').commands.outcomeUnknown).toBe(1);
  expect(client.stats().pending).toBe(0);
  await east.thaw();
});

it('counts a failover once, the commands that it moved, and no outage', async () => {
  const [east, west] = await servers();
  const client = await connected([east, west], { failbackSupported: false });
  const traffic = new Traffic(() => client.get('key'), { callers: 50 });
  await traffic.flows();
  await east.kill();
  await active(client, 'west');
  await traffic.flows();
  await traffic.stop();
  expect(traffic.errors).toEqual([]);
  expect(client.stats().switches).toEqual([
    { from: undefined, to: 'east', reason: 'initial', count: 1 },
    { from: 'east', to: 'west', reason: 'health-check', count: 1 },
  ]);
  const { moved } = of(client, 'east');
  expect(moved).toBeGreaterThan(0);
  expect(moved).toBeLessThanOrEqual(50);
  expect(of(client, 'west').moved).toBe(0);
  const succeeded = client.stats().databases.map(({ commands }) => commands.succeeded);
  // A caller's success is counted when its reply comes, its promise continues later.
  expect((succeeded[0] ?? 0) + (succeeded[1] ?? 0)).toBe(traffic.successes);
  expect(client.stats().withoutServiceMs).toBe(0);
  const { probes } = of(client, 'east');
  expect(probes.map(({ check }) => check)).toEqual(['PING']);
  expect(probes[0]?.failed).toBeGreaterThan(0);
});

it('counts reads that were sent twice, and retries', async () => {
  const [east, west] = await servers();
  const proxy = await startProxy(east);
  const client = await connected([proxy, west], { failbackSupported: false });
  proxy.silence('to-client', { mode: 'drop' });
  const reads = Array.from({ length: 20 }, () => client.get('key'));
  await active(client, 'west');
  await Promise.all(reads);
  expect(of(client, 'east')).toMatchObject({ moved: 20, sentTwice: 20 });
  expect(of(client, 'west').commands.succeeded).toBe(20);
  const [probes] = of(client, 'east').probes;
  expect(probes?.timedOut).toBeGreaterThan(0);
  expect(probes?.passed).toBe(probes?.latency.count);
});

it('sends no more repeats than the budget allows, and counts the others', async () => {
  const [east, west] = await servers();
  const proxy = await startProxy(east);
  const client = await connected([proxy, west], {
    failbackSupported: false,
    // Ten repeats in ten seconds, whatever the traffic.
    commandRetry: { budget: { share: 0, minPerSecond: 1 } },
  });
  proxy.silence('to-client', { mode: 'drop' });
  const reads = Array.from({ length: 20 }, () => client.get('key'));
  await active(client, 'west');
  const replies = await Promise.allSettled(reads);
  expect(replies.filter(({ status }) => status === 'fulfilled')).toHaveLength(10);
  const { moved, retriesSuppressed } = of(client, 'east');
  expect(moved).toBe(10);
  expect(retriesSuppressed).toBeGreaterThanOrEqual(10);
  // First attempts are never held back.
  expect(await Promise.all(Array.from({ length: 100 }, () => client.get('key')))).toHaveLength(100);
});

it('measures the time without service until it is over', async () => {
  const [east, west] = await servers();
  const client = await connected([east, west]);
  await Promise.all([east.kill(), west.kill()]);
  await active(client, undefined);
  const early = client.stats().withoutServiceMs;
  await errorOf(client.get('key'));
  expect(client.stats().undirected.failed.unavailable).toBe(1);
  await waitFor(() => client.stats().withoutServiceMs > early + 5, { what: 'time to pass' });
  await west.restart();
  await active(client, 'west');
  const late = client.stats().withoutServiceMs;
  expect(late).toBeGreaterThan(early);
  await client.ping();
  expect(client.stats().withoutServiceMs).toBe(late);
  await east.restart();
  await healthy(client, 'east');
  expect(client.stats().withoutServiceMs).toBe(late);
});

it('stops the time without service with the client', async () => {
  const [east, west] = await servers();
  const client = await connected([east, west]);
  await Promise.all([east.kill(), west.kill()]);
  // Not ready comes earlier: that there is no active database is the verdict.
  await waitFor(() => client.activeDatabase === undefined, { what: 'the verdict' });
  client.destroy();
  const { withoutServiceMs } = client.stats();
  expect(withoutServiceMs).toBeGreaterThan(0);
  await new Promise((resolve) => setImmediate(resolve));
  expect(client.stats().withoutServiceMs).toBe(withoutServiceMs);
});

it('has figures before it is connected, and none of a database that is gone', async () => {
  const [east, west] = await servers();
  const client = clientOf([east, west]);
  expect(client.stats()).toMatchObject({ pending: 0, switches: [], withoutServiceMs: 0 });
  expect(client.stats().databases.map(({ id }) => id)).toEqual(['east', 'west']);
  expect(client.stats().client).toMatch(/^client-\d+$/);
  await client.connect();
  await healthy(client);
  await client.removeDatabase('west');
  expect(client.stats().databases.map(({ id }) => id)).toEqual(['east']);
});
