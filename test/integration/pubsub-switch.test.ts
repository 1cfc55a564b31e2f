/** Subscriptions while databases fail, return, and are switched between. */
import { CommandTimeoutError, type MultiDbClient, SubscriptionRefusedError } from 'redis-multidb';
import { describe, expect, it } from 'vitest';
import { isRedis7, type RedisServer, startProxy, startRedis, waitFor } from '../kit/index.js';
import {
  active,
  clientOf,
  connected,
  databases,
  errorOf,
  healthy,
  QUICK,
  recordEvents,
  servers,
} from './support.js';

const since7 = it.runIf(await isRedis7());

/** The messages that a listener received, in order. */
function recorder() {
  const told: string[] = [];
  const listener = (message: string) => void told.push(message);
  const until = (message: string) =>
    waitFor(() => told.includes(message), { what: `${message}, so far ${told.join(', ')}` });
  return { told, listener, until };
}

const publish = (server: RedisServer, channel: string, message: string) =>
  server.command('PUBLISH', channel, message);

/** Channels that are subscribed on a server. */
async function channels(server: RedisServer): Promise<string[]> {
  return ((await server.command('PUBSUB', 'CHANNELS')) as unknown[]).map(String).sort();
}

/** Connections of a server that serve subscriptions. */
async function subscribers(server: RedisServer): Promise<number> {
  const list = String(await server.command('CLIENT', 'LIST', 'TYPE', 'pubsub'));
  return list.split('\n').filter((line) => line !== '').length;
}

/** Resolves when `count` times the subscriptions were restored. */
function restored(events: ReturnType<typeof recordEvents>, count = 1) {
  return waitFor(() => events.of('subscriptions-restored').length >= count, {
    what: `${count} times subscriptions-restored`,
    timeoutMs: 10_000,
  });
}

describe.each([
  ['active', 2],
  ['active', 3],
  ['all', 3],
] as const)("subscriptions: '%s', RESP %i", (subscriptions, RESP) => {
  const options = { subscriptions, client: { RESP } };

  since7('go on at the next database, each message once, and return with a failback', async () => {
    const [east, west] = await servers();
    const client = await connected([east, west], options);
    const events = recordEvents(client);
    const [plain, pattern, shard] = [recorder(), recorder(), recorder()];
    await client.subscribe(['one', 'two'], plain.listener);
    await client.pSubscribe('t*', pattern.listener);
    await client.sSubscribe('one', shard.listener);
    await publish(east, 'one', 'from east');
    await plain.until('from east');

    await east.kill();
    await restored(events);
    for (let index = 0; index < 50; index += 1) await publish(west, 'one', `west ${index}`);
    await publish(west, 'two', 'second');
    await west.command('SPUBLISH', 'one', 'sharded');
    await Promise.all([plain.until('second'), pattern.until('second'), shard.until('sharded')]);
    expect(events.of('subscriptions-restored')).toEqual([
      {
        id: 'west',
        channels: 2,
        patterns: 1,
        shardedChannels: 1,
        refused: 0,
        at: expect.any(Date),
        gapMs: expect.any(Number),
      },
    ]);
    expect(plain.told).toEqual([
      'from east',
      ...Array.from({ length: 50 }, (_, index) => `west ${index}`),
      'second',
    ]);

    await east.restart();
    await active(client, 'east');
    await restored(events, 2);
    await publish(west, 'one', 'from west, nobody listens');
    await publish(east, 'one', 'back');
    await plain.until('back');
    expect(plain.told.filter((each) => each.includes('nobody'))).toEqual([]);
    expect(plain.told.filter((each) => each === 'back')).toHaveLength(1);
    const standby = subscriptions === 'all' ? 1 : 0;
    await waitFor(async () => (await subscribers(west)) === standby, { what: 'west to be left' });
    expect(await subscribers(east)).toBe(1);
    expect(events.of('error')).toEqual([]);
  });

  it('survive overlapping switches, with changes in the middle of them', async () => {
    const [east, west] = await servers();
    const client = await connected([east, west], options);
    const { listener, told, until } = recorder();
    await client.subscribe(['kept', 'dropped'], listener);
    const work: Promise<unknown>[] = [];
    for (let round = 0; round < 20; round += 1) {
      work.push(client.forceActiveDatabase(round % 2 === 0 ? 'west' : 'east'));
      work.push(client.subscribe(`channel-${round}`, listener));
      if (round % 3 === 0) work.push(client.unsubscribe(`channel-${round}`));
      await new Promise((resolve) => setImmediate(resolve));
    }
    work.push(client.unsubscribe('dropped'));
    await Promise.all(work);
    const wanted = ['kept'];
    for (let round = 0; round < 20; round += 1) if (round % 3) wanted.push(`channel-${round}`);
    const [here, there] = client.activeDatabase === 'east' ? [east, west] : [west, east];
    await waitFor(async () => (await channels(here)).join() === wanted.sort().join(), {
      what: 'exactly what is wanted',
    });
    for (const name of wanted) await publish(here, name, `${name} x`);
    await publish(here, 'dropped', 'no');
    await publish(there, 'kept', 'elsewhere');
    await publish(here, 'kept', 'last');
    await until('last');
    expect(told.sort()).toEqual([...wanted.map((name) => `${name} x`), 'last'].sort());
    const standby = subscriptions === 'all' ? wanted.sort() : [];
    await waitFor(async () => (await channels(there)).join() === standby.join(), {
      what: 'the standby to have what it should',
    });
    await waitFor(async () => (await subscribers(here)) === 1, { what: 'one connection' });
  });

  it('survive that both databases are down', async () => {
    const [east, west] = await servers();
    const client = await connected([east, west], options);
    const { listener, told, until } = recorder();
    await client.subscribe('one', listener);
    await Promise.all([east.kill(), west.kill()]);
    await waitFor(() => !client.isReady, { what: 'everything to be down' });
    const later = client.subscribe('two', listener);
    await client.unsubscribe('three');
    await west.restart();
    await later;
    await waitFor(async () => (await channels(west)).join() === 'one,two', { what: 'both' });
    await publish(west, 'one', 'a');
    await publish(west, 'two', 'b');
    await until('b');
    expect(told).toEqual(['a', 'b']);
  });

  it('are not heard from a frozen database that wakes up', async () => {
    const [east, west] = await servers();
    const client = await connected([east, west], { ...options, failbackSupported: false });
    const events = recordEvents(client);
    const { listener, told, until } = recorder();
    await client.subscribe('one', listener);
    east.freeze();
    await active(client, 'west');
    await restored(events);
    await client.subscribe('two', listener);
    east.thaw();
    await healthy(client, 'east');
    await publish(east, 'one', 'from east');
    await publish(west, 'one', 'a');
    await publish(west, 'two', 'b');
    await until('b');
    expect(told).toEqual(['a', 'b']);
  });
});

describe('a switch in the middle', () => {
  it('of subscribe: it resolves when the new database has confirmed', async () => {
    const [east, west] = await servers();
    const proxy = await startProxy(east);
    // A connection that is silent is not replaced.
    const client = await connected([proxy, west], { suspectAfterMs: 60_000 });
    const { listener, told, until } = recorder();
    await client.subscribe('zero', listener);
    const isSubscriber = ({ seen }: { seen: ReadonlySet<string> }) => seen.has('SUBSCRIBE');
    proxy.silence('to-server', { scope: isSubscriber });
    let isSettled = false;
    const pending = client.subscribe(['one', 'two'], listener).then(() => {
      isSettled = true;
    });
    await client.forceActiveDatabase('west');
    expect(isSettled).toBe(false);
    await pending;
    await proxy.restore();
    expect(await channels(west)).toEqual(['one', 'two', 'zero']);
    await waitFor(async () => (await subscribers(east)) === 0, { what: 'east to be left' });
    await publish(west, 'one', 'a');
    await until('a');
    expect(told).toEqual(['a']);
  });

  it('of subscribe, of a database that is silent', async () => {
    const [east, west] = await servers();
    const proxy = await startProxy(east);
    const client = await connected([proxy, west]);
    const { listener, told, until } = recorder();
    proxy.silence('both');
    await client.subscribe('one', listener);
    expect(client.activeDatabase).toBe('west');
    await publish(west, 'one', 'a');
    await until('a');
    await proxy.restore();
    expect(told).toEqual(['a']);
  });

  it('of unsubscribe: it resolves, and the rest goes on', async () => {
    const [east, west] = await servers();
    const client = await connected([east, west]);
    const events = recordEvents(client);
    const { listener, told, until } = recorder();
    await client.subscribe(['one', 'two'], listener);
    east.freeze();
    const leaving = client.unsubscribe('two');
    await active(client, 'west');
    await leaving;
    await restored(events);
    expect(await channels(west)).toEqual(['one']);
    await publish(west, 'two', 'no');
    await publish(west, 'one', 'yes');
    await until('yes');
    expect(told).toEqual(['yes']);
  });

  it('brings 10 000 channels along', async () => {
    const [east, west] = await servers();
    const client = await connected([east, west]);
    const events = recordEvents(client);
    const { listener, until } = recorder();
    const names = Array.from({ length: 10_000 }, (_, index) => `channel-${index}`);
    await client.subscribe(names, listener);
    await east.kill();
    await restored(events);
    expect(events.of('subscriptions-restored')[0]).toMatchObject({ id: 'west', channels: 10_000 });
    await publish(west, 'channel-9999', 'last');
    await until('last');
  });

  it("misses nothing with 'all'", async () => {
    const [east, west] = await servers();
    const client = await connected([east, west], { subscriptions: 'all' });
    const events = recordEvents(client);
    const { listener, told, until } = recorder();
    await client.subscribe('one', listener);
    await waitFor(async () => (await channels(west)).length === 1, { what: 'west' });
    let next = 0;
    const isOver = { value: false };
    const publishing = (async () => {
      while (!isOver.value) {
        await publish(west, 'one', String(next));
        next += 1;
      }
    })();
    await waitFor(() => next > 100, { what: 'some to be published' });
    const from = next;
    await client.forceActiveDatabase('west');
    await waitFor(() => next > from + 200, { what: 'more to be published' });
    isOver.value = true;
    await publishing;
    await until(String(next - 1));
    const first = Number(told[0]);
    expect(told).toEqual(Array.from({ length: next - first }, (_, index) => String(first + index)));
    expect(events.of('subscriptions-restored')).toMatchObject([{ id: 'west', gapMs: 0 }]);
    expect(events.all.map(({ name }) => name)).toEqual(['switch', 'subscriptions-restored']);
  });

  it('follows databases that are added and removed', async () => {
    const [east, west] = await servers();
    const [first] = databases([east]);
    const client = await connected([east], { subscriptions: 'all' });
    const { listener, told, until } = recorder();
    await client.subscribe('one', listener);
    await client.addDatabase({ id: 'west', weight: 0.5, client: { url: west.url } });
    await waitFor(async () => (await channels(west)).length === 1, { what: 'west' });
    await client.removeDatabase(first?.id ?? '');
    await publish(west, 'one', 'a');
    await until('a');
    await waitFor(async () => (await subscribers(east)) === 0, { what: 'east to be left' });
    expect(told).toEqual(['a']);
  });
});

describe('a connection for subscriptions', () => {
  it('that is cut is made anew, and nobody switches', async () => {
    const [east, west] = await servers();
    const client = await connected([east, west]);
    const events = recordEvents(client);
    const { listener, told, until } = recorder();
    await client.subscribe('one', listener);
    for (let round = 1; round <= 3; round += 1) {
      await east.command('CLIENT', 'KILL', 'TYPE', 'pubsub');
      await restored(events, round);
      await publish(east, 'one', `after ${round}`);
      await until(`after ${round}`);
    }
    expect([told, events.switches]).toEqual([['after 1', 'after 2', 'after 3'], []]);
    expect(await subscribers(east)).toBe(1);
  });

  it('that is silently dead is noticed, and nobody switches', async () => {
    const [east, west] = await servers();
    const proxy = await startProxy(east);
    const client = await connected([proxy, west]);
    const events = recordEvents(client);
    const { listener, told, until } = recorder();
    await client.subscribe('one', listener);
    proxy.silence('both', { scope: ({ seen }) => seen.has('SUBSCRIBE'), mode: 'drop' });
    await restored(events);
    await publish(east, 'one', 'a');
    await until('a');
    expect([told, events.switches]).toEqual([['a'], []]);
  });

  it('of a server that is only slow is kept, with the messages on their way', async () => {
    const server = await startRedis();
    const client = await connected([server], { commandTimeoutMs: 3000 });
    const events = recordEvents(client);
    const { listener, until } = recorder();
    await client.subscribe('one', listener);
    // Longer than the ping's interval, its suspicion and the probes' verdict.
    server.freeze();
    await waitFor(() => events.of('database-unhealthy').length > 0, { what: 'the verdict' });
    server.thaw();
    await healthy(client);
    await publish(server, 'one', 'a');
    await until('a');
    expect(events.of('subscriptions-restored')).toEqual([]);
  });
});

describe('a database that refuses what another one allowed', () => {
  it('is told once, asked again, and keeps nothing else from working', async () => {
    const [east, west] = await servers();
    await west.command('ACL', 'SETUSER', 'default', 'resetchannels', '&allowed*');
    const client = await connected([east, west]);
    const events = recordEvents(client);
    const { listener, told, until } = recorder();
    await client.subscribe(['allowed-1', 'denied-1', 'allowed-2', 'denied-2'], listener);
    await client.forceActiveDatabase('west');
    await restored(events);
    expect(events.of('subscriptions-restored')).toMatchObject([
      { id: 'west', channels: 2, refused: 2 },
    ]);
    const [error] = events.of('error') as SubscriptionRefusedError[];
    expect(error).toBeInstanceOf(SubscriptionRefusedError);
    expect(error).toMatchObject({
      code: 'SUBSCRIPTION_REFUSED',
      databaseId: 'west',
      names: expect.arrayContaining(['denied-1', 'denied-2']),
      cause: { message: expect.stringMatching(/^NOPERM/) },
    });
    // A separate call gets its own rejection.
    expect((await errorOf(client.subscribe('denied-3', listener))).message).toMatch(/^NOPERM/);
    await publish(west, 'allowed-2', 'a');
    await until('a');

    await west.command('ACL', 'SETUSER', 'default', 'allchannels');
    await waitFor(async () => (await channels(west)).length === 4, { what: 'the retry' });
    await publish(west, 'denied-1', 'b');
    await until('b');
    expect([told, events.of('error').length]).toEqual([['a', 'b'], 1]);
  });
});

describe('several clients of one group', () => {
  it('have subscriptions of their own', async () => {
    const [east, west] = await servers();
    const client = await connected([east, west]);
    const duplicate = client.duplicate() as unknown as MultiDbClient;
    await duplicate.connect();
    const [one, two] = [recorder(), recorder()];
    await client.subscribe('one', one.listener);
    await duplicate.subscribe(['one', 'two'], two.listener);
    expect(await subscribers(east)).toBe(2);
    const events = [recordEvents(client), recordEvents(duplicate)];
    await east.kill();
    await Promise.all(events.map((each) => restored(each)));
    expect(await publish(west, 'one', 'a')).toBe(2);
    expect(await publish(west, 'two', 'b')).toBe(1);
    await Promise.all([one.until('a'), two.until('b')]);
    expect([one.told, two.told]).toEqual([['a'], ['a', 'b']]);
    expect(events.map((each) => each.of('subscriptions-restored').length)).toEqual([1, 1]);
    duplicate.destroy();
    await waitFor(async () => (await subscribers(west)) === 1, {
      what: 'the duplicate to be gone',
    });
    await publish(west, 'one', 'c');
    await one.until('c');
    expect(two.told).toEqual(['a', 'b']);
  });
});

describe('while nothing is usable', () => {
  it('subscribe waits for its deadline, and is forgotten then', async () => {
    const [east, west] = await servers();
    const client = await connected([east, west], { commandDeadlineMs: 500 });
    await Promise.all([east.kill(), west.kill()]);
    const error = await errorOf(client.subscribe('one', () => {}));
    expect(error).toBeInstanceOf(CommandTimeoutError);
    expect(error).toMatchObject({ maybeExecuted: false });
    expect(client.isPubSubActive).toBe(false);
    await west.restart();
    await active(client, 'west');
    expect(await channels(west)).toEqual([]);
  });

  it('subscribe before a connect that fails is rejected with it', async () => {
    const [east] = await servers(1);
    await east.kill();
    const client = clientOf([east], { ...QUICK });
    const early = errorOf(client.subscribe('one', () => {}));
    await errorOf(client.connect());
    expect(await early).toMatchObject({ code: 'CLIENT_CLOSED' });
  });
});
