import { ConnectedStrategy, PingStrategy, type Probe } from 'redis-multidb';
import { describe, expect, it } from 'vitest';
import { freePort, startProxy, startRedis, waitFor } from '../kit/index.js';
import {
  active,
  clientOf,
  connected,
  connections,
  errorOf,
  healthy,
  LONG_GRACE,
  own,
  recordEvents,
  servers,
  Traffic,
} from './support.js';

it('shows a frozen snapshot of each database', async () => {
  const [east, west] = await servers();
  const client = await connected([east, west], {
    failureDetector: { includedErrors: () => true },
  });
  await client.set('text', 'value');
  await errorOf(client.lPush('text', 'x'));
  const { databases } = client;
  expect(databases).toEqual([
    {
      id: 'east',
      weight: 1,
      active: true,
      health: 'healthy',
      cause: undefined,
      connected: true,
      breaker: 'closed',
      failures: 1,
      slowCalls: 0,
      slow: false,
      total: 2,
      healthChecks: ['PING'],
      gracePeriodLeftMs: 0,
      drainLeftMs: 0,
      readOnly: false,
      lastError: undefined,
      lastProbe: {
        check: 'PING',
        healthy: true,
        cause: undefined,
        timedOut: false,
        at: expect.any(Date),
        latencyMs: expect.any(Number),
      },
      latencyMs: databases[0]?.lastProbe?.latencyMs,
    },
    expect.objectContaining({ id: 'west', weight: 0.5, active: false, failures: 0, total: 0 }),
  ]);
  expect(databases.every(Object.isFrozen)).toBe(true);

  await east.kill();
  await active(client, 'west');
  expect(databases[0]?.active).toBe(true);
  expect(client.databases[0]).toMatchObject({
    active: false,
    health: 'unhealthy',
    cause: expect.stringMatching(/ECONNREFUSED/),
    connected: false,
    lastError: expect.any(Error),
    lastProbe: { healthy: false },
  });
  expect(client.databases[0]?.gracePeriodLeftMs).toBeGreaterThan(0);
});

it('setActiveDatabase moves the traffic, and rejects what can’t serve', async () => {
  const [east, west, north] = await servers(3);
  const client = await connected([east, west, north], { failbackCheckIntervalMs: 3_600_000 });
  const events = recordEvents(client);
  const traffic = new Traffic(() => client.incr('counter'), { callers: 20 });
  await traffic.flows(100);
  await client.setActiveDatabase('west');
  expect(client.activeDatabase).toBe('west');
  await traffic.flows(100);
  await client.setActiveDatabase('west');
  expect(events.switches).toEqual(['east>west manual']);

  expect(await errorOf(client.setActiveDatabase('nowhere'))).toMatchObject({
    code: 'UNKNOWN_DATABASE',
    databaseId: 'nowhere',
    message: expect.stringContaining('"east", "west", "north"'),
  });
  await north.kill();
  const refused = await errorOf(client.setActiveDatabase('north'));
  expect(refused).toMatchObject({ code: 'DATABASE_UNAVAILABLE', databaseId: 'north' });
  expect(refused.message).toMatch(/ECONNREFUSED/);
  expect(client.activeDatabase).toBe('west');
  await traffic.stop();
  expect(traffic.errors).toEqual([]);
  const counted = await Promise.all([east, west].map((each) => each.command('GET', 'counter')));
  expect(counted.map(Number).reduce((a, b) => a + b)).toBe(traffic.successes);
});

it('leaves a database that was set by hand at the next look for a better one', async () => {
  const [east, west] = await servers();
  const client = await connected([east, west]);
  await client.setActiveDatabase('west');
  await active(client, 'east');
});

it('setActiveDatabase takes a database out of its grace period', async () => {
  const [east, west] = await servers();
  const client = await connected([east, west], LONG_GRACE);
  await east.kill();
  await active(client, 'west');
  await east.restart();
  await client.setActiveDatabase('east');
  expect(client.activeDatabase).toBe('east');
  expect(client.databases[0]?.gracePeriodLeftMs).toBe(0);
});

it('forceActiveDatabase holds against failback and weights, and still fails over', async () => {
  const [east, west, north] = await servers(3);
  // A busy machine does not count as a failure of west.
  const { healthCheck } = LONG_GRACE;
  const client = await connected([east, west, north], { healthCheck });
  const events = recordEvents(client);
  await client.forceActiveDatabase('north');
  expect(client.explain().active).toMatchObject({
    id: 'north',
    why: 'forced until the next manual switch',
  });
  client.setWeight('west', 5);
  const seen = client.databases[0]?.lastProbe?.at.getTime() ?? 0;
  // Several looks for a better database take place meanwhile.
  await waitFor(() => (client.databases[0]?.lastProbe?.at.getTime() ?? 0) > seen + 300, {
    what: 'health checks to go on',
  });
  expect(client.activeDatabase).toBe('north');
  await north.kill();
  await active(client, 'west');
  expect(events.switches).toEqual(['east>north forced', 'north>west health-check']);
});

it('forceActiveDatabase ends after durationMs, and rejects a wrong one', async () => {
  const [east, west] = await servers();
  const client = await connected([east, west]);
  await client.forceActiveDatabase('west', { durationMs: 150 });
  expect(client.explain().active?.why).toMatch(/^forced for another 0\.\d s$/);
  await active(client, 'east');
  for (const durationMs of [-1, Number.NaN, 2 ** 31]) {
    expect(await errorOf(client.forceActiveDatabase('west', { durationMs }))).toMatchObject({
      code: 'INVALID_OPTION',
      option: 'durationMs',
    });
  }
});

it('forceActiveDatabase unchecked keeps a dead database, and commands fail with its errors', async () => {
  const [east, west] = await servers();
  const client = await connected([east, west], { ...LONG_GRACE, commandDeadlineMs: 1500 });
  const events = recordEvents(client);
  await east.kill();
  await active(client, 'west');
  for (const options of [{}, { durationMs: 0 }, { durationMs: 2 ** 31 }]) {
    const wrong = await errorOf(
      client.forceActiveDatabase('east', { ...options, unchecked: true }),
    );
    expect(wrong).toMatchObject({ code: 'INVALID_OPTION', option: 'durationMs' });
  }
  const force = { durationMs: 3_600_000, unchecked: true } as const;
  expect(await errorOf(client.forceActiveDatabase('nowhere', force))).toMatchObject({
    code: 'UNKNOWN_DATABASE',
  });
  expect(client.activeDatabase).toBe('west');

  await client.forceActiveDatabase('east', force);
  expect(client.activeDatabase).toBe('east');
  const popped = errorOf(client.blPop('list', 1));
  const lost = await errorOf(client.set('k', 'v'));
  expect(lost).toMatchObject({ code: 'COMMAND_TIMEOUT', maybeExecuted: false });
  expect(String(lost.cause)).toMatch(/ECONNREFUSED/);
  expect(await popped).toMatchObject({ code: 'COMMAND_TIMEOUT' });
  expect(client.activeDatabase).toBe('east');
  const { active: now } = client.explain();
  expect(now?.why).toMatch(/^forced without checks for another 35\d\d\.\d s; .*ECONNREFUSED/);
  expect(now?.forced).toMatchObject({ unchecked: true, until: expect.any(Date) });

  await east.restart();
  await waitFor(async () => (await client.set('k', 'v').catch(() => '')) === 'OK', {
    what: 'east to serve',
  });
  await east.command('CONFIG', 'SET', 'maxmemory', '1');
  expect((await errorOf(client.set('k', 'v'))).message).toMatch(/^OOM /);
  expect(client.activeDatabase).toBe('east');
  await waitFor(() => client.databases[0]?.health === 'unhealthy', { what: 'the failed check' });
  expect(client.releaseActiveDatabase()).toBe(true);
  expect(client.activeDatabase).toBe('west');
  expect(client.releaseActiveDatabase()).toBe(false);
  expect(events.switches).toEqual([
    'east>west health-check',
    'west>east forced',
    'east>west health-check',
  ]);
});

describe('health checks that are changed at run time', () => {
  const QUICK_CHECK = { intervalMs: 20, timeoutMs: 1000, numProbes: 1 };

  it('a check that fails moves the traffic, and its removal makes the database healthy', async () => {
    const [east, west] = await servers();
    const client = await connected([east, west], { gracePeriodMs: 1 });
    const events = recordEvents(client);
    let isHealthy = true;
    let probes = 0;
    let closed = 0;
    const strategy = {
      name: 'application',
      check: async ({ sendCommand }: Probe) => {
        probes += 1;
        await sendCommand(['PING']);
        return isHealthy;
      },
      close: () => {
        closed += 1;
      },
    };
    expect(client.addHealthCheck('east', { ...QUICK_CHECK, strategy })).toBe('application');
    expect(client.databases.map(({ healthChecks }) => healthChecks)).toEqual([
      ['PING', 'application'],
      ['PING'],
    ]);
    await waitFor(() => probes > 3, { what: 'its probes' });
    expect(client.activeDatabase).toBe('east');
    isHealthy = false;
    await active(client, 'west');
    expect(client.databases[0]?.cause).toMatch(/^application: /);
    client.removeHealthCheck('east', 'application');
    const seen = probes;
    expect(closed).toBe(1);
    await active(client, 'east');
    expect(probes).toBe(seen);
    expect(events.switches).toEqual(['east>west health-check', 'west>east failback']);
    expect(await client.set('k', 'v')).toBe('OK');
  });

  it('refuses unknown databases and names, names that are taken, and the last check', async () => {
    const [east, west] = await servers();
    const client = await connected([east, west]);
    function always() {
      return true;
    }
    expect(() => client.addHealthCheck('north', always)).toThrow(/unknown database/);
    expect(() => client.removeHealthCheck('north', 'PING')).toThrow(/unknown database/);
    expect(() => client.addHealthCheck('east', new PingStrategy())).toThrow(/no check of east has/);
    expect(() => client.addHealthCheck('east', { intervalMs: 0 })).toThrow(
      /healthCheck.intervalMs/,
    );
    expect(() => client.addHealthCheck('east', 5 as never)).toThrow(/healthCheck/);
    expect(() => client.removeHealthCheck('east', 'lag')).toThrow(/health check of east \(PING\)/);
    expect(() => client.removeHealthCheck('east', 'PING')).toThrow(/not the last one of east/);
    client.addHealthCheck('east', always);
    client.removeHealthCheck('east', 'PING');
    expect(client.databases[0]?.healthChecks).toEqual(['always']);
    await client.close();
    expect(() => client.addHealthCheck('east', always)).toThrow();
  });

  it('a gate that is added keeps a standby from a failback until it is removed', async () => {
    const [east, west] = await servers();
    const client = await connected([east, west], { gracePeriodMs: 1 });
    const gate = { name: 'replication', role: 'gate', check: () => false } as const;
    client.addHealthCheck('east', { ...QUICK_CHECK, strategy: gate });
    await waitFor(() => client.explain().active?.why.includes('gate closed') === true, {
      what: 'the closed gate',
    });
    expect(client.activeDatabase).toBe('east');
    await client.setActiveDatabase('west');
    const seen = client.databases[0]?.lastProbe?.at.getTime() ?? 0;
    await waitFor(() => (client.databases[0]?.lastProbe?.at.getTime() ?? 0) > seen + 300, {
      what: 'several looks for a better database',
    });
    expect(client.activeDatabase).toBe('west');
    expect(client.explain().others[0]?.lacks).toEqual(['gate closed']);
    client.removeHealthCheck('east', 'replication');
    await active(client, 'east');
  });

  it('leaves no connection or timer behind, in a pool and for duplicates as well', async () => {
    const [east, west] = await servers();
    const client = await connected([east, west], {
      databases: [
        {
          id: 'east',
          weight: 1,
          topology: 'pool',
          pool: { minimum: 2 },
          client: { url: east.url },
        },
        { id: 'west', weight: 0.5, client: { url: west.url } },
      ],
      healthCheck: { ...QUICK_CHECK, strategy: new ConnectedStrategy() },
    } as never);
    const duplicate = own(client.duplicate());
    await duplicate.connect();
    const open = async () => {
      const lists = await Promise.all([east, west].map((each) => each.command('CLIENT', 'LIST')));
      return lists.map((list) => String(list).trim().split('\n').length);
    };
    // A check of the connections alone has no connection of its own.
    const before = await open();
    const names = ['east', 'west'].flatMap((id) => [
      client.addHealthCheck(id, { ...QUICK_CHECK, strategy: new PingStrategy() }),
      duplicate.addHealthCheck(id, {
        ...QUICK_CHECK,
        strategy: { name: 'peers', role: 'gate', check: askPeers },
      }),
    ]);
    expect(names).toEqual(['PING', 'peers', 'PING', 'peers']);
    await waitFor(async () => (await open()).every((count, at) => count >= (before[at] ?? 0) + 2), {
      what: 'the connections of the checks',
    });
    for (const id of ['east', 'west']) {
      for (const name of ['PING', 'peers']) duplicate.removeHealthCheck(id, name);
    }
    await waitFor(async () => String(await open()) === String(before), {
      what: 'the connections to be closed',
    });
    expect(await client.get('k')).toBe(null);
    await duplicate.close();
    await client.close();
  });
});

async function askPeers({ peers }: Probe): Promise<boolean> {
  await Promise.all(peers.map((peer) => peer.sendCommand(['PING'])));
  return true;
}

it('drains a database: others serve until it is resumed', async () => {
  const [east, west] = await servers();
  const client = await connected([east, west]);
  const events = recordEvents(client);
  const traffic = new Traffic(() => client.incr('counter'), { callers: 20 });
  await traffic.flows(100);
  await client.drainDatabase('east');
  expect(client.activeDatabase).toBe('west');
  expect(client.databases[0]).toMatchObject({
    drainLeftMs: Number.POSITIVE_INFINITY,
    health: 'healthy',
  });
  expect(client.explain().others).toMatchObject([
    { id: 'east', lacks: ['drained'], details: ['drained'], possibleAt: undefined },
  ]);
  // Neither weights nor several looks for a better database bring it back.
  client.setWeight('east', 5);
  const seen = client.databases[0]?.lastProbe?.at.getTime() ?? 0;
  await waitFor(() => (client.databases[0]?.lastProbe?.at.getTime() ?? 0) > seen + 300, {
    what: 'health checks to go on',
  });
  await traffic.flows(100);
  expect(client.activeDatabase).toBe('west');
  expect(client.resumeDatabase('east')).toBe(true);
  expect(client.resumeDatabase('east')).toBe(false);
  await active(client, 'east');
  await traffic.stop();
  expect(traffic.errors).toEqual([]);
  expect(events.switches).toEqual(['east>west manual', 'west>east failback']);
  expect(events.of('switch')[0]?.cause).toBe('east was drained');
  expect(events.of('database-unhealthy')).toEqual([]);
  const counted = await Promise.all([east, west].map((each) => each.command('GET', 'counter')));
  expect(counted.map(Number).reduce((a, b) => a + b)).toBe(traffic.successes);
});

it('a drain ends by itself, or when the database is chosen by hand', async () => {
  const [east, west] = await servers();
  const client = await connected([east, west]);
  await client.drainDatabase('east', { durationMs: 200 });
  expect(client.activeDatabase).toBe('west');
  expect(client.explain().others[0]?.details[0]).toMatch(/^drained for another 0\.\d s$/);
  expect(client.explain().others[0]?.possibleAt).toBeInstanceOf(Date);
  await active(client, 'east');
  expect(client.databases[0]?.drainLeftMs).toBe(0);
  await client.drainDatabase('east');
  await client.setActiveDatabase('east');
  expect(client.databases[0]?.drainLeftMs).toBe(0);
  expect(await errorOf(client.drainDatabase('nowhere'))).toMatchObject({
    code: 'UNKNOWN_DATABASE',
  });
  expect(() => client.resumeDatabase('nowhere')).toThrow(/unknown database/);
  for (const durationMs of [-1, Number.NaN, 2 ** 31]) {
    expect(await errorOf(client.drainDatabase('east', { durationMs }))).toMatchObject({
      option: 'durationMs',
    });
  }
});

it('a drained database serves rather than none, and only the last one can’t be drained', async () => {
  const [east, west] = await servers();
  const client = await connected([east, west], LONG_GRACE);
  const events = recordEvents(client);
  await client.drainDatabase('east');
  await west.kill();
  await active(client, 'east');
  expect(client.explain().active).toMatchObject({ id: 'east', lastResort: true });
  expect(await errorOf(client.drainDatabase('east'))).toMatchObject({
    code: 'DATABASE_UNAVAILABLE',
    message: expect.stringContaining('it was not drained'),
  });
  await west.restart();
  await client.setActiveDatabase('west');
  expect(client.activeDatabase).toBe('west');
  expect(events.switches).toEqual([
    'east>west manual',
    'west>east health-check',
    'east>west manual',
  ]);
});

it('setWeight moves the traffic at once', async () => {
  const [east, west] = await servers();
  const client = await connected([east, west], { failbackCheckIntervalMs: 3_600_000 });
  const events = recordEvents(client);
  expect(client.setWeight('west', 0.5)).toBe(false);
  expect(client.setWeight('west', 2)).toBe(true);
  expect(client.activeDatabase).toBe('west');
  expect(client.setWeight('west', 0.5)).toBe(true);
  expect(client.activeDatabase).toBe('east');
  expect(client.getWeight('west')).toBe(0.5);
  expect(events.switches).toEqual(['east>west weight', 'west>east weight']);
  for (const weight of [0, -1, Number.NaN, Number.POSITIVE_INFINITY, '2' as never]) {
    expect(() => client.setWeight('west', weight)).toThrow(/weight/);
  }
  expect(() => client.setWeight('nowhere', 1)).toThrow(/unknown database "nowhere"/);
  expect(() => client.getWeight('nowhere')).toThrow(/unknown database "nowhere"/);
});

it('isHealthy tells whether checks pass and the connection stands', async () => {
  const [east, west] = await servers();
  const client = clientOf([east, west]);
  expect(client.isHealthy('east')).toBe(false);
  await client.connect();
  await healthy(client);
  await west.kill();
  await waitFor(() => !client.isHealthy('west'), { what: 'west to be unhealthy' });
  expect(client.isHealthy('east')).toBe(true);
  expect(() => client.isHealthy('nowhere')).toThrow(/unknown database/);
});

it('adds, replaces and removes databases with commands running, and loses none', async () => {
  const [east, west] = await servers();
  const north = await startRedis();
  const client = await connected([east]);
  const events = recordEvents(client);
  const traffic = new Traffic(() => client.incr('counter'), { callers: 50 });
  await traffic.flows(200);

  const added = await client.addDatabase({ id: 'west', weight: 2, client: { url: west.url } });
  expect(added).toMatchObject({ id: 'west', health: 'healthy', connected: true });
  expect(client.activeDatabase).toBe('west');
  await traffic.flows(200);

  await client.removeDatabase('west');
  expect(client.activeDatabase).toBe('east');
  await traffic.flows(200);

  const replaced = await client.replaceDatabase('east', {
    id: 'north',
    client: { url: north.url },
  });
  expect(replaced).toMatchObject({ id: 'north', health: 'healthy', active: true });
  await traffic.flows(200);
  await traffic.stop();

  expect(traffic.errors).toEqual([]);
  expect(client.databases.map(({ id }) => id)).toEqual(['north']);
  expect(events.switches).toEqual([
    'east>west failback',
    'west>east removed',
    'east>north removed',
  ]);
  const counts = await Promise.all(
    [east, west, north].map((server) => server.command('GET', 'counter')),
  );
  expect(counts.map(Number).reduce((sum, count) => sum + count)).toBe(traffic.successes);
  for (const server of [east, west]) {
    await waitFor(async () => (await connections(server)) === 0, { what: 'no connection' });
  }
});

it('settles what is pending on a database that is removed', async () => {
  const [east, west] = await servers();
  const proxy = await startProxy(east);
  const client = await connected([proxy, west]);
  proxy.delay({ toClientMs: 200 });
  const slow = Array.from({ length: 100 }, () => client.incr('counter'));
  await waitFor(async () => (await east.command('GET', 'counter')) === '100', { what: 'INCR' });
  await client.removeDatabase('east');
  expect(client.activeDatabase).toBe('west');
  expect((await Promise.all(slow)).at(-1)).toBe(100);
  expect(await west.command('GET', 'counter')).toBeNull();
});

it('never removes the last database, nor the active one when no other can serve', async () => {
  const [east, west] = await servers();
  const client = await connected([east, west]);
  await west.kill();
  await waitFor(() => !client.isHealthy('west'), { what: 'west to be unhealthy' });
  expect(await errorOf(client.removeDatabase('east'))).toMatchObject({
    code: 'DATABASE_UNAVAILABLE',
    databaseId: 'east',
  });
  await client.removeDatabase('west');
  expect(await errorOf(client.removeDatabase('east'))).toMatchObject({ code: 'INVALID_OPTION' });
  expect(await errorOf(client.removeDatabase('west'))).toMatchObject({ code: 'UNKNOWN_DATABASE' });
  expect(await client.ping()).toBe('PONG');
});

it('keeps the old database when its replacement is dead', async () => {
  const [east, west] = await servers();
  const client = await connected([east, west]);
  const events = recordEvents(client);
  const url = `redis://127.0.0.1:${await freePort()}`;
  const error = await errorOf(client.replaceDatabase('east', { id: 'new', client: { url } }));
  expect(error).toMatchObject({ code: 'DATABASE_UNAVAILABLE', databaseId: 'new' });
  expect(error.message).toMatch(/ECONNREFUSED.*east was kept/);
  expect(client.databases.map(({ id }) => id)).toEqual(['east', 'west']);
  expect(client.activeDatabase).toBe('east');
  expect(events.of('switch')).toEqual([]);
});

it('adds a dead database, which is taken once it is healthy', async () => {
  const [east, west] = await servers();
  await west.kill();
  const client = await connected([east]);
  const added = await client.addDatabase({ id: 'west', weight: 3, client: { url: west.url } });
  expect(added).toMatchObject({ id: 'west', health: 'unhealthy', active: false });
  expect(client.activeDatabase).toBe('east');
  await west.restart();
  await active(client, 'west');
});

it('validates what is added, and needs an open client', async () => {
  const [east, west] = await servers();
  const client = clientOf([east]);
  expect(await errorOf(client.addDatabase({ client: { url: west.url } }))).toMatchObject({
    code: 'CLIENT_CLOSED',
  });
  await client.connect();
  for (const [database, option] of [
    [{ id: 'east', client: { url: west.url } }, 'database.id'],
    [{ id: 'west', weight: 0, client: { url: west.url } }, 'database.weight'],
    [{ id: 'west', wight: 1 }, 'database.wight'],
    [{ id: 'west' }, 'database.client'],
    [{ id: 'west', client: { url: west.url, host: 'west' } }, 'database.client.host'],
    [{ id: 'west', client: { RESP: 7 } }, 'database.client.RESP'],
  ] as const) {
    expect(await errorOf(client.addDatabase(database as never))).toMatchObject({
      code: 'INVALID_OPTION',
      option,
    });
  }
  await client.close();
  for (const call of [
    () => client.setActiveDatabase('east'),
    () => client.forceActiveDatabase('east'),
    () => client.removeDatabase('east'),
    () => client.drainDatabase('east'),
    () => client.replaceDatabase('east', { id: 'west', client: { url: west.url } }),
  ]) {
    expect(await errorOf(call())).toMatchObject({ code: 'CLIENT_CLOSED' });
  }
});

it('takes a duration as Jedis does, and holds nothing without end by mistake', async () => {
  const [east, west] = await servers();
  const client = await connected([east, west]);
  await client.forceActiveDatabase('west', 60_000);
  expect(String(client.explain())).toMatch(/active: west \(forced for another (60|59)\.\d s\)/);
  await client.drainDatabase('east', 60_000);
  expect(client.databases[0]?.drainLeftMs).toBeLessThanOrEqual(60_000);
  for (const wrong of [
    -1,
    Number.NaN,
    2 ** 31,
    '60000',
    null,
    { duration: 5 },
    { durationMs: '5' },
  ]) {
    for (const method of ['forceActiveDatabase', 'drainDatabase'] as const) {
      const error = await errorOf(client[method]('west', wrong as never));
      expect(error).toMatchObject({ code: 'INVALID_OPTION' });
    }
  }
});

it('turns failback off and on while commands are running', async () => {
  const [east, west] = await servers();
  const client = await connected([east, west], { failbackCheckIntervalMs: 50, gracePeriodMs: 1 });
  const duplicate = client.duplicate();
  expect(client.failbackSupported).toBe(true);
  expect(client.setFailbackSupported(false)).toBe(true);
  expect(client.setFailbackSupported(false)).toBe(false);
  expect(duplicate.failbackSupported).toBe(false);
  await east.kill();
  await active(client, 'west');
  await east.restart();
  await healthy(client, 'east');
  await waitFor(() => /eligible; automatic failback is off/.test(client.explain().toString()), {
    what: 'east to be eligible',
  });
  expect(client.explain().nextFailbackCheckAt).toBeUndefined();
  expect(client.setFailbackSupported(true)).toBe(true);
  await active(client, 'east');
  const reason = client.explain().switches.at(-1)?.reason;
  expect(reason).toBe('failback');

  const wrong = () => client.setFailbackSupported('no' as never);
  expect(wrong).toThrow(/failbackSupported: expected true or false, received "no"/);
});

it('adds a database without waiting for its health', async () => {
  const [east] = await servers(1);
  const client = await connected([east]);
  const { port } = await startRedis();
  const west = { id: 'west', weight: 2, client: { url: `redis://127.0.0.1:${port}` } };
  const added = await client.addDatabase(west, { skipInitialHealthCheck: true });
  expect(added).toMatchObject({ id: 'west', active: false, health: 'unknown' });
  expect(client.activeDatabase).toBe('east');
  await active(client, 'west');

  const other = { ...west, id: 'other' };
  const wrong = await errorOf(client.addDatabase(other, { skipInitialHealthCheck: 1 as never }));
  expect(wrong.message).toMatch(/skipInitialHealthCheck: expected true or false, received 1/);
  const unknown = await errorOf(client.addDatabase(other, { skip: true } as never));
  expect(unknown.message).toMatch(/skip: expected a known option \(skipInitialHealthCheck\)/);
  expect(client.databases.map(({ id }) => id)).toEqual(['east', 'west']);
});
