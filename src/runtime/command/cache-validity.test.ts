import { beforeEach, describe, expect, it } from 'vitest';
import { CacheValidity } from './cache-validity.js';
import type { ClientContext } from './client-context.js';

const SUSPECT_AFTER_MS = 100;

let now: number;
let told: (string | null)[];
let pings: { resolve(): void; reject(error: Error): void }[];
let client: {
  isOpen: boolean;
  active: object | undefined;
  coordinator: { route: { generation: number }; runtime: object };
  send(args: readonly string[]): Promise<void>;
};
let cacheValidity: CacheValidity;

beforeEach(() => {
  now = 0;
  told = [];
  pings = [];
  client = {
    isOpen: true,
    active: {},
    coordinator: {
      route: { generation: 1 },
      runtime: { clock: { now: () => now }, options: { suspectAfterMs: SUSPECT_AFTER_MS } },
    },
    send: (args) => {
      expect(args).toEqual(['PING']);
      return new Promise((resolve, reject) => pings.push({ resolve, reject }));
    },
  };
  cacheValidity = new CacheValidity(() => client as unknown as ClientContext);
  cacheValidity.listen({
    onFlush: () => told.push('flush'),
    onInvalidate: (key) => told.push(key === null ? null : String(key)),
  });
});

describe('an epoch', () => {
  it.each([
    ['another connection', () => (client.active = {})],
    ['no connection', () => (client.active = undefined)],
    ['another turn', () => (client.coordinator.route.generation = 2)],
    ['the end of the client', () => (client.isOpen = false)],
  ])('ends with %s', (_what, change) => {
    const { epoch } = cacheValidity;
    expect(cacheValidity.epoch).toBe(epoch);
    expect(told).toEqual([]);
    change();
    expect(cacheValidity.epoch).not.toBe(epoch);
    cacheValidity.refresh();
    expect(told).toEqual(['flush']);
  });

  it('is told to be over before anything else, but not in the middle of what ends it', async () => {
    cacheValidity.refresh();
    client.active = {};
    cacheValidity.refresh();
    expect(told).toEqual([]);
    cacheValidity.onInvalidate(client.active as never, 'key');
    expect(told).toEqual(['flush', 'key']);
    client.active = undefined;
    cacheValidity.refresh();
    await Promise.resolve();
    expect(told).toEqual(['flush', 'key', 'flush']);
  });

  it('hears its own connection only', () => {
    const channel = client.active as never;
    cacheValidity.onInvalidate(channel, 'before');
    cacheValidity.refresh();
    cacheValidity.onInvalidate(channel, 'key');
    cacheValidity.onInvalidate({} as never, 'of another');
    cacheValidity.onInvalidate(channel, null);
    expect(told).toEqual(['key', null]);
  });
});

describe('freshness', () => {
  it('lasts for two suspectAfterMs, and is asked for after one', async () => {
    expect(cacheValidity.isFresh()).toBe(true);
    now = 101;
    expect(cacheValidity.isFresh()).toBe(true);
    now = 200;
    expect(cacheValidity.isFresh()).toBe(true);
    expect(pings.length).toBe(1);
    now = 201;
    expect(cacheValidity.isFresh()).toBe(false);
    // It was sent at 101: what happened since is not proven.
    pings[0]?.resolve();
    await Promise.resolve();
    expect(cacheValidity.isFresh()).toBe(true);
    now = 302;
    expect(cacheValidity.isFresh()).toBe(false);
    expect(pings.length).toBe(2);
    pings[1]?.reject(new Error('timed out'));
    await new Promise(process.nextTick);
    expect(cacheValidity.isFresh()).toBe(false);
    expect(pings.length).toBe(3);
  });

  it('is proven by any reply of the same epoch', () => {
    const epoch = cacheValidity.epoch as object;
    now = 1000;
    cacheValidity.prove({}, 1000);
    expect(cacheValidity.isFresh()).toBe(false);
    cacheValidity.prove(epoch, 900);
    expect(cacheValidity.isFresh()).toBe(true);
    cacheValidity.prove(epoch, 0);
    expect(cacheValidity.isFresh()).toBe(true);
  });

  it('is nothing without a connection', () => {
    client.active = undefined;
    expect(cacheValidity.isFresh()).toBe(false);
    expect(pings).toEqual([]);
  });

  it('an answer to an earlier epoch proves nothing', async () => {
    cacheValidity.refresh();
    now = 150;
    cacheValidity.isFresh();
    client.active = {};
    cacheValidity.refresh();
    now = 600;
    pings[0]?.resolve();
    await Promise.resolve();
    expect(cacheValidity.isFresh()).toBe(false);
    expect(pings.length).toBe(2);
  });
});
