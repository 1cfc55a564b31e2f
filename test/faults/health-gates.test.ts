/** Gates through the client: what a failing gate check does, and what it does not. */
import { type HealthCheckStrategy, LagAwareStrategy, type Probe } from 'redis-multidb';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Certificates, makeCertificates } from '../integration/health-certificates.js';
import { type RestServer, startRestServer } from '../integration/health-rest-server.js';
import {
  active,
  clientOf,
  connected,
  databases,
  healthy,
  QUICK,
  recordEvents,
  servers,
} from '../integration/support.js';
import { waitFor } from '../kit/index.js';

const GATE = { intervalMs: 200, timeoutMs: 150, numProbes: 1 };

/** A gate that a test opens and closes. */
function makeGate() {
  const gate = {
    open: true,
    rounds: 0,
    strategy: {
      name: 'gate',
      role: 'gate',
      check: () => {
        gate.rounds += 1;
        if (!gate.open) throw new Error('not in sync');
        return true;
      },
    } satisfies HealthCheckStrategy,
  };
  return gate;
}

/** `east` is probed by PING and has a gate, `west` by PING alone. */
async function withGate(strategy: HealthCheckStrategy, options = {}) {
  const [east, west] = await servers();
  const [first, second] = databases([east, west]);
  const healthCheck = [{ ...QUICK.healthCheck }, { ...GATE, strategy }];
  const client = clientOf([], { databases: [{ ...first!, healthCheck }, second!], ...options });
  await client.connect();
  await healthy(client);
  await active(client, 'east');
  return { client, east, west };
}

describe('a gate', () => {
  it('that closes does not evict the active database; explain() shows it', async () => {
    const gate = makeGate();
    const { client } = await withGate(gate.strategy);
    const events = recordEvents(client);
    gate.open = false;
    await waitFor(() => client.explain().active?.why.includes('gate closed'), {
      what: 'the gate to close',
    });
    expect(client.explain().active?.why).toMatch('gate closed (gate: not in sync)');
    expect(client.activeDatabase).toBe('east');
    expect(client.isHealthy('east')).toBe(true);
    expect(events.all).toEqual([]);
  });

  it.each<[string, (probe: Probe) => Promise<unknown>]>([
    ['blocks its own connection', (probe) => probe.sendCommand(['BLPOP', 'no-list', '0.6'])],
    ['closes its own connection', (probe) => probe.sendCommand(['QUIT'])],
    ['subscribes without end', (probe) => probe.subscribe('channel', () => {})],
    [
      'blocks a connection to another database',
      async ({ peers }) => peers[0]?.sendCommand(['BLPOP', 'no-list', '0.6']),
    ],
  ])('that %s does not evict the active database', async (_, act) => {
    let rounds = 0;
    const strategy: HealthCheckStrategy = {
      role: 'gate',
      check: async (probe) => {
        rounds += 1;
        await act(probe);
        return true;
      },
    };
    const [first, second] = databases(await servers());
    // The gate blocks for longer than PING may take.
    const gate = { ...GATE, timeoutMs: 2000, intervalMs: 50, strategy };
    const healthCheck = [QUICK.healthCheck, gate];
    const client = clientOf([], {
      databases: [
        { ...first!, healthCheck },
        { ...second!, healthCheck },
      ],
    });
    await client.connect();
    await healthy(client);
    const events = recordEvents(client);
    await waitFor(() => rounds >= 5, { what: 'the gates to be checked' });
    expect(client.activeDatabase).toBe('east');
    expect(events.all).toEqual([]);
  });

  it('keeps a database from being failed back to until it opens', async () => {
    const gate = makeGate();
    const { client, east } = await withGate(gate.strategy);
    const events = recordEvents(client);
    gate.open = false;
    await east.kill();
    await active(client, 'west');
    await east.restart();
    await waitFor(() => client.explain().others[0]?.lacks.join() === 'gate closed', {
      what: 'nothing but the gate to be in the way',
    });
    const rounds = gate.rounds;
    await waitFor(() => gate.rounds >= rounds + 3, { what: 'the gate to be checked again' });
    expect(client.activeDatabase).toBe('west');
    expect(client.explain().others[0]).toMatchObject({
      id: 'east',
      lacks: ['gate closed'],
      details: ['gate closed (gate: not in sync)'],
    });
    gate.open = true;
    await active(client, 'east');
    expect(events.switches).toEqual(['east>west health-check', 'west>east failback']);
  });

  it('must pass anew after its database was left, however well it was before', async () => {
    const gate = makeGate();
    const { client, east } = await withGate(gate.strategy, { gracePeriodMs: 0 });
    await waitFor(() => gate.rounds > 0, { what: 'the gate to be checked' });
    await east.kill();
    await active(client, 'west');
    expect(client.explain().others[0]?.lacks).toContain('gate closed');
    await east.restart();
    await active(client, 'east');
  });

  it('does not keep the last database from serving', async () => {
    const gate = makeGate();
    const { client, west } = await withGate(gate.strategy);
    gate.open = false;
    await waitFor(() => client.explain().active?.why.includes('gate closed'), {
      what: 'the gate to close',
    });
    await client.setActiveDatabase('west');
    await active(client, 'west');
    await west.kill();
    await active(client, 'east');
    expect(client.explain().active).toMatchObject({ id: 'east', lastResort: true });
    expect(await client.set('key', 'value')).toBe('OK');
  });

  it('does not keep anybody from going there by hand', async () => {
    const gate = makeGate();
    const { client } = await withGate(gate.strategy, { failbackSupported: false });
    gate.open = false;
    await waitFor(() => client.explain().active?.why.includes('gate closed'), {
      what: 'the gate to close',
    });
    await client.setActiveDatabase('west');
    expect(client.explain().others[0]?.lacks).toEqual(['gate closed']);
    await client.setActiveDatabase('east');
    expect(client.activeDatabase).toBe('east');
  });

  it('is not waited for at start', async () => {
    const strategy: HealthCheckStrategy = { role: 'gate', check: () => new Promise(() => {}) };
    const { client } = await withGate(strategy);
    expect(client.explain().active?.lastResort).toBe(false);
  });

  it('alone makes a database count as healthy, and is warned of', async () => {
    const warnings: (Error & { code?: string })[] = [];
    const onWarning = (warning: Error) => warnings.push(warning);
    process.on('warning', onWarning);
    const gate = makeGate();
    const client = await connected(await servers(), {
      healthCheck: { ...GATE, strategy: gate.strategy },
    });
    process.off('warning', onWarning);
    expect(client.explain().active?.why).toContain('health is not checked');
    expect(warnings.map(({ code }) => code)).toContain('REDIS_MULTIDB_GATES_ONLY');
  });
});

describe('LagAwareStrategy', () => {
  let certificates: Certificates;
  let rest: RestServer | undefined;

  beforeAll(() => {
    certificates = makeCertificates();
  });

  afterEach(async () => {
    await rest?.close();
    rest = undefined;
  });

  async function withLag(role?: 'full' | 'gate') {
    rest = await startRestServer(certificates.server);
    rest.databases = [{ uid: 5, endpoints: [{ dns_name: 'x', addr: ['127.0.0.1'] }], lagMs: 0 }];
    const strategy = new LagAwareStrategy({
      restUrl: rest.url,
      credentials: rest.credentials,
      tls: { ca: certificates.ca },
      ...(role === undefined ? {} : { role }),
    });
    return { rest, database: rest.databases[0]!, ...(await withGate(strategy)) };
  }

  it('keeps a database that lags from being failed back to', async () => {
    const { client, east, database } = await withLag();
    database.lagMs = 6000;
    await east.kill();
    await active(client, 'west');
    await east.restart();
    await waitFor(() => client.explain().others[0]?.lacks.join() === 'gate closed', {
      what: 'nothing but the gate to be in the way',
    });
    await waitFor(() => client.explain().toString().includes('bdb_unavailable'), {
      what: 'the reason to be shown',
    });
    expect(client.explain().others[0]?.details[0]).toMatch(
      /^gate closed \(LAG-AWARE: GET https:\/\/127.0.0.1:\d+\/v1\/bdbs\/5\/availability answered 503: bdb_unavailable \(Database is not available\)\)$/,
    );
    database.lagMs = 100;
    await active(client, 'east');
  });

  it('does not evict a database whose management does not answer', async () => {
    const { client, rest: server } = await withLag();
    const events = recordEvents(client);
    server.fault = { path: /./, act: () => {} };
    await waitFor(() => client.explain().active?.why.includes('gate closed'), {
      what: 'the gate to close',
    });
    expect(client.explain().active?.why).toMatch(
      `gate closed (LAG-AWARE: no answer within ${GATE.timeoutMs} ms)`,
    );
    expect(events.all).toEqual([]);
  });

  it('evicts with role: full', async () => {
    const { client, database } = await withLag('full');
    const events = recordEvents(client);
    database.available = false;
    await active(client, 'west');
    expect(events.of('switch')[0]?.cause).toMatch(/^east: LAG-AWARE: GET .* 503: bdb_unavailable/);
  });

  it('holds one connection, which ends with the client', async () => {
    const { client, rest: server } = await withLag();
    await waitFor(() => server.requests.length > 5, { what: 'rounds' });
    expect(server.accepted).toBe(1);
    await client.close();
    await waitFor(() => server.open === 0, { what: 'the connection to be closed' });
  });

  it('ends its connection when its database is removed', async () => {
    const { client, rest: server } = await withLag();
    await waitFor(() => server.requests.length > 1, { what: 'a round' });
    await client.setActiveDatabase('west');
    await client.removeDatabase('east');
    await waitFor(() => server.open === 0, { what: 'the connection to be closed' });
  });
});
