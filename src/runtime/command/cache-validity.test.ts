import { beforeEach, describe, expect, it } from 'vitest';
import { Coherence } from './cache-validity.js';
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
let coherence: Coherence;

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
  coherence = new Coherence(() => client as unknown as ClientContext);
  coherence.listen({
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
    const { epoch } = coherence;
    expect(coherence.epoch).toBe(epoch);
    expect(told).toEqual([]);
    change();
    expect(coherence.epoch).not.toBe(epoch);
    coherence.refresh();
    expect(told).toEqual(['flush']);
  });

  it('is told to be over before anything else, but not in the middle of what ends it', async () => {
    coherence.refresh();
    client.active = {};
    coherence.refresh();
    expect(told).toEqual([]);
    coherence.onInvalidate(client.active as never, 'key');
    expect(told).toEqual(['flush', 'key']);
    client.active = undefined;
    coherence.refresh();
    await Promise.resolve();
    expect(told).toEqual(['flush', 'key', 'flush']);
  });

  it('hears its own connection only', () => {
    const channel = client.active as never;
    coherence.onInvalidate(channel, 'before');
    coherence.refresh();
    coherence.onInvalidate(channel, 'key');
    coherence.onInvalidate({} as never, 'of another');
    coherence.onInvalidate(channel, null);
    expect(told).toEqual(['key', null]);
  });
});

describe('freshness', () => {
  it('lasts for two suspectAfterMs, and is asked for after one', async () => {
    expect(coherence.isFresh()).toBe(true);
    now = 101;
    expect(coherence.isFresh()).toBe(true);
    now = 200;
    expect(coherence.isFresh()).toBe(true);
    expect(pings.length).toBe(1);
    now = 201;
    expect(coherence.isFresh()).toBe(false);
    // It was sent at 101: what happened since is not proven.
    pings[0]?.resolve();
    await Promise.resolve();
    expect(coherence.isFresh()).toBe(true);
    now = 302;
    expect(coherence.isFresh()).toBe(false);
    expect(pings.length).toBe(2);
    pings[1]?.reject(new Error('timed out'));
    await new Promise(process.nextTick);
    expect(coherence.isFresh()).toBe(false);
    expect(pings.length).toBe(3);
  });

  it('is proven by any reply of the same epoch', () => {
    const epoch = coherence.epoch as object;
    now = 1000;
    coherence.prove({}, 1000);
    expect(coherence.isFresh()).toBe(false);
    coherence.prove(epoch, 900);
    expect(coherence.isFresh()).toBe(true);
    coherence.prove(epoch, 0);
    expect(coherence.isFresh()).toBe(true);
  });

  it('is nothing without a connection', () => {
    client.active = undefined;
    expect(coherence.isFresh()).toBe(false);
    expect(pings).toEqual([]);
  });

  it('an answer to an earlier epoch proves nothing', async () => {
    coherence.refresh();
    now = 150;
    coherence.isFresh();
    client.active = {};
    coherence.refresh();
    now = 600;
    pings[0]?.resolve();
    await Promise.resolve();
    expect(coherence.isFresh()).toBe(false);
    expect(pings.length).toBe(2);
  });
});
