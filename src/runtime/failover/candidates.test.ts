import { beforeEach, expect, it } from 'vitest';
import type { DatabaseView } from '../../core/selection.js';
import { VirtualClock } from '../../testing/virtual-clock.js';
import type { Database } from '../database.js';
import { Candidates } from './candidates.js';

/** An eligible database with the given facts. */
function database(id: string, weight: number, facts: Partial<Database> = {}): Database {
  const eligible = { connected: true, health: 'healthy', breaker: 'closed', graceEndsAt: 0 };
  return { id, weight, order: 0, gatesOpen: true, ...eligible, ...facts } as Database;
}

const east = database('east', 3, { graceEndsAt: 100 });
const west = database('west', 2, { wasEligible: true });
const north = database('north', 1);
const silent = new Set<DatabaseView>();
const passedOver = new Set<Database>();
let preferred: Database | undefined;
const all = [east, west, north];
const candidates = new Candidates(
  { clock: new VirtualClock() },
  {
    databases: new Map(all.map((each) => [each.id, each])),
    health: { verification: { isSilent: (view) => silent.has(view) } },
    preference: { prefer: undefined, successorOf: () => preferred },
    passedOver,
    all: () => all,
  },
);

beforeEach(() => {
  silent.clear();
  passedOver.clear();
  preferred = undefined;
});

it('takes the heaviest eligible database, and an ineligible one as the last resort', () => {
  expect(candidates.best()).toEqual({ view: west, lastResort: false });
  expect(candidates.best('west')).toEqual({ view: north, lastResort: false });
  expect(candidates.bestOf([east])).toEqual({ view: east, lastResort: true });
  expect(candidates.bestOf([])).toBeUndefined();
});

it('takes a silent database after all others, whatever its weight', () => {
  silent.add(west);
  expect(candidates.best()?.view).toBe(north);
  silent.add(north);
  expect(candidates.best()?.view).toBe(west);
});

it('a failback passes over a database that was not ready; a failover does not', () => {
  expect(candidates.heavier(north)).toBe(west);
  expect(candidates.heavier(west)).toBeUndefined();
  passedOver.add(west);
  expect(candidates.heavier(north)).toBeUndefined();
  expect(candidates.best()?.view).toBe(west);
});

it('the choice of `selection` among equal weights is passed over in the same way', () => {
  preferred = west;
  expect(candidates.equal(north)).toBe(west);
  passedOver.add(west);
  expect(candidates.equal(north)).toBeUndefined();
});

it('newcomers are the eligible databases that never were eligible before', () => {
  expect(candidates.newcomers()).toEqual([north]);
  passedOver.add(north);
  expect(candidates.newcomers()).toEqual([]);
});
