import { beforeEach, expect, it } from 'vitest';
import type { Database } from '../database.js';
import type { Route, RouteSource } from '../route.js';
import { ConditionWaiters } from './condition-waiters.js';

type Facts = { -readonly [key in keyof Database]?: Database[key] };

let database: Facts;
let active: Facts | undefined;
let conditions: ConditionWaiters;
let told: string[];

beforeEach(() => {
  database = { health: 'unknown', connected: false, connectionFailed: false, removed: false };
  active = database;
  told = [];
  const router = {
    get route() {
      return { database: active } as Route;
    },
  } as RouteSource;
  conditions = new ConditionWaiters(router, { awaitAnew: () => told.push('asked anew') });
});

/** What has resolved after a change of the facts. */
async function after(change: Facts): Promise<string[]> {
  Object.assign(database, change);
  conditions.look();
  await Promise.resolve();
  return told.splice(0);
}

function note(what: 'firstVerdict' | 'whenSettled' | 'whenConnected'): void {
  void conditions[what](database as Database).then(() => told.push(what));
}

it.each<Facts>([{ health: 'unhealthy' }, { connectionFailed: true }])(
  'the first verdict is in: %j',
  async (verdict) => {
    note('firstVerdict');
    expect(await after({ connected: true })).toEqual([]);
    expect(await after(verdict)).toEqual(['firstVerdict']);
  },
);

it('a healthy database without a connection has no verdict yet', async () => {
  note('firstVerdict');
  expect(await after({ health: 'healthy' })).toEqual([]);
  expect(await after({ connected: true })).toEqual(['firstVerdict']);
});

it('a failing database is settled when it has healed, is used unchecked, or is not active', async () => {
  database.failingSince = 5;
  note('whenSettled');
  expect(await after({})).toEqual([]);
  expect(await after({ failingSince: undefined })).toEqual(['whenSettled']);
  database.failingSince = 5;
  note('whenSettled');
  expect(await after({ unchecked: true })).toEqual(['whenSettled']);
  database.unchecked = false;
  note('whenSettled');
  active = undefined;
  expect(await after({})).toEqual(['whenSettled']);
});

it('a connection is asked for anew, and its failure ends the wait', async () => {
  note('whenConnected');
  expect(await after({})).toEqual(['asked anew']);
  expect(await after({ connectionFailed: true })).toEqual(['whenConnected']);
});

it('no wait outlives the database or the group', async () => {
  note('firstVerdict');
  expect(await after({ removed: true })).toEqual(['firstVerdict']);
  database.removed = false;
  note('whenConnected');
  conditions.end();
  expect(await after({})).toEqual(['asked anew', 'whenConnected']);
});
