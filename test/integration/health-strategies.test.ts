/** EchoStrategy, ConnectedStrategy and WriteReadStrategy through the client, against real servers. */
import {
  ConnectedStrategy,
  EchoStrategy,
  type HealthCheckStrategy,
  InvalidOptionError,
  PingStrategy,
  WriteReadStrategy,
} from 'redis-multidb';
import { describe, expect, it } from 'vitest';
import { only, type RedisServer, startProxy, startReplica, waitFor } from '../kit/index.js';
import { probeOf } from './health-probe.js';
import { connected, connections, errorOf, healthy, QUICK, servers, switchTo } from './support.js';

const check = (strategy: HealthCheckStrategy) => ({
  healthCheck: { ...QUICK.healthCheck, strategy },
});

describe('EchoStrategy', () => {
  it('passes on a server that is healthy', async () => {
    const [east] = await servers(1);
    await east.command('CONFIG', 'RESETSTAT');
    const client = await connected([east], check(new EchoStrategy()));
    expect(client.databases[0]?.lastProbe).toMatchObject({ check: 'ECHO', healthy: true });
    const stats = String(await east.command('INFO', 'commandstats'));
    expect(stats).toContain('cmdstat_echo');
    expect(stats).not.toContain('cmdstat_ping');
  });

  it('leaves a database on which replies have shifted, which PING calls well', async () => {
    const [east, west] = await servers();
    const proxy = await startProxy(east);
    const client = await connected([proxy, west], check(new EchoStrategy()));
    const left = switchTo(client, 'west');
    proxy.answerWith('$5\r\nother', only('ECHO'));
    expect((await left).cause).toMatch(/^east: ECHO: ECHO answered other to [0-9a-f]{24}$/);
  });
});

describe('ConnectedStrategy', () => {
  it('passes without a command and without a connection of its own', async () => {
    const [east] = await servers(1);
    await east.command('CONFIG', 'RESETSTAT');
    const client = await connected([east], check(new ConnectedStrategy()));
    const rounds = client.databases[0]?.lastProbe?.at.getTime() ?? 0;
    await waitFor(() => (client.databases[0]?.lastProbe?.at.getTime() ?? 0) > rounds + 200, {
      what: 'more rounds',
    });
    expect(await connections(east)).toBe(1);
    const stats = String(await east.command('INFO', 'commandstats'));
    expect(stats).not.toMatch(/cmdstat_(ping|echo)/);
  });

  it('names the address of a database that it has no connection to', async () => {
    const [east, west] = await servers();
    const strategy = new ConnectedStrategy({ waitMs: 100 });
    const client = await connected([east, west], check(strategy));
    await west.kill();
    await waitFor(() => !client.isHealthy('west'), { what: 'west to be unhealthy' });
    await waitFor(() => client.explain().toString().includes('CONNECTED'), {
      what: 'the reason to be shown',
    });
    expect(client.explain().others[0]?.details).toContain(
      `unhealthy (CONNECTED: no data connection to 127.0.0.1:${west.port})`,
    );
    await west.restart();
    await healthy(client, 'west');
  });

  it('shows the path of a Unix socket', async () => {
    const probe = probeOf({ host: '/run/redis.sock', port: undefined, connected: false });
    const strategy = new ConnectedStrategy({ waitMs: 0 });
    expect((await errorOf(strategy.check(probe))).message).toBe(
      'no data connection to /run/redis.sock',
    );
  });
});

describe('WriteReadStrategy', () => {
  /** What it leaves in a server. */
  async function keysOf(server: RedisServer): Promise<string[]> {
    return (await server.command('KEYS', '*')) as string[];
  }

  it('has one key per database, with an expiry', async () => {
    const [east, west] = await servers();
    const strategy = new WriteReadStrategy({ keyPrefix: 'app:health:', expiryMs: 2000 });
    const client = await connected([east, west], check(strategy));
    const seen = client.databases[0]?.lastProbe?.at.getTime() ?? 0;
    await waitFor(() => (client.databases[0]?.lastProbe?.at.getTime() ?? 0) > seen + 200, {
      what: 'more rounds',
    });
    for (const [server, id] of [[east, 'east'] as const, [west, 'west'] as const]) {
      const keys = await keysOf(server);
      expect(keys).toEqual([expect.stringMatching(new RegExp(`^app:health:[0-9a-f]{16}:${id}$`))]);
      const left = Number(await server.command('PTTL', keys[0] as string));
      expect(left).toBeGreaterThan(0);
      expect(left).toBeLessThanOrEqual(2000);
    }
    client.destroy();
    await waitFor(async () => (await keysOf(east)).length === 0, {
      what: 'the key to expire',
      timeoutMs: 10_000,
      intervalMs: 100,
    });
  });

  it('two strategies, as of two processes, do not see the values of each other', async () => {
    const [east] = await servers(1);
    const healthCheck = [1, 2, 3].map(() => ({
      ...QUICK.healthCheck,
      intervalMs: 1,
      delayInBetweenProbesMs: 0,
      strategy: new WriteReadStrategy(),
    }));
    const client = await connected([east], { healthCheck });
    const wrong: unknown[] = [];
    client.on('database-unhealthy', (event) => wrong.push(event));
    await waitFor(async () => Number(await stat(east, 'set', 'calls')) > 300, { what: 'rounds' });
    expect(wrong).toEqual([]);
    expect(await keysOf(east)).toHaveLength(3);
  });

  it.each<[string, (server: RedisServer) => Promise<unknown>, RegExp]>([
    [
      'a full server',
      (server) => server.command('CONFIG', 'SET', 'maxmemory', '1'),
      /^east: WRITE-READ: OOM command not allowed/,
    ],
    [
      'a server that lacks replicas',
      (server) => server.command('CONFIG', 'SET', 'min-replicas-to-write', '1'),
      /^east: WRITE-READ: NOREPLICAS /,
    ],
    [
      'a server that has become a read-only replica',
      async (server) => {
        const [master] = await servers(1);
        await server.command('REPLICAOF', '127.0.0.1', String(master.port));
      },
      /^east: WRITE-READ: READONLY /,
    ],
  ])('leaves %s without a command of the application', async (_, break_, reason) => {
    const [east, west] = await servers();
    const client = await connected([east, west], check(new WriteReadStrategy()));
    const left = switchTo(client, 'west');
    await break_(east);
    expect((await left).cause).toMatch(reason);
    expect(String(await east.command('PING'))).toBe('PONG');
  });

  it('a standby that is a replica can serve once it is promoted', async () => {
    const [east] = await servers(1);
    const west = await startReplica(east);
    const client = await connected([east], check(new WriteReadStrategy()));
    client.addDatabase({ id: 'west', weight: 0.5, client: { url: west.url } });
    await waitFor(() => client.explain().toString().includes('WRITE-READ: READONLY'), {
      what: 'west to be unhealthy',
    });
    await west.command('REPLICAOF', 'NO', 'ONE');
    await healthy(client, 'west');
  });

  it('reports a value that is gone or another one', async () => {
    const answering = (value: unknown) =>
      probeOf({ sendCommand: async ([name]) => (name === 'SET' ? 'OK' : value) });
    const strategy = new WriteReadStrategy();
    expect((await errorOf(strategy.check(answering(null)))).message).toMatch(/is missing$/);
    expect((await errorOf(strategy.check(answering('x')))).message).toMatch(/has changed$/);
  });

  it('writes one key per master of a cluster', async () => {
    const written = new Map<string, unknown>();
    const probe = probeOf({
      shardTags: ['a', 'b', 'c'],
      sendCommand: async ([name, key, value]) => {
        if (name === 'GET') return written.get(String(key));
        written.set(String(key), value);
        return 'OK';
      },
    });
    expect(await new WriteReadStrategy().check(probe)).toBe(true);
    expect([...written.keys()].map((key) => key.slice(-3))).toEqual(['{a}', '{b}', '{c}']);
  });
});

it('all checks of an array must pass', async () => {
  const [east, west] = await servers();
  const strategies = [new PingStrategy(), new WriteReadStrategy()];
  const healthCheck = strategies.map((strategy) => ({ ...QUICK.healthCheck, strategy }));
  const client = await connected([east, west], { healthCheck });
  await west.command('CONFIG', 'SET', 'maxmemory', '1');
  await waitFor(() => !client.isHealthy('west'), { what: 'west to be unhealthy' });
  await west.command('CONFIG', 'SET', 'maxmemory', '0');
  await healthy(client, 'west');
});

it.each([
  [() => new ConnectedStrategy({ waitMs: -1 }), 'ConnectedStrategy.waitMs'],
  [() => new ConnectedStrategy({ wait: 1 } as never), 'ConnectedStrategy.wait'],
  [() => new WriteReadStrategy({ expiryMs: 0 }), 'WriteReadStrategy.expiryMs'],
  [() => new WriteReadStrategy({ keyPrefix: 1 as never }), 'WriteReadStrategy.keyPrefix'],
  [() => new WriteReadStrategy('x' as never), 'WriteReadStrategy'],
])('%s is rejected', (make, option) => {
  expect(make).toThrow(InvalidOptionError);
  expect(make).toThrow(expect.objectContaining({ option }));
});

async function stat(server: RedisServer, command: string, field: string) {
  const stats = String(await server.command('INFO', 'commandstats'));
  const line = stats.split('\r\n').find((each) => each.startsWith(`cmdstat_${command}:`));
  return new RegExp(`${field}=(\\d+)`).exec(line ?? '')?.[1];
}
