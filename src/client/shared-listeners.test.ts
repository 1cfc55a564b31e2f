import { Redis } from 'ioredis';
import { describe, expect, it } from 'vitest';
import { createMultiDbRedis } from './ioredis/create-redis.js';
import { createMultiDbClient } from './node-redis/create-client.js';

const nowhere = 'redis://127.0.0.1:1';

const CLIENTS = {
  'node-redis': () => createMultiDbClient({ databases: [{ client: { url: nowhere } }] }),
  ioredis: () =>
    createMultiDbRedis({ Redis, redis: { lazyConnect: true }, databases: [{ redis: nowhere }] }),
};

interface Emitter {
  on(name: string, listener: () => void): Emitter;
  off(name: string, listener: () => void): Emitter;
  emit(name: string): boolean;
  listenerCount(name: string): number;
  setMaxListeners(count: number): Emitter;
  getMaxListeners(): number;
}

describe.each(Object.entries(CLIENTS))('a view of a client of the API of %s', (_, create) => {
  const set = () => {
    const client = create();
    const views = [client, client.withRetrySafety('read'), client.withRetrySafety('read')];
    return views as unknown as [Emitter, Emitter, Emitter];
  };
  const nothing = () => {};

  it('keeps its listeners when another view removes the last one that it knows', () => {
    for (const [a, b, c] of [[0, 1, 2] as const, [1, 0, 2] as const, [1, 2, 0] as const]) {
      const all = set();
      let heard = 0;
      all[a].on('first', nothing);
      all[b].on('second', () => {
        heard += 1;
      });
      all[a].off('first', nothing);
      all[c].emit('second');
      expect([heard, ...all.map((each) => each.listenerCount('second'))]).toEqual([1, 1, 1, 1]);
    }
  });

  it('has the limit of listeners of the client', () => {
    const [client, one, other] = set();
    one.setMaxListeners(33);
    expect([client.getMaxListeners(), other.getMaxListeners()]).toEqual([33, 33]);
  });
});
