/** The rules of steering: which document is obeyed, from when to when, and by whom. */
import { Ajv } from 'ajv';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { haveErrorsRisen } from '../../src/core/steering/canary.js';
import {
  compareSteering,
  parseSteering,
  type Steering,
  type SteeringDocument,
} from '../../src/core/steering/document.js';
import {
  changesAt,
  NO_OBEDIENCE,
  type Obedience,
  obeyed,
  receive,
  schedule,
  settle,
} from '../../src/core/steering/obedience.js';
import { steeredViews } from '../../src/core/steering/overlay.js';
import { steeringSchema } from '../../src/core/steering/schema.js';
import { placeOf, spreadMs, turnOf } from '../../src/core/steering/spread.js';
import { InvalidSteeringError } from '../../src/errors.js';

const EPOCH = Date.UTC(2026, 0, 1);
const MINUTE = 60_000;
const time = (minutes: number) => new Date(EPOCH + minutes * MINUTE).toISOString();

const spread: fc.Arbitrary<SteeringDocument['spread']> = fc.oneof(
  fc.constantFrom(undefined, 0, 10 * MINUTE),
  fc
    .tuple(fc.double({ min: 0.01, max: 0.5, noNaN: true }), fc.nat(MINUTE), fc.nat(MINUTE))
    .map(([share, overMs, holdMs]) => [
      { share, holdMs },
      { share: 1, overMs },
    ]),
);

/** Few versions and times, so that duplicates and conflicts come up. */
const document = fc
  .record({
    version: fc.integer({ min: 1, max: 4 }),
    issued: fc.constantFrom(0, 1),
    lasts: fc.constantFrom(undefined, 5, 60),
    spread,
    drain: fc.constantFrom('east', 'west'),
  })
  .map(
    ({ version, issued, lasts, drain, ...rest }): SteeringDocument => ({
      schemaVersion: 1,
      version,
      issuedAt: time(issued),
      ...(lasts === undefined ? {} : { until: time(issued + lasts) }),
      ...(rest.spread === undefined ? {} : { spread: rest.spread }),
      drain: [drain],
      by: 'ada',
      reason: 'test',
    }),
  );
const place = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

const newest = (all: readonly Steering[]) =>
  all.reduce((best, each) => (compareSteering(each, best) > 0 ? each : best));

it('every process ends up with the same document, in whatever order and how often they come', () => {
  fc.assert(
    fc.property(
      fc.array(document, { minLength: 1, maxLength: 6 }),
      fc.array(fc.tuple(fc.nat(5), fc.nat(5)), { maxLength: 12 }),
      place,
      fc.integer({ min: -5, max: 5 }),
      (documents, order, at, clockError) => {
        const all = documents.map(parseSteering);
        const expected = newest(all);
        let state: Obedience = NO_OBEDIENCE;
        let now = 1000;
        const offers = [...order.map(([index]) => index % all.length), ...all.keys()];
        for (const [n, index] of offers.entries()) {
          const wallTime = EPOCH + (2 + clockError) * MINUTE + now;
          const receipt = { at: now, wallTime, notBefore: Number.NEGATIVE_INFINITY };
          const steering = all[index] as Steering;
          const offered = schedule(steering, at, 'source', receipt);
          const before = newest([
            steering,
            ...offers.slice(0, n).map((each) => all[each] as Steering),
          ]);
          ({ state } = receive(state, offered, now));
          const known = (state.next ?? state.current)?.steering;
          expect(known?.canonical).toBe(before.canonical);
          now += 1000;
        }
        // Later, when every window is over, it is obeyed, or has ended; an older one never is.
        const later = now + 24 * 60 * MINUTE;
        expect(settle(state, later).current?.steering.canonical).toBe(expected.canonical);
        const now2 = obeyed(state, later)?.steering.canonical;
        expect(now2).toBe(expected.until === Infinity ? expected.canonical : undefined);
        expect(changesAt(state, later)).toBe(Infinity);
      },
    ),
  );
});

it('a fleet whose clocks differ by minutes moves within the spread, and ends with it', () => {
  fc.assert(
    fc.property(
      document,
      fc.array(fc.tuple(place, fc.integer({ min: -10, max: 10 }), fc.nat(5000)), {
        minLength: 2,
        maxLength: 8,
      }),
      fc.integer({ min: -10, max: 10 }),
      (given, processes, issuerError) => {
        // Published at 0 by a clock that is wrong; every process reads every five seconds.
        const steering = parseSteering({
          ...given,
          issuedAt: time(1000 + issuerError),
          ...(given.until === undefined ? {} : { until: time(1060 + issuerError) }),
        });
        const windowMs = spreadMs(steering.stages);
        for (const [at, clockError, delayMs] of processes) {
          const receipt = {
            at: delayMs,
            wallTime: EPOCH + (1000 + clockError) * MINUTE + delayMs,
            notBefore: delayMs - 5000,
          };
          const { beginsAt, endsAt } = schedule(steering, at, 'source', receipt);
          const { moveAfterMs } = turnOf(steering.stages, at);
          expect(beginsAt).toBeGreaterThanOrEqual(moveAfterMs - 5000);
          expect(beginsAt).toBeLessThanOrEqual(moveAfterMs + 5000);
          expect(moveAfterMs).toBeLessThanOrEqual(windowMs);
          if (given.until === undefined) expect(endsAt).toBe(Infinity);
          else expect(Math.abs(endsAt - 60 * MINUTE - at * windowMs)).toBeLessThanOrEqual(5000);
        }
      },
    ),
  );
});

it('stages are taken in order of the places', () => {
  const { stages } = parseSteering({
    schemaVersion: 1,
    version: 1,
    issuedAt: time(0),
    spread: [{ share: 0.01, holdMs: 1000 }, { share: 0.5, overMs: 100, holdMs: 50 }, { share: 1 }],
    by: 'ada',
    reason: 'test',
  });
  expect(turnOf(stages, 0.005)).toEqual({ moveAfterMs: 0, holdMs: 1000 });
  expect(turnOf(stages, 0.01)).toEqual({ moveAfterMs: 1000, holdMs: 50 });
  expect(turnOf(stages, 0.9)).toEqual({ moveAfterMs: 1150, holdMs: 0 });
  fc.assert(
    fc.property(document, place, place, ({ spread: given, ...rest }, one, other) => {
      const parsed = parseSteering({ ...rest, ...(given === undefined ? {} : { spread: given }) });
      const [first, second] = [Math.min(one, other), Math.max(one, other)];
      const delays = [first, second].map((each) => turnOf(parsed.stages, each).moveAfterMs);
      expect(delays[0]).toBeLessThanOrEqual(delays[1] as number);
    }),
  );
});

it('places are stable and even', () => {
  expect(placeOf('pod-1:7')).toBe(placeOf('pod-1:7'));
  const counts = new Array(10).fill(0);
  for (let n = 0; n < 10_000; n += 1) counts[Math.floor(placeOf(`pod-${n}:1`) * 10)] += 1;
  for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(150);
});

it('a preferred database outweighs all others, and only what is named changes', () => {
  const databases = [
    { id: 'east', ownWeight: 1 },
    { id: 'west', ownWeight: 0.5 },
  ];
  const asked = (content: object) =>
    steeredViews(
      parseSteering({
        schemaVersion: 1,
        version: 1,
        issuedAt: time(0),
        by: 'a',
        reason: 'b',
        ...content,
      }),
      7,
      databases,
    );
  expect(asked({ prefer: 'west' }).get('west')?.weight).toBeGreaterThan(1);
  expect(asked({ weights: { west: 9, gone: 3 } }).get('west')?.weight).toBe(9);
  expect(asked({ drain: ['east'] }).get('east')).toMatchObject({ weight: 1, drainEndsAt: 7 });
  expect(
    [...asked({ drain: ['gone'] }).values()].every(({ drainEndsAt }) => drainEndsAt === 0),
  ).toBe(true);
});

it('errors have risen only where enough failed and the share is higher', () => {
  expect(haveErrorsRisen({ failed: 0, total: 100 }, { failed: 4, total: 4 })).toBe(false);
  expect(haveErrorsRisen({ failed: 0, total: 0 }, { failed: 5, total: 50 })).toBe(true);
  expect(haveErrorsRisen({ failed: 50, total: 100 }, { failed: 20, total: 100 })).toBe(false);
});

it('accepts what the published schema accepts, and names what is wrong otherwise', () => {
  const isValid = new Ajv({ strict: false }).compile(steeringSchema());
  const junk = fc.oneof(
    fc.constant(null),
    fc.boolean(),
    fc.integer(),
    fc.string(),
    fc.constant([]),
    fc.constant({}),
  );
  const names = [
    ...['schemaVersion', 'version', 'issuedAt', 'until', 'spread', 'prefer', 'weights', 'drain'],
    ...['failback', 'force', 'by', 'reason', 'more'],
  ];
  const mutated = fc
    .tuple(
      document,
      fc.dictionary(fc.constantFrom(...names), junk, { maxKeys: 2 }),
      fc.constantFrom(undefined, ...names),
    )
    .map(([good, changes, without]): Record<string, unknown> => {
      const changed: Record<string, unknown> = { ...good, ...changes };
      if (without !== undefined) delete changed[without];
      return changed;
    });
  fc.assert(
    fc.property(mutated, (given) => {
      let error: unknown;
      try {
        parseSteering(JSON.stringify(given));
      } catch (caught) {
        error = caught;
      }
      // What the schema can't say: order of times and shares, and that prefer is not drained.
      const isBeyond = error instanceof InvalidSteeringError && /^(until|prefer)$/.test(error.path);
      if (!isBeyond) expect(error === undefined).toBe(isValid(given));
      if (error !== undefined) expect(error).toBeInstanceOf(InvalidSteeringError);
    }),
    { numRuns: 2000 },
  );
});
