import { EventEmitter } from 'node:events';
import { beforeEach, describe, expect, it } from 'vitest';
import type { CacheProvider } from '../../drivers/node-redis/tracking.js';
import type { CacheValidityView } from './cache-store.js';
import { CacheStore } from './cache-store.js';

const MAX_AGE_MS = 2000;

let dropped: (string | null)[];
let store: CacheStore;

class Ground implements CacheValidityView {
  readonly group = {};
  epoch: object | undefined = {};
  time = 0;
  fresh = true;
  now = () => this.time;
  prove = () => {};
  isFresh = () => this.fresh;
  listen = () => {};
}

beforeEach(() => {
  dropped = [];
  const inner = Object.assign(new EventEmitter(), {
    invalidate: (key: string | null) => dropped.push(key),
    onClose: () => dropped.push('closed'),
  });
  store = new CacheStore(inner as unknown as CacheProvider, {}, MAX_AGE_MS);
});

const read = (validity: Ground, ...keys: string[]) =>
  store.begin(`GET ${keys}`, keys, { validity, epoch: validity.epoch as object, shared: true });

describe('age', () => {
  it('drops what was sent longer ago than it may be, and nothing younger', () => {
    const validity = new Ground();
    read(validity, 'a');
    validity.time = 500;
    const b = read(validity, 'b');
    store.expire(MAX_AGE_MS);
    expect(dropped).toEqual([]);
    store.expire(MAX_AGE_MS + 1);
    expect(dropped).toEqual(['a']);
    expect(store.holds(b)).toBe(true);
  });

  it('counts from the latest read', () => {
    const validity = new Ground();
    read(validity, 'a');
    validity.time = 1500;
    read(validity, 'a');
    store.expire(MAX_AGE_MS + 1);
    expect(dropped).toEqual([]);
    store.expire(1500 + MAX_AGE_MS + 1);
    expect(dropped).toEqual(['a']);
  });

  it('keeps out a read that took longer', () => {
    const load = read(new Ground(), 'a');
    store.expire(MAX_AGE_MS + 1);
    expect(store.holds(load)).toBe(false);
  });

  it('is not judged where the cache has a ttl of its own', () => {
    store = new CacheStore(store.inner, {}, Number.POSITIVE_INFINITY);
    read(new Ground(), 'a');
    store.expire(1e9);
    expect(dropped).toEqual([]);
  });
});

describe('shared by two clients', () => {
  it('is fresh only if every client whose reads are kept is', () => {
    const [one, other] = [new Ground(), new Ground()];
    expect(store.isFresh(one)).toBe(true);
    other.fresh = false;
    expect(store.isFresh(one)).toBe(true);
    read(other, 'a');
    expect(store.isFresh(one)).toBe(false);
    store.flush();
    expect(store.isFresh(one)).toBe(true);
  });

  it('a write of one, and the end of one, drop the reads of both', () => {
    const [one, other] = [new Ground(), new Ground()];
    const [a, b] = [read(one, 'a'), read(other, 'b')];
    store.forget([['SET', 'b', 'v']]);
    expect(dropped).toEqual(['b']);
    expect([store.holds(a), store.holds(b)]).toEqual([true, false]);
    store.close();
    expect(dropped).toEqual(['b', 'closed']);
    expect(store.holds(a)).toBe(false);
  });
});

it.each([['EVAL', 'return 1', '0'], ['FLUSHDB'], ['MY.COMMAND', 'x']])(
  '%s drops everything',
  (...args) => {
    read(new Ground(), 'a');
    store.forget([args]);
    expect(dropped).toEqual([null]);
  },
);
