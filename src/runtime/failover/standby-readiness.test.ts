import { beforeEach, expect, it } from 'vitest';
import type { Database } from '../database.js';
import { type ReadinessHost, StandbyReadiness } from './standby-readiness.js';

const database = {} as Database;
let calls: string[];
let isFresh: boolean;
/** Ends `beforeFailback` in one of both ways; undefined: it has succeeded already. */
let preparation: { onDone: () => void; onFailed: () => void } | undefined;
let isPrepared: boolean;
let answer: (hasAnswered: boolean) => void;
let host: { -readonly [key in keyof ReadinessHost]: ReadinessHost[key] };
let passedOver: Set<Database>;

beforeEach(() => {
  calls = [];
  isFresh = true;
  isPrepared = true;
  passedOver = new Set();
  host = {
    phase: 'running',
    preparation: {
      isDone: (_, onDone, again, onFailed = () => {}) => {
        calls.push(again ? 'prepare again' : 'prepare');
        preparation = { onDone, onFailed };
        return isPrepared;
      },
    },
    health: {
      verification: {
        isFresh: () => isFresh,
        verify: () =>
          new Promise<boolean>((resolve) => {
            answer = resolve;
          }),
      },
    },
    passedOver: {
      has: (each) => passedOver.has(each),
      addSilent: (each) => {
        calls.push('silent');
        passedOver.add(each);
      },
      addUnprepared: (each) => {
        calls.push('unprepared');
        passedOver.add(each);
      },
    },
  };
});

function isReady(): boolean {
  const onUnfit = () => calls.push('unfit');
  return new StandbyReadiness(host).isReady(database, () => calls.push('ready'), { onUnfit });
}

it('is ready when beforeFailback has succeeded and the database has just answered', () => {
  expect(isReady()).toBe(true);
  expect(calls).toEqual(['prepare']);
});

it('waits for beforeFailback, and passes the database over when it fails', () => {
  isPrepared = false;
  expect(isReady()).toBe(false);
  preparation?.onDone();
  preparation?.onFailed();
  expect(calls).toEqual(['prepare', 'ready', 'unprepared', 'unfit']);
});

it.each([
  [true, ['prepare', 'ready']],
  [false, ['prepare', 'silent', 'unfit']],
])('asks the database over its data connections; answered: %s', async (hasAnswered, expected) => {
  isFresh = false;
  expect(isReady()).toBe(false);
  answer(hasAnswered);
  await Promise.resolve();
  expect(calls).toEqual(expected);
});

it('passes a silent database over once, however many callers wait for its answer', async () => {
  isFresh = false;
  isReady();
  const first = answer;
  isReady();
  first(false);
  answer(false);
  await Promise.resolve();
  expect(calls).toEqual(['prepare', 'prepare', 'silent', 'unfit']);
});

it('nothing follows after the group has ended', async () => {
  isFresh = false;
  isReady();
  host.phase = 'ended';
  answer(true);
  preparation?.onDone();
  preparation?.onFailed();
  await Promise.resolve();
  expect(calls).toEqual(['prepare']);
});

it('a failed beforeFailback changes nothing for a caller that has no other database', () => {
  isPrepared = false;
  new StandbyReadiness(host).isReady(database, () => {}, { again: true });
  preparation?.onFailed();
  expect(calls).toEqual(['prepare again']);
});
