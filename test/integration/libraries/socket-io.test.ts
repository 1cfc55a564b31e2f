/** socket.io with its Redis adapters: two servers, each with clients of its own. */
import { createServer } from 'node:http';
import { createAdapter, createShardedAdapter } from '@socket.io/redis-adapter';
import type { MultiDbClient } from 'redis-multidb';
import { type DefaultEventsMap, Server, type Socket as ServerSocket } from 'socket.io';
import { io as connect, type Socket } from 'socket.io-client';
import { afterEach, describe, expect, it } from 'vitest';
import { expectNoLeaks, isRedis7, type RedisServer, waitFor } from '../../kit/index.js';
import { connected, own, servers, switchTo } from '../support.js';
import { listen, takeUnhandled } from './support.js';

const ADAPTERS = {
  'pub/sub': createAdapter,
  'sharded pub/sub': createShardedAdapter,
} as const;
type AdapterName = keyof typeof ADAPTERS;
const has7 = await isRedis7();

type Listening = Server<DefaultEventsMap, DefaultEventsMap, DefaultEventsMap, object>;
const ends = new Set<() => void>();

afterEach(() => {
  for (const end of ends) end();
  ends.clear();
});

/** One process of the application: an HTTP server, its clients of Redis, and a browser. */
class Place {
  readonly received: string[] = [];

  private constructor(
    readonly publisher: MultiDbClient,
    readonly subscriber: MultiDbClient,
    readonly io: Listening,
    readonly browser: Socket,
  ) {
    browser.on('message', (text: string) => this.received.push(text));
  }

  static async open(targets: readonly RedisServer[], name: AdapterName): Promise<Place> {
    const publisher = await connected(targets);
    const subscriber = own(publisher.duplicate());
    await subscriber.connect();
    const server = createServer();
    const io: Listening = new Server(server, { adapter: ADAPTERS[name](publisher, subscriber) });
    io.on('connection', (socket: ServerSocket) => socket.join(['everybody', 'a room']));
    const browser = connect(await listen(server), { transports: ['websocket'] });
    ends.add(() => {
      browser.disconnect();
      void io.close();
    });
    const place = new Place(publisher, subscriber, io, browser);
    await waitFor(() => io.sockets.adapter.rooms.has('a room'), { what: 'a browser' });
    return place;
  }

  /** Resolves when the subscriptions are in force on `id`. */
  restored(id: string): Promise<void> {
    return new Promise((resolve) => {
      this.subscriber.on('subscriptions-restored', (event) => event.id === id && resolve());
    });
  }

  async close(): Promise<void> {
    this.browser.disconnect();
    await this.io.close();
    await this.subscriber.close();
    await this.publisher.close();
  }
}

/** Both servers know of each other, rooms of the adapter included. */
async function together(places: readonly Place[]): Promise<void> {
  for (const { io } of places) {
    await waitFor(async () => (await io.in('a room').fetchSockets()).length === places.length, {
      what: 'the servers to see each other',
      timeoutMs: 15_000,
    });
  }
}

/** Sends numbered messages from both servers to all sockets until it is stopped. */
function talk(places: readonly Place[]) {
  let next = 0;
  const sent = new Set<string>();
  const timer = setInterval(() => {
    for (const [index, { io }] of places.entries()) {
      const text = `load ${index} ${next++}`;
      sent.add(text);
      io.emit('message', text);
    }
  }, 1);
  const stop = () => clearInterval(timer);
  ends.add(stop);
  return { sent, stop };
}

const usable = (Object.keys(ADAPTERS) as AdapterName[]).filter(
  (name) => has7 || name === 'pub/sub',
);

describe.each(usable)('%s', (name) => {
  it('every message arrives once after a database was killed under load', async () => {
    const [east, west] = await servers();
    await expectNoLeaks(async () => {
      const places = [
        await Place.open([east, west], name),
        await Place.open([east, west], name),
      ] as const;
      await together(places);
      const load = talk(places);
      await waitFor(() => places.every(({ received }) => received.length > 200), {
        what: 'messages',
        timeoutMs: 15_000,
      });
      const switched = places.map(({ publisher }) => switchTo(publisher, 'west'));
      const restored = places.map((place) => place.restored('west'));
      await east.kill();
      await Promise.all([...switched, ...restored]);

      const expected: string[] = [];
      for (let number = 0; number < 200; number += 1) {
        for (const [index, { io }] of places.entries()) {
          const text = `after ${index} ${number}`;
          expected.push(text);
          // To all sockets, and to a room.
          if (number % 2 === 0) io.emit('message', text);
          else io.to('a room').emit('message', text);
        }
        if (number % 20 === 0) await new Promise((resolve) => setTimeout(resolve, 1));
      }
      const later = (place: Place) => place.received.filter((text) => text.startsWith('after'));
      await waitFor(() => places.every((place) => later(place).length >= expected.length), {
        what: 'every message at every browser',
        timeoutMs: 15_000,
      });
      load.stop();
      await together(places);
      for (const place of places) {
        expect(later(place).sort()).toEqual([...expected].sort());
        // Those of the moment of the switch may be missing; none is there twice.
        expect(new Set(place.received).size).toBe(place.received.length);
      }
      expect(await takeUnhandled()).toEqual([]);
      for (const place of places) await place.close();
    });
  });

  it('what the servers ask each other is answered after a switch', async () => {
    const [east, west] = await servers();
    const [here, there] = [
      await Place.open([east, west], name),
      await Place.open([east, west], name),
    ];
    const places = [here, there];
    await together(places);
    const restored = places.map((place) => place.restored('west'));
    await east.kill();
    await Promise.all(restored);
    await together(places);

    there.io.on('ask', (question: string, answer: (text: string) => void) => {
      answer(`${question}, answered`);
    });
    expect(await here.io.serverSideEmitWithAck('ask', 'asked')).toEqual(['asked, answered']);
    here.browser.on('ask', (answer: (text: string) => void) => answer('one'));
    there.browser.on('ask', (answer: (text: string) => void) => answer('two'));
    expect((await here.io.timeout(5000).emitWithAck('ask')).sort()).toEqual(['one', 'two']);
    here.io.in('a room').socketsJoin('another room');
    await waitFor(() => there.io.sockets.adapter.rooms.has('another room'), { what: 'a join' });
    here.io.to('another room').emit('message', 'to another room');
    const all = () => places.every(({ received }) => received.includes('to another room'));
    await waitFor(all, { what: 'a message to a room of after the switch' });
    const gone = new Promise((resolve) => there.browser.once('disconnect', resolve));
    here.io.disconnectSockets(true);
    await gone;
    for (const place of places) await place.close();
  });

  it('an outage of all databases ends no process; messages flow again by themselves', async () => {
    const [east, west] = await servers();
    const [here, there] = [
      await Place.open([east, west], name),
      await Place.open([east, west], name),
    ];
    await together([here, there]);
    const load = talk([here, there]);
    const down = [here, there].map(
      ({ publisher }) => new Promise((resolve) => publisher.once('all-databases-down', resolve)),
    );
    await Promise.all([east.kill(), west.kill()]);
    await Promise.all(down);
    /** A message that the first server sends from now on is received. */
    const reaches = (place: Place) => {
      const before = new Set(load.sent);
      const isThere = () =>
        place.received.some((text) => text.startsWith('load 0') && !before.has(text));
      return waitFor(isThere, { what: 'a message of the first server', timeoutMs: 15_000 });
    };
    // Browsers of the same server are reached without Redis.
    await reaches(here);
    expect(await takeUnhandled()).toEqual([]);
    await west.restart();
    await together([here, there]);
    await reaches(there);
    load.stop();
    // Without Redis, and in the wrong order: nothing is left to complain.
    await here.publisher.close();
    await here.subscriber.close();
    here.io.emit('message', 'nobody there');
    await here.close();
    await there.close();
    expect(await takeUnhandled()).toEqual([]);
  });
});
