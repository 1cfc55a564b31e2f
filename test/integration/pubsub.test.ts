/** Subscriptions with node-redis's names and semantics, on one database. */
import { ClientClosedError, CommandTimeoutError, type MultiDbClient } from 'redis-multidb';
import { describe, expect, it } from 'vitest';
import {
  expectNoLeaks,
  isRedis7,
  type RedisServer,
  sleep,
  startRedis,
  waitFor,
} from '../kit/index.js';
import { clientOf, connected, errorOf, recordEvents, servers } from './support.js';

const since7 = it.runIf(await isRedis7());

/** Connections that serve subscriptions, as the server counts them. */
async function subscribers(server: RedisServer): Promise<number> {
  const list = String(await server.command('CLIENT', 'LIST', 'TYPE', 'pubsub'));
  return list.split('\n').filter((line) => line !== '').length;
}

const publish = (server: RedisServer, channel: string, message: string) =>
  server.command('PUBLISH', channel, message);

/** The messages that a listener received, in order. */
function recorder() {
  const told: string[] = [];
  const listener = (message: string, channel: string) => void told.push(`${channel}: ${message}`);
  const until = (count: number) =>
    waitFor(() => told.length >= count, { what: `${count} messages, so far ${told.join(', ')}` });
  return { told, listener, until };
}

describe.each([2, 3] as const)('RESP %i', (RESP) => {
  const open = async (server: RedisServer): Promise<MultiDbClient> =>
    connected([server], { client: { RESP } });

  since7('delivers channels, patterns and sharded channels beside commands', async () => {
    const server = await startRedis();
    const client = await open(server);
    const [plain, pattern, shard] = [recorder(), recorder(), recorder()];
    await client.subscribe(['one', 'two'], plain.listener);
    await client.pSubscribe('t*', pattern.listener);
    await client.sSubscribe('one', shard.listener);
    expect(await client.publish('one', 'a')).toBe(1);
    expect(await client.publish('two', 'b')).toBe(2);
    expect(await client.sPublish('one', 'c')).toBe(1);
    await client.set('key', 'value');
    expect(await client.get('key')).toBe('value');
    await Promise.all([plain.until(2), pattern.until(1), shard.until(1)]);
    expect([plain.told, pattern.told, shard.told]).toEqual([
      ['one: a', 'two: b'],
      ['two: b'],
      ['one: c'],
    ]);
    expect(await subscribers(server)).toBe(1);
  });

  it('has strings and Buffers, on one channel at a time as well', async () => {
    const server = await startRedis();
    const client = await open(server);
    const bytes = Buffer.from([0xff, 0x00, 0x80]);
    const got: unknown[] = [];
    const strings = (message: string, channel: string) => void got.push([message, channel]);
    const buffers = (message: Buffer, channel: Buffer) => void got.push([message, channel]);
    await client.SUBSCRIBE('bytes', buffers, true);
    await client.subscribe('bytes', strings);
    await client.PSUBSCRIBE('b*', buffers, true);
    await client.publish('bytes', bytes);
    await waitFor(() => got.length === 3, { what: 'three calls' });
    expect(got).toEqual([
      [bytes, Buffer.from('bytes')],
      [bytes.toString(), 'bytes'],
      [bytes, Buffer.from('bytes')],
    ]);
    got.length = 0;
    // The mode is part of what is taken away.
    await client.unsubscribe('bytes', strings, false);
    await client.pUnsubscribe('b*', buffers as never);
    await client.publish('bytes', 'text');
    await waitFor(() => got.length === 2, { what: 'two calls' });
    expect(got.map((each) => (each as unknown[])[0])).toEqual([
      Buffer.from('text'),
      Buffer.from('text'),
    ]);
  });

  it('takes one listener, one channel or all away', async () => {
    const server = await startRedis();
    const client = await open(server);
    const [first, second] = [recorder(), recorder()];
    await client.subscribe(['one', 'two', 'three'], first.listener);
    await client.subscribe(['one', 'two', 'three'], second.listener);
    // Twice is once.
    await client.subscribe('one', first.listener);
    await client.unsubscribe('one', first.listener);
    await client.unsubscribe(['two']);
    await publish(server, 'one', 'a');
    expect(await publish(server, 'two', 'b')).toBe(0);
    await publish(server, 'three', 'c');
    await Promise.all([first.until(1), second.until(2)]);
    expect([first.told, second.told]).toEqual([['three: c'], ['one: a', 'three: c']]);

    await client.pSubscribe('*', first.listener);
    await client.unsubscribe();
    expect(await publish(server, 'three', 'd')).toBe(1);
    await first.until(2);
    expect(client.isPubSubActive).toBe(true);
    await client.PUNSUBSCRIBE();
    expect(client.isPubSubActive).toBe(false);
    expect(await publish(server, 'three', 'e')).toBe(0);
    expect([first.told.length, second.told.length]).toEqual([2, 2]);
  });

  it('tells a refusal to its caller alone, and nothing is left of it', async () => {
    const server = await startRedis();
    await server.command('ACL', 'SETUSER', 'default', 'resetchannels', '&allowed*');
    const client = await open(server);
    const events = recordEvents(client);
    const { listener, told, until } = recorder();
    const denied = client.subscribe(['allowed-1', 'denied'], listener);
    const allowed = client.subscribe(['allowed-1', 'allowed-2'], listener);
    expect((await errorOf(denied)).message).toMatch(/^NOPERM/);
    await allowed;
    expect([...client.getPubSubListeners('CHANNELS').keys()].sort()).toEqual([
      'allowed-1',
      'allowed-2',
    ]);
    await server.command('ACL', 'SETUSER', 'default', 'allchannels');
    await client.subscribe('denied', listener);
    await publish(server, 'denied', 'x');
    await publish(server, 'allowed-1', 'y');
    await until(2);
    expect([told, events.of('error')]).toEqual([['denied: x', 'allowed-1: y'], []]);
  });

  it('subscribes to 10 000 channels, each alone or all together', async () => {
    const server = await startRedis();
    const client = await open(server);
    const { told, listener, until } = recorder();
    const names = Array.from({ length: 10_000 }, (_, index) => `channel-${index}`);
    await client.subscribe(names.slice(0, 5000), listener);
    await Promise.all(names.slice(5000).map((name) => client.subscribe(name, listener)));
    for (const name of ['channel-0', 'channel-4999', 'channel-9999']) {
      expect(await publish(server, name, 'x')).toBe(1);
    }
    await until(3);
    expect(told).toHaveLength(3);
    await client.unsubscribe();
    expect(await server.command('PUBSUB', 'CHANNELS')).toEqual([]);
  });
});

describe('listeners', () => {
  it('that throw or reject become events, and stop nobody', async () => {
    const server = await startRedis();
    const client = await connected([server]);
    const events = recordEvents(client);
    const { listener, until } = recorder();
    await client.subscribe('one', () => {
      throw new Error('thrown');
    });
    await client.subscribe('one', async () => {
      throw new Error('rejected');
    });
    await client.subscribe('one', listener);
    await publish(server, 'one', 'a');
    await publish(server, 'one', 'b');
    await until(2);
    const messages = () => events.of('error').map(({ message }) => message);
    await waitFor(() => messages().length === 4, { what: 'four errors' });
    expect(messages().sort()).toEqual(['rejected', 'rejected', 'thrown', 'thrown']);
  });

  it('may subscribe and unsubscribe while they are called', async () => {
    const server = await startRedis();
    const client = await connected([server]);
    const { told, listener, until } = recorder();
    const once = () => {
      client.unsubscribe('one', once);
      client.unsubscribe('one', gone.listener);
      client.subscribe('one', listener);
    };
    const gone = recorder();
    await client.subscribe('one', once);
    await client.subscribe('one', gone.listener);
    await publish(server, 'one', 'a');
    await waitFor(() => client.getPubSubListeners('CHANNELS').get('one')?.strings.has(listener), {
      what: 'the change',
    });
    await publish(server, 'one', 'b');
    await until(1);
    expect([told, gone.told]).toEqual([['one: b'], []]);
  });

  it('are told and extended as node-redis does', async () => {
    const server = await startRedis();
    const client = await connected([server]);
    const other = await connected([server]);
    const { told, listener, until } = recorder();
    await client.subscribe(['one', 'two'], listener);
    await client.subscribe('two', listener as never, true);
    const all = client.getPubSubListeners('CHANNELS');
    expect(all.get('two')).toEqual({
      unsubscribing: false,
      strings: new Set([listener]),
      buffers: new Set([listener]),
    });
    await other.extendPubSubListeners('CHANNELS', all);
    await other.extendPubSubChannelListeners('PATTERNS', 'o*', {
      unsubscribing: false,
      strings: new Set([listener]),
      buffers: new Set(),
    });
    expect(await publish(server, 'one', 'x')).toBe(3);
    expect(await publish(server, 'two', 'y')).toBe(2);
    await until(7);
    expect(told).toHaveLength(7);
  });

  it('and channels that are none are rejected', async () => {
    const client = clientOf([await startRedis()]);
    // biome-ignore lint/suspicious/noExplicitAny: what no type allows
    const loose = client as any;
    for (const call of [
      () => loose.subscribe('one'),
      () => loose.subscribe(1, () => {}),
      () => loose.subscribe(['one', null], () => {}),
      () => loose.unsubscribe('one', 'two'),
      () => loose.extendPubSubListeners('OTHER', new Map()),
    ]) {
      await expect(call()).rejects.toBeInstanceOf(TypeError);
    }
    expect(client.isPubSubActive).toBe(false);
  });
});

describe('the life of a client', () => {
  it('has a connection for subscriptions only while there are any', async () => {
    const server = await startRedis();
    const client = await connected([server]);
    expect(await subscribers(server)).toBe(0);
    await client.subscribe('one', () => {});
    await client.pSubscribe('one', () => {});
    expect(await subscribers(server)).toBe(1);
    const total = async () =>
      String(await server.command('CLIENT', 'LIST'))
        .trim()
        .split('\n').length;
    const before = await total();
    await client.unsubscribe();
    await client.pUnsubscribe();
    await waitFor(async () => (await total()) === before - 1, { what: 'one connection less' });
    await client.subscribe('one', () => {});
    expect(await subscribers(server)).toBe(1);
  });

  it('subscribes before connect, and again after close and connect', async () => {
    const server = await startRedis();
    const client = clientOf([server]);
    const { listener, until } = recorder();
    const early = client.subscribe('one', listener);
    await client.connect();
    await early;
    await publish(server, 'one', 'a');
    await until(1);
    await client.close();
    expect(await publish(server, 'one', 'lost')).toBe(0);
    expect(await errorOf(client.subscribe('two', listener))).toBeInstanceOf(ClientClosedError);
    await client.unsubscribe('never');
    await client.connect();
    await waitFor(async () => (await publish(server, 'one', 'b')) === 1, { what: 'a subscriber' });
    await until(2);
    expect([...client.getPubSubListeners('CHANNELS').keys()]).toEqual(['one']);
  });

  it('settles what is pending when it is destroyed', async () => {
    const server = await startRedis();
    const client = await connected([server]);
    await client.subscribe('one', () => {});
    server.freeze();
    const pending = [errorOf(client.subscribe('two', () => {})), client.unsubscribe('one')];
    client.destroy();
    const [error] = await Promise.all(pending);
    expect(error).toBeInstanceOf(ClientClosedError);
    expect(client.isPubSubActive).toBe(false);
    server.thaw();
  });

  it('rejects at the deadline, and nothing of it is wanted any more', async () => {
    const server = await startRedis();
    const client = await connected([server], { commandDeadlineMs: 300 });
    // Its connection has to be made: a busy machine may miss this deadline as well.
    await waitFor(() => client.subscribe('kept', () => {}).then(() => true), { what: 'kept' });
    server.freeze();
    const error = await errorOf(client.subscribe(['kept', 'late'], () => {}));
    expect(error).toBeInstanceOf(CommandTimeoutError);
    expect(error).toMatchObject({ code: 'COMMAND_TIMEOUT', maybeExecuted: true });
    expect(client.getPubSubListeners('CHANNELS').get('kept')?.strings.size).toBe(1);
    server.thaw();
    await waitFor(async () => String(await server.command('PUBSUB', 'CHANNELS')) === 'kept', {
      what: 'the late one to be gone',
      timeoutMs: 10_000,
    });
    expect([...client.getPubSubListeners('CHANNELS').keys()]).toEqual(['kept']);
  });

  it('leaves nothing open', async () => {
    const [east, west] = await servers(2);
    await expectNoLeaks(async () => {
      for (const subscriptions of ['active', 'all'] as const) {
        const client = await connected([east, west], { subscriptions });
        await client.subscribe('one', () => {});
        client.subscribe('two', () => {}).catch(() => {});
        client.destroy();
        const early = clientOf([east, west], { subscriptions });
        early.subscribe('one', () => {}).catch(() => {});
        const connecting = early.connect();
        early.destroy();
        await errorOf(connecting);
        const closing = await connected([east, west], { subscriptions });
        await closing.subscribe('one', () => {});
        await closing.close();
      }
    });
    expect([await subscribers(east), await subscribers(west)]).toEqual([0, 0]);
  });

  it('without a connect does not keep a subscribe waiting for ever', async () => {
    const client = clientOf([await startRedis()], { commandDeadlineMs: 100 });
    const holding = sleep(5000);
    expect(await errorOf(client.subscribe('one', () => {}))).toBeInstanceOf(CommandTimeoutError);
    expect(client.isPubSubActive).toBe(false);
    void holding;
  });
});
