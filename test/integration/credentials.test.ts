/** Credentials that are asked for: by every connection, and again when they change. */
import { createMultiDbClient, type MultiDbClient } from 'redis-multidb';
import { describe, expect, it } from 'vitest';
import { type RedisServer, rawCommand, startRedis, waitFor } from '../kit/index.js';
import { errorOf, healthy, own, QUICK, switchTo } from './support.js';

const KILL = ['CLIENT', 'KILL', 'TYPE', 'normal', 'SKIPME', 'yes'] as const;

interface Credentials {
  username?: string;
  password?: string;
}

interface Listener {
  onNext(credentials: Credentials): void;
  onError(error: Error): void;
}

const eventually = (predicate: () => boolean | Promise<boolean>) =>
  waitFor(predicate, { what: String(predicate), timeoutMs: 10_000 });

const servers = () =>
  Promise.all([startRedis({ password: 'first' }), startRedis({ password: 'first' })]);

function clientOf(servers: readonly RedisServer[], client: object, options: object = {}) {
  return own(
    createMultiDbClient({
      ...QUICK,
      databases: servers.map(({ port }, index) => ({
        id: ['east', 'west'][index] as string,
        weight: 1 / (index + 1),
        client: { socket: { host: '127.0.0.1', port } },
      })),
      client,
      ...options,
    }),
  ) as unknown as MultiDbClient;
}

/** Pushes credentials to its subscribers, and records its calls. */
class Streaming {
  readonly type = 'streaming-credentials-provider';
  readonly listeners = new Set<Listener>();
  readonly errors: string[] = [];
  subscriptions = 0;
  failure: Error | undefined;
  /** Called between the subscription and its answer. */
  onSubscribe: (listener: Listener) => unknown = () => {};

  constructor(public current: Credentials) {}

  subscribe = async (listener: Listener): Promise<[Credentials, { dispose(): void }]> => {
    if (this.failure !== undefined) throw this.failure;
    this.subscriptions += 1;
    this.listeners.add(listener);
    const initial = this.current;
    await this.onSubscribe(listener);
    return [initial, { dispose: () => this.listeners.delete(listener) }];
  };

  onReAuthenticationError = (error: Error) => {
    this.errors.push(error.message);
  };

  push(credentials: Credentials): void {
    this.current = credentials;
    for (const listener of this.listeners) listener.onNext(credentials);
  }
}

/** How many AUTH and HELLO a server has seen succeed. */
async function auths(server: RedisServer): Promise<number> {
  const info = String(await server.command('INFO', 'commandstats'));
  const of = (name: string) => Number(new RegExp(`cmdstat_${name}:calls=(\\d+)`).exec(info)?.[1]);
  return (of('auth') || 0) + (of('hello') || 0);
}

describe.each([2, 3] as const)('with RESP %i', (RESP) => {
  it('an asynchronous provider is asked by every connection, also after a rotation', async () => {
    const [east, west] = await servers();
    const passwords = { current: 'first' };
    let asked = 0;
    const client = clientOf([east, west], {
      RESP,
      credentialsProvider: {
        type: 'async-credentials-provider',
        credentials: async () => {
          asked += 1;
          return { password: passwords.current };
        },
      },
    });
    await client.connect();
    await healthy(client);
    // A data connection and a probe connection for each.
    expect(asked).toBeGreaterThanOrEqual(4);
    passwords.current = 'second';
    for (const server of [east, west]) {
      await server.command('CONFIG', 'SET', 'requirepass', 'second');
    }
    const before = asked;
    await rawCommand({ port: east.port, password: 'second' }, ...KILL);
    await eventually(async () => asked > before && (await client.ping()) === 'PONG');
    const switched = switchTo(client, 'west');
    void east.kill();
    await switched;
    expect(await client.set('k', 'v')).toBe('OK');
  });

  it('pushed credentials authenticate live connections anew, on every database', async () => {
    const [east, west] = await servers();
    for (const server of [east, west]) {
      await server.command('ACL', 'SETUSER', 'one', 'on', '>1', '~*', '+@all');
      await server.command('ACL', 'SETUSER', 'two', 'on', '>2', '~*', '+@all');
    }
    const provider = new Streaming({ username: 'one', password: '1' });
    const client = clientOf([east, west], { RESP, credentialsProvider: provider });
    await client.connect();
    await healthy(client);
    expect(await client.sendCommand(['ACL', 'WHOAMI'])).toBe('one');
    const { subscriptions } = provider;
    expect(provider.listeners.size).toBe(subscriptions);
    provider.push({ username: 'two', password: '2' });
    // The connection is the same: what is sent from now on is the new user's.
    expect(await client.sendCommand(['ACL', 'WHOAMI'])).toBe('two');
    for (const server of [east, west]) {
      await eventually(async () => {
        const list = String(await server.command('CLIENT', 'LIST', 'TYPE', 'normal'));
        return !/user=one/.test(list) && /user=two/.test(list);
      });
    }
    expect(provider.subscriptions).toBe(subscriptions);
    expect(provider.errors).toEqual([]);

    // The old user is gone; a switch in the middle of it all.
    for (const server of [east, west]) await server.command('ACL', 'DELUSER', 'one');
    const switched = switchTo(client, 'west');
    void east.kill();
    await switched;
    expect(await client.sendCommand(['ACL', 'WHOAMI'])).toBe('two');
    provider.push({ username: 'two', password: '2' });
    expect(await client.ping()).toBe('PONG');
    await client.close();
    await eventually(() => provider.listeners.size === 0);
  });

  it('a subscription lives as long as its connection, however that ends', async () => {
    const [east, west] = await servers();
    const provider = new Streaming({ password: 'first' });
    const client = clientOf([east, west], { RESP, credentialsProvider: provider });
    await client.connect();
    await healthy(client);
    // Two data connections, two probe connections.
    const alive = provider.listeners.size;
    expect(alive).toBeLessThanOrEqual(4);
    for (let i = 0; i < 5; i += 1) {
      const before = provider.subscriptions;
      await east.command(...KILL);
      await eventually(() => provider.subscriptions > before);
      await eventually(async () => (await client.ping()) === 'PONG');
      await healthy(client);
    }
    await eventually(() => provider.listeners.size <= alive);

    // Ended while it is being made.
    const pending: (() => void)[] = [];
    provider.onSubscribe = () => new Promise<void>((resolve) => pending.push(resolve));
    await east.command(...KILL);
    await eventually(() => pending.length > 0);
    client.destroy();
    for (const resolve of pending) resolve();
    await eventually(() => provider.listeners.size === 0);
    expect(provider.errors).toEqual([]);
  });

  it('credentials that come while a connection is being made are used when it is ready', async () => {
    const [east] = await servers();
    await east.command('ACL', 'SETUSER', 'one', 'on', '>1', '~*', '+@all');
    await east.command('ACL', 'SETUSER', 'two', 'on', '>2', '~*', '+@all');
    const provider = new Streaming({ username: 'one', password: '1' });
    provider.onSubscribe = (listener) => listener.onNext({ username: 'two', password: '2' });
    const client = clientOf([east], { RESP, credentialsProvider: provider });
    await client.connect();
    await eventually(async () => String(await client.sendCommand(['ACL', 'WHOAMI'])) === 'two');
    expect(provider.errors).toEqual([]);
  });

  it('credentials that the server refuses are told to the provider, and harm nothing', async () => {
    const [east] = await servers();
    const provider = new Streaming({ password: 'first' });
    const client = clientOf([east], { RESP, credentialsProvider: provider });
    await client.connect();
    const told = provider.onReAuthenticationError;
    provider.onReAuthenticationError = (error) => {
      told(error);
      throw new Error('a provider that throws');
    };
    provider.push({ password: 'wrong' });
    await eventually(() => provider.errors.length > 0);
    expect(provider.errors[0]).toMatch(/WRONGPASS/);
    expect(await client.set('k', 'v')).toBe('OK');
    for (const listener of provider.listeners) listener.onError(new Error('no token'));
    expect(provider.errors.at(-1)).toMatch(/no token/);
    expect(await client.get('k')).toBe('v');
  });

  const failing = {
    rejects: () => Promise.reject(new Error('the vault is sealed')),
    throws: () => {
      throw new Error('the vault is sealed');
    },
    'answers nothing': async () => undefined as never,
  };
  it.each([
    ...Object.entries(failing).map(([how, fail]) => [how, 'asynchronous', fail] as const),
    ...Object.entries(failing).map(([how, fail]) => [how, 'streaming', fail] as const),
  ])(
    'a provider that %s (%s) is told as the reason, and nothing else fails',
    async (_how, kind, fail) => {
      const [east, west] = await servers();
      const provider =
        kind === 'asynchronous'
          ? { type: 'async-credentials-provider', credentials: fail }
          : { ...new Streaming({}), type: 'streaming-credentials-provider', subscribe: fail };
      const reason = /the credentials provider failed: /;
      const alone = clientOf([east], { RESP, credentialsProvider: provider });
      const error = await errorOf(alone.connect());
      expect(error.name).toBe('InitializationFailedError');
      expect(`${error.message} ${(error.cause as Error | undefined)?.message}`).toMatch(reason);

      // The other database has credentials of its own.
      const both = own(
        createMultiDbClient({
          ...QUICK,
          client: { RESP },
          databases: [
            {
              id: 'east',
              client: { socket: { port: east.port }, credentialsProvider: provider as never },
            },
            { id: 'west', weight: 0.5, client: { url: west.url } },
          ],
        }),
      ) as unknown as MultiDbClient;
      await both.connect();
      expect(both.activeDatabase).toBe('west');
      const lacks = JSON.stringify(both.explain());
      expect(lacks).toMatch(reason);
    },
  );

  it('an access error of the server is the reason', async () => {
    const [east] = await servers();
    const provider = {
      type: 'async-credentials-provider',
      credentials: async () => ({ password: 'wrong' }),
    };
    const error = await errorOf(
      clientOf([east], { RESP, credentialsProvider: provider }).connect(),
    );
    expect(error.message).toMatch(/WRONGPASS/);
    expect(await auths(east)).toBeGreaterThan(0);
  });
});
