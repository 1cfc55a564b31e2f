/** The driver's connection for subscriptions keeps its contract, over both protocols. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NodeRedisDriver } from '../../src/drivers/node-redis/client-driver.js';
import type { Subscriber } from '../../src/drivers/subscriber.js';
import {
  expectNoLeaks,
  isRedis7,
  type RedisServer,
  startRedis,
  stopAll,
  waitFor,
} from '../kit/index.js';

const since7 = it.runIf(await isRedis7());

let server: RedisServer;
const open = new Set<Subscriber>();

beforeEach(async () => {
  server = await startRedis();
});
afterEach(async () => {
  for (const subscriber of open) subscriber.destroy(new Error('the test has ended'));
  open.clear();
  await stopAll();
});

/** A subscriber, and what it told. */
function subscriberOf(url: string, RESP: 2 | 3) {
  const driver = new NodeRedisDriver({ url, RESP });
  const told: string[] = [];
  const lost: Error[] = [];
  const subscriber = driver.openSubscriber({
    onReady: () => told.push('ready'),
    onLost: (error) => lost.push(error),
    onMessage: (kind, name, message, channel) =>
      told.push(`${kind} ${name}: ${String(message)} on ${String(channel)}`),
    onRevoked: (kind, name) => told.push(`${kind} ${name} revoked`),
  });
  open.add(subscriber);
  const ready = () => waitFor(() => subscriber.ready, { what: 'the subscriber to be ready' });
  return { driver, subscriber, told, lost, ready };
}

describe.each([2, 3] as const)('a subscriber, RESP %i', (RESP) => {
  since7('delivers channels, patterns and sharded channels', async () => {
    const { subscriber, told, ready } = subscriberOf(server.url, RESP);
    await ready();
    await Promise.all([
      subscriber.subscribe('channel', ['one', 'two']),
      subscriber.subscribe('pattern', ['o*']),
      subscriber.subscribe('shard', ['one']),
    ]);
    await server.command('PUBLISH', 'one', 'a');
    await server.command('SPUBLISH', 'one', 'b');
    await subscriber.unsubscribe('channel', ['one']);
    await server.command('PUBLISH', 'one', 'c');
    await server.command('PUBLISH', 'two', 'd');
    await waitFor(() => told.some((each) => each.includes('d on two')), { what: 'the last one' });
    expect(told).toEqual([
      'ready',
      'channel one: a on one',
      'pattern o*: a on one',
      'shard one: b on one',
      'pattern o*: c on one',
      'channel two: d on two',
    ]);
  });

  it('delivers what comes between two confirmations of one call', async () => {
    const { subscriber, told, ready } = subscriberOf(server.url, RESP);
    await ready();
    const names = Array.from({ length: 20_000 }, (_, index) => `channel-${index}`);
    let published = 0;
    const publishing = waitFor(
      async () => {
        published += Number(await server.command('PUBLISH', 'channel-0', 'x'));
        return published > 0;
      },
      { what: 'the first channel to be subscribed', intervalMs: 1 },
    );
    await Promise.all([subscriber.subscribe('channel', names), publishing]);
    await waitFor(() => told.length === 1 + published, { what: 'all messages' });
  });

  it('tells the refusal of a channel, and can subscribe to it later', async () => {
    await server.command(
      'ACL',
      'SETUSER',
      'narrow',
      'on',
      '>pw',
      '+@all',
      '~*',
      'resetchannels',
      '&allowed',
    );
    const url = server.url.replace('redis://', 'redis://narrow:pw@');
    const { driver, subscriber, told, ready } = subscriberOf(url, RESP);
    await ready();
    const refusal = subscriber.subscribe('channel', ['allowed', 'denied']);
    await expect(refusal).rejects.toThrow(/^NOPERM/);
    expect(driver.classify(await refusal.catch((error) => error))).toBe('reply');
    await subscriber.subscribe('channel', ['allowed']);
    await server.command('ACL', 'SETUSER', 'narrow', '&denied');
    await subscriber.subscribe('channel', ['denied']);
    await server.command('PUBLISH', 'denied', 'x');
    await waitFor(() => told.includes('channel denied: x on denied'), { what: 'the message' });
  });

  it('answers a ping with and without subscriptions', async () => {
    const { subscriber, ready } = subscriberOf(server.url, RESP);
    await ready();
    for (const prepare of [
      async () => {},
      () => subscriber.subscribe('channel', ['one']),
      () => subscriber.unsubscribe('channel', ['one']),
    ]) {
      await prepare();
      const before = subscriber.bytesReceived;
      await subscriber.ping();
      expect(subscriber.bytesReceived).toBeGreaterThan(before);
    }
    // Pipelined around the end of the last subscription.
    await subscriber.subscribe('channel', ['one']);
    await Promise.all([
      subscriber.ping(),
      subscriber.unsubscribe('channel', ['one']),
      subscriber.ping(),
    ]);
  });

  it('tells once that it is lost, and rejects what is under way', async () => {
    const { subscriber, lost, ready } = subscriberOf(server.url, RESP);
    await ready();
    await subscriber.subscribe('channel', ['one']);
    server.freeze();
    const pending = expect(subscriber.subscribe('channel', ['two'])).rejects.toThrow();
    await server.kill();
    await pending;
    expect([lost.length, subscriber.ready]).toEqual([1, false]);
  });

  it('tells a refused connection after it was opened', async () => {
    await server.kill();
    const { lost } = subscriberOf(server.url, RESP);
    expect(lost).toEqual([]);
    await waitFor(() => lost.length === 1, { what: 'the refusal' });
  });

  it('leaves nothing open, whenever it is destroyed', async () => {
    await expectNoLeaks(async () => {
      const early = subscriberOf(server.url, RESP);
      early.subscriber.destroy(new Error('early'));
      const late = subscriberOf(server.url, RESP);
      await late.ready();
      const pending = late.subscriber.subscribe('channel', ['one']);
      late.subscriber.destroy(new Error('late'));
      await expect(pending).rejects.toThrow('late');
      expect([early.told, early.lost, late.lost]).toEqual([[], [], []]);
    });
  });
});
