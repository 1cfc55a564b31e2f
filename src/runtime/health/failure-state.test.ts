import { beforeEach, expect, it } from 'vitest';
import { VirtualClock } from '../../testing/virtual-clock.js';
import type { Database } from '../database.js';
import type { Emit } from '../safe-emitter.js';
import { FailureState, type FailureStateHost } from './failure-state.js';

const SLOW = { reason: 'slow', cause: 'p99 of 80 ms', since: 0 } as const;
const DOWN = { reason: 'health-check', cause: 'PING: refused', since: 0 } as const;

let database: Database;
let told: string[];
let state: FailureState;

beforeEach(async () => {
  told = [];
  database = { id: 'east', health: 'healthy', incarnation: 4, verifiedFor: 4 } as Database;
  const monitor = { gateCause: 'LAG: behind', suspect: () => told.push('probe') };
  const clock = new VirtualClock();
  await clock.advance(70);
  state = new FailureState(
    { clock, emit: ((name: string) => told.push(name)) as unknown as Emit },
    {
      monitors: new Map([[database, monitor]]),
      verdicts: { tellHealthy: ({ id }: Database) => told.push(`${id} is healthy`) },
      slowness: { onLeft: () => told.push('slow'), forget: () => told.push('not slow') },
      grace: { begin: () => told.push('grace'), end: () => told.push('no grace') },
    } as unknown as FailureStateHost,
  );
});

it('makes earlier results void and closes the gates before anything is selected', () => {
  state.begin(database, DOWN);
  expect(database).toMatchObject({
    left: { reason: 'health-check', cause: 'PING: refused', at: 70 },
    incarnation: 5,
    reachedAt: undefined,
    wasEligible: true,
    gatesOpen: false,
    gateCause: 'LAG: behind',
  });
  expect(told).toEqual(['grace', 'probe']);
});

it('probes neither an unhealthy database again nor forgets that one was slow', () => {
  database.health = 'unhealthy';
  state.begin(database, SLOW);
  expect(told).toEqual(['grace', 'slow']);
});

it('a verified database is healthy for its present incarnation, which is reported once', () => {
  state.begin(database, DOWN);
  Object.assign(database, { health: 'unhealthy', cause: 'refused', failingSince: 3 });
  told = [];
  state.clear(database);
  expect(told).toEqual(['not slow', 'no grace', 'database-healthy']);
  expect(database).toMatchObject({ health: 'healthy', verifiedFor: 5 });
  expect(database.cause ?? database.failingSince).toBeUndefined();
  state.clear(database);
  expect(told.filter((each) => each === 'database-healthy')).toHaveLength(1);
});

it('an excused database keeps its health', () => {
  Object.assign(database, { health: 'unhealthy', cause: 'refused' });
  state.excuse(database);
  expect(told).toEqual(['not slow', 'no grace']);
  expect(database).toMatchObject({ health: 'unhealthy', cause: 'refused' });
});

it('a successor is reported as healthy only if the old database was not', () => {
  const successor = { id: 'the successor' } as Database;
  state.onReplaced(database, successor);
  database.health = 'unhealthy';
  state.onReplaced(database, successor);
  expect(told).toEqual(['no grace', 'no grace', 'the successor is healthy']);
});
