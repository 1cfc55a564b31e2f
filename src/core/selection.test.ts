import { describe, expect, it } from 'vitest';
import {
  type DatabaseView,
  ineligibilityReasons,
  isEligible,
  isInGrace,
  isSilent,
  isUsable,
  keepsWrites,
  selectBest,
  selectFailback,
  selectWritable,
} from './selection.js';

const NOW = 1000;

function view(id: string, over: Partial<DatabaseView> = {}): DatabaseView {
  return {
    id,
    weight: 1,
    order: 0,
    connected: true,
    health: 'healthy',
    breaker: 'closed',
    graceEndsAt: 0,
    gatesOpen: true,
    ...over,
  };
}

describe('lacks', () => {
  it.each([
    [{}, [], true],
    [{ disabled: 'by hand' }, ['disabled'], false],
    [{ connected: false }, ['not connected'], false],
    [{ health: 'unknown' }, ['health unknown'], false],
    [{ health: 'unhealthy' }, ['unhealthy'], false],
    [{ breaker: 'open' }, ['breaker open'], true],
    [{ graceEndsAt: NOW + 1 }, ['grace period'], true],
    [{ graceEndsAt: NOW }, [], true],
    [{ gatesOpen: false }, ['gate closed'], true],
    [{ drainEndsAt: NOW + 1 }, ['drained'], true],
    [{ drainEndsAt: NOW }, [], true],
    [
      { connected: false, health: 'unhealthy', breaker: 'open', graceEndsAt: NOW + 1 },
      ['not connected', 'unhealthy', 'breaker open', 'grace period'],
      false,
    ],
  ] satisfies [Partial<DatabaseView>, string[], boolean][])(
    '%j -> %j',
    (over, expected, usable) => {
      const database = view('east', over);
      expect(ineligibilityReasons(database, NOW)).toEqual(expected);
      expect(isEligible(database, NOW)).toBe(expected.length === 0);
      expect(isUsable(database)).toBe(usable);
    },
  );
});

describe('selectBest', () => {
  it('takes the eligible one of the highest weight', () => {
    const west = view('west', { weight: 0.5 });
    const east = view('east', { weight: 2, order: 1 });
    expect(selectBest([west, east], NOW)).toEqual({ view: east, lastResort: false });
  });

  it('takes the first in the configuration among equals, in whatever order they come', () => {
    const first = view('first', { order: 0 });
    const second = view('second', { order: 1 });
    expect(selectBest([second, first], NOW)?.view).toBe(first);
    expect(selectBest([first, second], NOW)?.view).toBe(first);
  });

  it('prefers any eligible one to a usable one of higher weight', () => {
    const grace = view('grace', { weight: 9, graceEndsAt: NOW + 1 });
    const low = view('low', { weight: 0.1 });
    expect(selectBest([grace, low], NOW)).toEqual({ view: low, lastResort: false });
  });

  it('uses a healthy one as the last resort, whatever its grace, gates and breaker', () => {
    const broken = view('broken', { weight: 9, connected: false });
    const low = view('low', { weight: 1, graceEndsAt: NOW + 1 });
    const high = view('high', { weight: 2, breaker: 'open', gatesOpen: false });
    expect(selectBest([broken, low, high], NOW)).toEqual({ view: high, lastResort: true });
  });

  it('finds none when none can serve', () => {
    const views = [
      view('a', { health: 'unhealthy' }),
      view('b', { connected: false }),
      view('c', { health: 'unknown' }),
      view('d', { disabled: 'removed' }),
    ];
    expect(selectBest(views, NOW)).toBeUndefined();
    expect(selectBest([], NOW)).toBeUndefined();
  });

  it('leaves out the excluded one, as the last resort too', () => {
    const east = view('east', { weight: 2 });
    const west = view('west', { graceEndsAt: NOW + 1 });
    expect(selectBest([east, west], NOW, { exclude: 'east' })).toEqual({
      view: west,
      lastResort: true,
    });
    expect(selectBest([east], NOW, { exclude: 'east' })).toBeUndefined();
  });
});

describe('selectFailback', () => {
  const west = view('west', { weight: 0.5, order: 1 });

  it('returns to the eligible one of the highest weight above the active one', () => {
    const north = view('north', { weight: 0.7, order: 2 });
    const east = view('east', { weight: 1 });
    expect(selectFailback([west, north, east], 'west', NOW)).toBe(east);
    expect(selectFailback([west, north, { ...east, gatesOpen: false }], 'west', NOW)).toBe(north);
  });

  it('stays among equals, above lower ones, and with ineligible ones', () => {
    const equal = view('equal', { weight: 0.5, order: 0 });
    const lower = view('lower', { weight: 0.1 });
    const grace = view('grace', { weight: 1, graceEndsAt: NOW + 1 });
    expect(selectFailback([equal, lower, grace, west], 'west', NOW)).toBeUndefined();
  });

  it('never answers the active one itself', () => {
    expect(selectFailback([west], 'west', NOW)).toBeUndefined();
  });

  it('takes any eligible one when nothing is active', () => {
    expect(selectFailback([west], undefined, NOW)).toBe(west);
    expect(selectFailback([west], 'gone', NOW)).toBe(west);
  });
});

describe('selectWritable', () => {
  const replica = view('replica', { weight: 2, readOnly: true });
  const [first, second] = [view('first', { order: 1 }), view('second', { order: 2 })];
  const others = [
    view('heavier-replica', { weight: 3, readOnly: true }),
    view('ineligible', { weight: 2, gatesOpen: false }),
    view('lower', { weight: 0.5 }),
  ];

  it('leaves a replica for the eligible one of the highest weight that takes writes', () => {
    expect(selectWritable([replica, ...others, second, first], replica, NOW)?.view).toBe(first);
    expect(selectWritable([replica, ...others.slice(0, 2)], replica, NOW)).toBeUndefined();
    expect(selectWritable([replica, first], first, NOW)).toBeUndefined();
  });

  it('takes one in its grace period as the last resort, and no other that lacks something', () => {
    const grace = { graceEndsAt: NOW + 1 };
    const recovered = view('recovered', { weight: 2, ...grace });
    expect(selectWritable([replica, ...others.slice(0, 2), recovered], replica, NOW)).toEqual({
      view: recovered,
      lastResort: true,
    });
    expect(selectWritable([replica, recovered, second], replica, NOW)).toEqual({
      view: second,
      lastResort: false,
    });
    for (const lack of [
      { connected: false },
      { health: 'unhealthy' },
      { unverified: true },
      { breaker: 'open' },
      { gatesOpen: false },
      { slow: 'slow' },
      { drainEndsAt: NOW + 1 },
      { disabled: 'by hand' },
    ] as const) {
      const lacking = view('lacking', { ...grace, ...lack });
      expect(isInGrace(lacking, NOW)).toBe(false);
      expect(selectWritable([replica, lacking], replica, NOW)).toBeUndefined();
    }
  });

  it('one that takes writes is not left for a replica whatever else it lacks', () => {
    for (const lack of [{}, { graceEndsAt: NOW + 1 }, { gatesOpen: false }, { slow: 'slow' }]) {
      expect(keepsWrites(view('active', lack), NOW)).toBe(true);
    }
    for (const lack of [
      { readOnly: true },
      { connected: false },
      { health: 'unhealthy' },
      { unverified: true },
      { breaker: 'open' },
      { drainEndsAt: NOW + 1 },
    ] as const) {
      expect(keepsWrites(view('active', lack), NOW)).toBe(false);
    }
  });

  it('asks about equal weights', () => {
    const asked: string[][] = [];
    const prefer = (equals: readonly DatabaseView[]) => {
      asked.push(equals.map(({ id }) => id));
      return second;
    };
    expect(selectWritable([replica, ...others, first, second], replica, NOW, prefer)?.view).toBe(
      second,
    );
    expect(selectWritable([replica, ...others, first], replica, NOW, prefer)?.view).toBe(first);
    expect(asked).toEqual([['first', 'second']]);
  });
});

describe('a database that was asked', () => {
  const asked = { at: NOW - 20, now: NOW, patienceMs: 20 };

  it.each<[string, number | undefined, object, boolean]>([
    ['has answered since', NOW - 20, {}, false],
    ['has answered before only', NOW - 21, {}, true],
    ['could not answer yet', NOW - 21, { patienceMs: 21 }, false],
    ['is not known to answer or not', undefined, {}, false],
  ])('%s', (_, answeredAt, over, expected) => {
    expect(isSilent(view('east', { answeredAt }), { ...asked, ...over })).toBe(expected);
  });

  it('and is silent comes after one that answers, whatever the weights', () => {
    const silent = view('east', { weight: 9 });
    const answers = view('west', { weight: 1, order: 1 });
    const low = view('north', { weight: 0.5, order: 2 });
    const options = { isSilent: (each: DatabaseView) => each === silent };
    for (const views of [
      [silent, answers, low],
      [low, answers, silent],
    ]) {
      expect(selectBest(views, NOW, options)?.view).toBe(answers);
    }
    expect(selectBest([silent], NOW, options)?.view).toBe(silent);
  });

  it('and is silent, but eligible, comes before one that is not eligible', () => {
    const silent = view('east');
    const inGrace = view('west', { graceEndsAt: NOW + 1, weight: 9 });
    const selected = selectBest([inGrace, silent], NOW, { isSilent: (each) => each === silent });
    expect(selected).toEqual({ view: silent, lastResort: false });
  });
});
