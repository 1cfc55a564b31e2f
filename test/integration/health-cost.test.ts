/** What health checks cost, counted by the servers, against the table in docs/health-checks.md. */
import { readFileSync } from 'node:fs';
import {
  ConnectedStrategy,
  EchoStrategy,
  type HealthCheckStrategy,
  LagAwareStrategy,
  PingStrategy,
  type Probe,
  ReplicationStrategy,
  WriteReadStrategy,
} from 'redis-multidb';
import { FakeDatabase, SimulatedClient, VirtualClock } from 'redis-multidb/testing';
import { expect, it } from 'vitest';
import { type RedisServer, waitFor } from '../kit/index.js';
import { makeCertificates } from './health-certificates.js';
import { startRestServer } from './health-rest-server.js';
import { clientOf, connections, databases, servers } from './support.js';

const PROBES = 10;
/** Of a connection's making, and of the test itself. */
const NOT_PROBES = /^(hello|auth|select|client|config|info)/;

/** Rows of the table: commands per probe here, on each other database; connections; requests. */
const stated = new Map(
  [
    ...readFileSync('docs/health-checks.md', 'utf8').matchAll(
      /^\| `(\w+)` \| (\d+) \| (\d+) \| (\d+) \| (\d+) \|$/gm,
    ),
  ].map(([, name, ...numbers]) => [name as string, numbers.map(Number)]),
);

it('the table has every strategy', async () => {
  const exported = Object.keys(await import('redis-multidb')).filter((name) =>
    /Strategy$/.test(name),
  );
  expect([...stated.keys()].sort()).toEqual(exported.sort());
});

async function commands(server: RedisServer): Promise<number> {
  const stats = String(await server.command('INFO', 'commandstats'));
  return [...stats.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm)]
    .filter(([, name]) => !NOT_PROBES.test(String(name)))
    .reduce((sum, [, , calls]) => sum + Number(calls), 0);
}

/** Probes `west` with `strategy` a fixed number of times and tells what the servers saw. */
async function measure(strategy: HealthCheckStrategy) {
  const [east, west] = await servers();
  for (const server of [east, west]) await server.command('CONFIG', 'RESETSTAT');
  let probes = 0;
  const counted: HealthCheckStrategy = {
    role: 'gate',
    check: async (probe: Probe) => {
      // A strategy leaves out a peer that is not connected yet.
      await waitFor(() => probe.peers.every(({ connected }) => connected), { what: 'the peers' });
      probes += 1;
      return probes > PROBES ? new Promise(() => {}) : strategy.check(probe);
    },
  };
  const [first, second] = databases([east, west]);
  const healthCheck = { strategy: counted, intervalMs: 1, timeoutMs: 60_000, numProbes: 1 };
  const client = clientOf([], {
    databases: [
      { ...first!, healthCheck: false },
      { ...second!, healthCheck },
    ],
  });
  await client.connect();
  await waitFor(() => probes > PROBES && client.databases[1]?.connected, {
    what: 'all probes',
    timeoutMs: 20_000,
  });
  const used = await connections(west);
  await client.close();
  await waitFor(async () => (await connections(west)) === 0, { what: 'the client to be gone' });
  // The data connection is there without any check.
  const [here, there] = [await commands(west), await commands(east)];
  return [here / PROBES, there / PROBES, used - 1];
}

it.each<HealthCheckStrategy>([
  new PingStrategy(),
  new EchoStrategy(),
  new ConnectedStrategy(),
  new WriteReadStrategy(),
  new ReplicationStrategy({ toleranceMs: 300 }),
])('$name', async (strategy) => {
  const row = stated.get(strategy.constructor.name);
  expect([...(await measure(strategy)), 0]).toEqual(row);
});

it('LAG-AWARE', async () => {
  const certificates = makeCertificates();
  const rest = await startRestServer(certificates.server);
  rest.databases = [{ uid: 1, endpoints: [{ addr: ['127.0.0.1'] }] }];
  const { url: restUrl, credentials } = rest;
  const strategy = new LagAwareStrategy({ restUrl, credentials, tls: { ca: certificates.ca } });
  const measured = await measure(strategy);
  strategy.close();
  await rest.close();
  // One more looks the database up.
  expect([...measured, (rest.requests.length - 1) / PROBES]).toEqual(
    stated.get('LagAwareStrategy'),
  );
  expect(rest.accepted).toBe(1);
});

it('with the defaults a database is probed 30 to 33 times a minute', async () => {
  const clock = new VirtualClock();
  const fakes = ['east', 'west'].map((id) => new FakeDatabase({ id, clock }));
  const client = new SimulatedClient({ clock, databases: fakes.map((database) => ({ database })) });
  const connecting = client.connect();
  await clock.until(() => client.isReady, 1000);
  await connecting;
  const before = fakes.map(({ probesAnswered }) => probesAnswered);
  const minutes = 100;
  await clock.advance(minutes * 60_000);
  for (const [index, { probesAnswered }] of fakes.entries()) {
    const perMinute = (probesAnswered - (before[index] ?? 0)) / minutes;
    expect(perMinute).toBeGreaterThan(30);
    expect(perMinute).toBeLessThan(33);
  }
  await client.close();
});
