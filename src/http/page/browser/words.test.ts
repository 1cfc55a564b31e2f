import { expect, it } from 'vitest';
import type { DatabaseStatus, Status } from '../../status.js';
import { publishedLines, steerConsequences, steerTitle } from './steer-words.js';
import {
  announcement,
  drainConsequences,
  failuresOf,
  headline,
  holds,
  role,
  steeringWords,
  switchConsequences,
  untilFailback,
  why,
} from './words.js';

const well: DatabaseStatus = {
  id: 'east',
  weight: 1,
  active: false,
  health: 'healthy',
  cause: null,
  connected: true,
  breaker: 'closed',
  failures: 0,
  total: 0,
  slow: false,
  slowCalls: 0,
  readOnly: false,
  gracePeriodLeftMs: 0,
  drained: false,
  drainEndsAt: null,
  latencyMs: 0.3,
  lastProbe: null,
  lacks: [],
  details: [],
  possibleAt: null,
};
const east = well;
const west = { ...well, id: 'west', weight: 0.5, active: true };
const status: Status = {
  schemaVersion: 1,
  at: '2026-01-01T00:00:00.000Z',
  state: 'serving',
  ready: true,
  activeDatabase: 'west',
  why: 'forced',
  lastResort: false,
  forced: null,
  healing: null,
  nextFailbackCheckAt: '2026-01-01T00:00:15.000Z',
  databases: [east, west],
  switches: [],
  steering: null,
  explanation: '',
};

it('says what a switch will do', () => {
  const now = new Date(status.at);
  expect(switchConsequences(status, east)).toEqual([
    "east is probed first; if it can't serve, nothing changes.",
    'New commands go to east at once. Commands in flight on west finish there.',
    'If east fails, the client fails over as usual.',
  ]);
  const left = {
    ...east,
    health: 'unhealthy',
    cause: 'refused',
    breaker: 'open',
    gracePeriodLeftMs: 5,
    drained: true,
  } as const;
  const lines = switchConsequences(status, left).join('\n');
  expect(lines).toContain('unhealthy (refused), so this will probably be refused');
  expect(lines).toContain('This ends its grace period and its open circuit breaker and its drain.');
  expect(untilFailback(status, east, now)).toBe('While it is the best database');
  const until = 'Until the next automatic failback to east';
  expect(untilFailback(status, west, now)).toBe(`${until}, in about 15 s`);
  expect(untilFailback({ ...status, nextFailbackCheckAt: null }, west, now)).toBe(until);
  expect(holds(status, west, undefined, now)).toBe(`until${until.slice(5)}, in about 15 s`);
  expect(holds(status, west, null, now)).toBe('until the next manual switch');
  expect(holds(status, west, 600_000, now)).toMatch(/^until \d/);
});

it('says what a drain will do', () => {
  expect(drainConsequences(status, west)[0]).toBe(
    'New commands go to east at once. Commands in flight on west finish there.',
  );
  expect(drainConsequences(status, east)[0]).toContain(
    'does not become active while it is drained',
  );
  const alone = { ...status, databases: [{ ...east, health: 'unhealthy' as const }, west] };
  expect(drainConsequences(alone, west)[0]).toContain('this will be refused');
});

it('says what is', () => {
  expect(headline(status)).toMatchObject({
    text: 'west is serving in place of east',
    tone: 'good',
  });
  const failed = { ...east, health: 'unhealthy' } as const;
  expect(headline({ ...status, databases: [failed, west] }).tone).toBe('warn');
  expect(headline({ ...status, databases: [{ ...east, weight: 0.1 }, west] }).text).toBe(
    'west is serving',
  );
  expect(headline({ ...status, lastResort: true }).text).toBe('west serves as the last resort');
  expect(headline({ ...status, state: 'down' }).tone).toBe('bad');
  expect(why(status, new Date())).toBe('forced');
  const healing = { cause: 'PING: refused', since: status.at, leftAt: status.at };
  expect(headline({ ...status, healing })).toMatchObject({ tone: 'warn' });
  expect(why({ ...status, healing }, new Date())).toMatch(
    /^PING: refused, since .*. Commands wait. If it still/,
  );
  expect(why({ ...status, state: 'down', why: null }, new Date())).toMatch(
    /^Commands fail at once/,
  );
  expect(why({ ...status, state: 'searching', why: null }, new Date())).toMatch(/Commands wait/);
  const roles = [
    west,
    { ...east, drained: true },
    { ...east, health: 'unhealthy' as const },
    { ...east, gracePeriodLeftMs: 1 },
    { ...east, lacks: ['gate closed'] },
    east,
  ];
  expect(roles.map((each) => role(each).text)).toEqual([
    'Active',
    'Drained',
    'Failed',
    'Grace period',
    'Not ready',
    'Standby',
  ]);
  const event = {
    from: 'east',
    to: 'west',
    reason: 'health-check',
    cause: 'east: refused',
    at: status.at,
    generation: 2,
    durationMs: 3,
  };
  expect(announcement(event)).toBe(
    'west is active now, in place of east: health check failed. east: refused \u00b7 3 ms after the first sign',
  );
  const switched = { ...status, switches: [event] };
  const best = 'highest weight (0.5) of the eligible databases';
  expect(why({ ...switched, why: best }, new Date(event.at))).toMatch(
    /^Since [\d:]+: health check failed \(east: refused\)\.$/,
  );
  expect(why({ ...switched, why: `${best}; gate closed (lag)` }, new Date(event.at))).toMatch(
    / Now: gate closed \(lag\)\.$/,
  );
  expect(announcement({ ...event, to: null })).toContain('No database can serve; east was left');
});

it('counts in words', () => {
  const words = (failures: number, total: number) => failuresOf({ ...east, failures, total });
  expect(words(0, 0)).toBe('no recent commands');
  expect(words(1, 1)).toBe('the last command failed');
  expect(words(1, 214)).toBe('1 of the last 214 commands failed');
});

it('says what the process is steered to: who, why, which version, and its place', () => {
  const now = new Date(status.at);
  const obeyed = {
    version: 42,
    by: 'ada@ops',
    reason: 'upgrade',
    asks: 'drains east',
    obeyedAt: status.at,
    until: null,
  };
  const steering = {
    instanceId: 'a-1',
    place: 0.25,
    obeyed: null,
    next: null,
    stopped: null,
    sources: [{ source: 'redis: east', state: 'ok', cause: null }],
  };
  const words = (over: object) =>
    steeringWords({ ...status, steering: { ...steering, ...over } }, now);
  expect(steeringWords(status, now)).toBe('');
  expect(words({})).toBe('');
  expect(words({ obeyed })).toBe(
    'Steered by ada@ops (version 42): drains east (upgrade). This process moves after 25 % of the window.',
  );
  expect(words({ obeyed: { ...obeyed, until: '2026-01-01T00:00:10.000Z' } })).toMatch(
    /\(upgrade\), until .*\./,
  );
  expect(words({ next: obeyed })).toMatch(
    /^From .*, steered by ada@ops \(version 42\): drains east/,
  );
  expect(words({ stopped: 'errors rose' })).toBe('Steering was stopped here: errors rose.');
  const sources = [{ source: 'http', state: 'unreachable', cause: 'status 500' }];
  expect(words({ sources })).toBe('Steering source http: unreachable (status 500).');
});

it('says what steering will do everywhere, and what this process cannot do', () => {
  const drain = { action: 'drain', databaseId: 'east', durationMs: 3_600_000, spreadMs: 600_000 };
  const now = new Date(2026, 10, 22, 12);
  const words = (order: object, with_: Partial<Status> = {}) =>
    steerConsequences(order as never, { ...status, databases: [east, west], ...with_ }, now);
  expect(words(drain)).toEqual([
    'All processes with this steering source leave east, where another database can serve.',
    'They do so within 10 min.',
    'It ends by itself after 1 h, at 13:00:00.',
    'Then they return within 10 min.',
  ]);
  const failed = { ...west, health: 'unhealthy' as const };
  expect(words(drain, { databases: [east, failed] }).at(-1)).toMatch(/has no other database now/);
  expect(words({ action: 'hold', databaseId: 'west' }, { databases: [east, failed] })).toContain(
    "This process can't use west now, and moves when it can.",
  );
  const obeyed = { version: 3, by: 'ada', reason: 'upgrade', asks: 'drains east' };
  const others = { obeyed, next: null, stopped: null, sources: [], place: 0, instanceId: 'a' };
  expect(words({ action: 'release' }, { steering: others as never }).at(-1)).toBe(
    'It replaces version 3 by ada (upgrade), which drains east.',
  );
  expect(steerTitle({ action: 'stay' })).toBe('Stop failbacks in all processes');
  const until = now.toISOString();
  const published = { version: 4, until, written: ['east'], failed: [] };
  expect(publishedLines(published, { action: 'hold', databaseId: 'east' }, now)).toEqual([
    'Version 4 was written to east.',
    'It holds until 12:00:00.',
  ]);
  const partly = { ...published, until: null, failed: [{ database: 'west', error: 'refused' }] };
  expect(publishedLines(partly, { action: 'stay' }, now)).toEqual([
    'Version 4 was written to east.',
    'It was not written to west: refused',
    'One database is enough for every process that reaches it. Publish again when the others are back.',
    'It holds until the next document (Release).',
  ]);
});
