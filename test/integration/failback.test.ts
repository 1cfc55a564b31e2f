import { expect, it } from 'vitest';
import { startProxy, waitFor } from '../kit/index.js';
import {
  active,
  connected,
  healthy,
  LONG_GRACE,
  recordEvents,
  servers,
  switchTo,
  Traffic,
} from './support.js';

it('returns with its traffic once the grace period is over and the database is healthy', async () => {
  const [east, west] = await servers();
  const client = await connected([east, west]);
  const events = recordEvents(client);
  const traffic = new Traffic(() => client.get('key'), { callers: 10 });
  await traffic.flows();
  const before = performance.now();
  await east.kill();
  await active(client, 'west');
  await east.restart();
  await active(client, 'east');
  // Whatever takes longer on a busy machine, the grace period began after this.
  expect(performance.now() - before).toBeGreaterThanOrEqual(300);
  await traffic.flows();
  await traffic.stop();
  expect(traffic.errors).toEqual([]);
  expect(events.switches).toEqual(['east>west health-check', 'west>east failback']);
  expect(events.of('failback')).toEqual([events.of('switch')[1]]);
});

it('does not return before the grace period has ended, however well the database is', async () => {
  const [east, west] = await servers();
  const client = await connected([east, west], LONG_GRACE);
  await east.kill();
  await active(client, 'west');
  await east.restart();
  await healthy(client, 'east');
  const checks = () => client.databases[0]?.lastProbe?.at.getTime() ?? 0;
  const seen = checks();
  // Several looks for a better database have passed when several probes have.
  await waitFor(() => checks() > seen + 400, { what: 'health checks to go on' });
  expect(client.activeDatabase).toBe('west');
  expect(client.databases[0]?.gracePeriodLeftMs).toBeGreaterThan(3_000_000);
  expect(client.explain().others[0]?.lacks).toEqual(['grace period']);
});

it('does not return to a database that is still down', async () => {
  const [east, west] = await servers();
  const client = await connected([east, west], { gracePeriodMs: 0 });
  const events = recordEvents(client);
  await east.kill();
  await active(client, 'west');
  const seen = client.databases[0]?.lastProbe?.at.getTime() ?? 0;
  await waitFor(() => (client.databases[0]?.lastProbe?.at.getTime() ?? 0) > seen + 300, {
    what: 'health checks to go on',
  });
  expect(events.switches).toEqual(['east>west health-check']);
});

it('stays with failbackSupported: false', async () => {
  const [east, west] = await servers();
  const client = await connected([east, west], { failbackSupported: false, gracePeriodMs: 0 });
  await east.kill();
  await active(client, 'west');
  await east.restart();
  await healthy(client, 'east');
  await waitFor(() => client.explain().others[0]?.lacks.length === 0, { what: 'east eligible' });
  expect(client.explain().others[0]?.details.join()).toMatch(/failback is off/);
  expect(client.activeDatabase).toBe('west');
  await client.setActiveDatabase('east');
  expect(client.activeDatabase).toBe('east');
});

it('never fails back among equal weights', async () => {
  const [east, west] = await servers();
  const client = await connected([east, west], {
    gracePeriodMs: 0,
    databases: [
      { id: 'east', client: { url: east.url } },
      { id: 'west', client: { url: west.url } },
    ],
  });
  expect(client.activeDatabase).toBe('east');
  await east.kill();
  await active(client, 'west');
  await east.restart();
  await waitFor(() => client.explain().others[0]?.lacks.length === 0, { what: 'east eligible' });
  const seen = client.databases[0]?.lastProbe?.at.getTime() ?? 0;
  await waitFor(() => (client.databases[0]?.lastProbe?.at.getTime() ?? 0) > seen + 300, {
    what: 'health checks to go on',
  });
  expect(client.activeDatabase).toBe('west');
});

it('lets what is in flight finish where it is when it returns', async () => {
  const [east, west] = await servers();
  const proxy = await startProxy(west);
  // A connection that delivers late is not taken for a dead one.
  const client = await connected([east, proxy], { suspectAfterMs: 60_000 });
  await east.kill();
  await active(client, 'west');
  await client.incr('counter');
  // Not the probes: west stays healthy.
  proxy.delay({ toClientMs: 400, scope: ({ seen }) => seen.has('INCR') });
  const slow = client.incr('counter');
  await waitFor(async () => (await west.command('GET', 'counter')) === '2', { what: 'INCR' });
  const returned = switchTo(client, 'east');
  await east.restart();
  expect(await slow).toBe(2);
  await returned;
  expect(await east.command('GET', 'counter')).toBeNull();
});
