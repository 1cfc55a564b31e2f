import { beforeEach, expect, it } from 'vitest';
import { VirtualClock } from '../../testing/virtual-clock.js';
import type { Database } from '../database.js';
import type { EngineContext } from '../engine-context.js';
import type { Route, RouteSource } from '../route.js';
import type { HealthListener } from './health-listener.js';
import { HealthVerdicts, type HealthVerdictsHost } from './health-verdicts.js';

const WELL = { healthy: true, cause: undefined, error: undefined };
const ILL = { healthy: false, cause: 'PING: refused', error: new Error('refused') };

let database: Database;
let active: Database | undefined;
let unansweredSince: number | undefined;
let told: string[];
let verdicts: HealthVerdicts;

beforeEach(async () => {
  told = [];
  unansweredSince = undefined;
  database = {
    id: 'east',
    health: 'unknown',
    incarnation: 2,
    membership: 'member',
    gatesOpen: true,
    graceEndsAt: 0,
    maintenanceEndsAt: 0,
    links: [{ hurry: () => told.push('reconnect') }],
  } as unknown as Database;
  active = database;
  const clock = new VirtualClock();
  await clock.advance(100);
  verdicts = new HealthVerdicts(
    { clock, emit: (name: string) => told.push(name) } as unknown as EngineContext,
    {
      get route() {
        return { database: active } as Route;
      },
    } as RouteSource,
    { verification: { unansweredSince: () => unansweredSince } } as unknown as HealthVerdictsHost,
    {
      changed: (_: Database, verdict?: string) => told.push(verdict ?? 'changed'),
    } as unknown as HealthListener,
  );
});

it('reports a change of the health once, and each verdict to the listener', () => {
  verdicts.onHealthVerdict(database, WELL);
  verdicts.onHealthVerdict(database, WELL);
  expect(told).toEqual(['reconnect', 'database-healthy', 'changed', 'changed']);
  told = [];
  verdicts.onHealthVerdict(database, ILL);
  verdicts.onHealthVerdict(database, ILL);
  expect(told).toEqual(['database-unhealthy', 'unavailable', 'unavailable']);
  expect(database).toMatchObject({ health: 'unhealthy', cause: ILL.cause, verifiedFor: 2 });
});

it('a failure began with the first unanswered question, and lasts without a connection', () => {
  unansweredSince = 40;
  verdicts.onHealthVerdict(database, ILL);
  unansweredSince = 60;
  verdicts.onHealthVerdict(database, ILL);
  expect(database.failingSince).toBe(40);
  database.connectionFailed = true;
  verdicts.onHealthVerdict(database, WELL);
  expect(database.failingSince).toBe(40);
  database.connectionFailed = false;
  verdicts.onHealthVerdict(database, WELL);
  expect(database.failingSince).toBeUndefined();
});

it('the health of a candidate is recorded but no event', () => {
  database.membership = 'candidate';
  verdicts.onHealthVerdict(database, ILL);
  expect(told).toEqual(['unavailable']);
});

it('gates are evaluated when they open or close, not when the cause changes', () => {
  verdicts.onGates(database, 'LAG: 3 s');
  verdicts.onGates(database, 'LAG: 4 s');
  expect(database).toMatchObject({ gatesOpen: false, gateCause: 'LAG: 4 s' });
  verdicts.onGates(database, undefined);
  expect(told).toEqual(['changed', 'changed']);
});

it('one probe is enough at start, in an outage, and at the end of announced maintenance', () => {
  expect(verdicts.oneProbeIsEnough(database)).toBe(true);
  database.health = 'healthy';
  expect(verdicts.oneProbeIsEnough(database)).toBe(false);
  database.maintenanceEndsAt = 101;
  expect(verdicts.oneProbeIsEnough(database)).toBe(false);
  database.health = 'unhealthy';
  expect(verdicts.oneProbeIsEnough(database)).toBe(true);
  database.maintenanceEndsAt = 100;
  expect(verdicts.oneProbeIsEnough(database)).toBe(false);
  active = undefined;
  expect(verdicts.oneProbeIsEnough(database)).toBe(true);
});
