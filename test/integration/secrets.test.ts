/** A recognizable secret stands wherever a secret can be, everything breaks, and nothing shows it. */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { inspect } from 'node:util';
import { Registry } from 'prom-client';
import {
  createMultiDbClient,
  diagnosticsChannelName,
  type MultiDbClient,
  type MultiDbClientOptions,
} from 'redis-multidb';
import { prometheusMetrics } from 'redis-multidb/prometheus';
import { afterEach, expect, it } from 'vitest';
import { describeEvent } from '../../src/diagnostics/debug-log.js';
import { ECHOES, type EchoServer, startEchoServer } from '../kit/echo-server.js';
import { startRedis, waitFor } from '../kit/index.js';
import { serve } from './http-support.js';
import { EVENT_NAMES, errorOf, own, QUICK, recordEvents } from './support.js';

/** Part of every secret, and of nothing else. */
const MARK = 'pLanTed';
const secret = (place: string) => `${MARK}-${place} "q' é\\/%+@:end`;

const echoes: EchoServer[] = [];
afterEach(() => {
  for (const echo of echoes.splice(0)) echo.close();
});

/** As a careless program prints it. */
const printed = (value: unknown) =>
  `${inspect(value, { showHidden: true, depth: 12, maxStringLength: null })}${JSON.stringify(value)}`;

const isShown = (text: string) =>
  text.includes(MARK) || text.includes(Buffer.from(`${MARK}-`).toString('base64').slice(0, 9));

function clientWith(options: object): MultiDbClient {
  return own(createMultiDbClient(options as MultiDbClientOptions) as unknown as MultiDbClient);
}

/** Databases of every topology, each with secrets of its own, at this port. */
function databasesAt(port: number) {
  const socket = { host: '127.0.0.1', port };
  const url = `redis://app:${encodeURIComponent(secret('url'))}@127.0.0.1:${port}`;
  const strategy = {
    name: 'OWN',
    check: () => {
      throw Object.assign(new Error(`refused ${secret('password')}\nforged`), {
        config: { headers: { authorization: secret('password') } },
      });
    },
  };
  return [
    { id: 'url', client: { url } },
    { id: 'password', client: { socket, username: 'app', password: secret('password') } },
    { id: 'own check', healthCheck: { strategy }, client: { url } },
    {
      id: 'provider',
      client: {
        socket,
        credentialsProvider: {
          type: 'async-credentials-provider',
          credentials: async () => ({ username: 'app', password: secret('provider') }),
        },
      },
    },
    {
      id: 'failing provider',
      client: {
        socket,
        credentialsProvider: {
          type: 'async-credentials-provider',
          credentials: async () => {
            throw Object.assign(new Error(`no token for ${secret('password')}`), {
              request: { body: secret('token') },
            });
          },
        },
      },
    },
    {
      id: 'passphrase',
      client: {
        socket: { ...socket, tls: true, key: 'no key', passphrase: secret('passphrase') },
      },
    },
    { id: 'pool', topology: 'pool', client: { socket, password: secret('pool') } },
    {
      id: 'cluster',
      topology: 'cluster',
      cluster: { rootNodes: [{ socket }], defaults: { password: secret('cluster') } },
    },
    {
      id: 'sentinel',
      topology: 'sentinel',
      sentinel: {
        name: 'main',
        sentinelRootNodes: [{ host: '127.0.0.1', port }],
        sentinelClientOptions: { password: secret('sentinel') },
        nodeClientOptions: { password: secret('node') },
      },
    },
  ];
}

it.each(ECHOES.map((echo, index) => [index, echo] as const))(
  'no output shows a secret that servers repeat (wording %i)',
  async (_, echo) => {
    const server = await startEchoServer(echo);
    echoes.push(server);
    const shown: string[] = [];
    const onMessage = (message: object) => {
      // The client itself stands in none.
      shown.push(printed(message));
    };
    const channels = [...EVENT_NAMES, 'probe' as const].map((name) => diagnosticsChannelName(name));
    for (const channel of channels) subscribe(channel, onMessage as never);
    const { url: wellUrl } = await startRedis();
    const well = { id: 'well', weight: 0.1, client: { url: wellUrl } };
    const common = { ...QUICK, initialWaitMs: 100 };
    const broken = databasesAt(server.port);
    const client = clientWith({ ...common, databases: [...broken, well] });
    const events = recordEvents(client);
    const register = new Registry();
    const end = prometheusMetrics({ register, clients: [client] });
    const { url } = await serve(client);
    const stream = await fetch(`${url}/events`);
    const reader = stream.body?.getReader();

    await client.connect();
    await waitFor(
      () => client.databases.every(({ id, health }) => id === 'well' || health === 'unhealthy'),
      {
        what: 'every other database to be unhealthy',
        timeoutMs: 10_000,
      },
    );
    for (const database of broken) {
      const alone = clientWith({ ...common, databases: [database] });
      shown.push(printed(await errorOf(alone.connect())));
    }
    const chosen = errorOf(client.setActiveDatabase('password'));
    shown.push(printed(await chosen));
    for (const each of client.databases) {
      shown.push(printed(each));
      expect(String(each.lastError?.message).length).toBeLessThanOrEqual(1500);
    }
    shown.push(String(client.explain()), printed(client.explain()), printed(client.stats()));
    for (const { name, event } of events.all) {
      const line = describeEvent('orders\nforged', name, [event]);
      expect(line).not.toContain('\n');
      shown.push(printed(event), line);
    }
    for (const path of ['/', '/status', '/readyz', '/livez']) {
      shown.push(await (await fetch(url + path)).text());
    }
    const told = await reader?.read();
    shown.push(Buffer.from(told?.value ?? []).toString());
    await reader?.cancel();
    shown.push(await register.metrics());
    end();
    for (const channel of channels) unsubscribe(channel, onMessage as never);

    expect(String(client.explain())).not.toMatch(/^forged/m);
    expect(shown.length).toBeGreaterThan(15);
    for (const text of shown) {
      const at = text.search(new RegExp(MARK));
      expect(isShown(text), text.slice(Math.max(0, at - 300), at + 100)).toBe(false);
      expect(text.length).toBeLessThan(200_000);
    }
  },
);
