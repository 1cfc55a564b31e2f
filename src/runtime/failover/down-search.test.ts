import { beforeEach, expect, it } from 'vitest';
import { PermanentlyUnavailableError, TemporarilyUnavailableError } from '../../errors.js';
import { VirtualClock } from '../../testing/virtual-clock.js';
import type { Database } from '../database.js';
import { DownSearch } from './down-search.js';

const [east, west, north] = [{}, {}, {}] as [Database, Database, Database];
const DETAILS = { cause: new Error('why'), maybeExecuted: true };

let clock: VirtualClock;
let search: DownSearch;
let probed: number;

beforeEach(() => {
  clock = new VirtualClock();
  probed = 0;
  search = new DownSearch(
    { maxNumFailoverAttempts: 3, delayInBetweenFailoverAttemptsMs: 100 },
    clock,
    () => 0,
    () => {
      probed += 1;
    },
  );
});

it('is down when the last verdict is in', async () => {
  search.begin([east, west]);
  await clock.advance(50);
  expect(search.fail(east)).toBe(false);
  expect(search.fail(east)).toBe(false);
  expect(search.downSince).toBeUndefined();
  expect(search.fail(west)).toBe(true);
  expect(search.fail(west)).toBe(false);
  expect(search.downSince).toBe(0);
});

it('is down at once when there is nobody to ask', () => {
  search.begin([]);
  expect(search.concludeIfEmpty()).toBe(true);
});

it('waits for a database that is asked later', () => {
  search.begin([east]);
  search.await(west);
  expect(search.fail(east)).toBe(false);
  expect(search.fail(west)).toBe(true);
  search.await(north);
  expect(search.fail(north)).toBe(false);
});

it('does nothing while it is off', async () => {
  search.await(east);
  expect(search.fail(east)).toBe(false);
  expect(search.concludeIfEmpty()).toBe(false);
  await clock.advance(1000);
  expect(probed).toBe(0);
});

it('searches on for ever, and tells callers how long it has gone on', async () => {
  search.begin([east]);
  expect(search.error(DETAILS)).toBeInstanceOf(TemporarilyUnavailableError);
  search.fail(east);
  for (const attempts of [1, 2]) {
    expect(search.error(DETAILS)).toBeInstanceOf(TemporarilyUnavailableError);
    expect(search.error(DETAILS).message).toContain(`${attempts} failed searches`);
    await clock.advance(100);
  }
  expect(search.error(DETAILS)).toBeInstanceOf(PermanentlyUnavailableError);
  expect(search.error(DETAILS)).toMatchObject(DETAILS);
  await clock.advance(100 * 1000);
  expect(probed).toBe(1002);
  expect(search.error(DETAILS)).toBeInstanceOf(PermanentlyUnavailableError);
});

it('starts to count anew after a success', async () => {
  search.begin([east]);
  search.fail(east);
  await clock.advance(1000);
  search.end();
  expect(clock.pendingTimers).toBe(0);
  expect(search.downSince).toBeUndefined();
  search.begin([east]);
  search.fail(east);
  expect(search.error(DETAILS)).toBeInstanceOf(TemporarilyUnavailableError);
});
