import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  type DatabaseView,
  ineligibilityReasons,
  isEligible,
  isUsable,
  selectBest,
  selectFailback,
} from '../../src/core/selection.js';

const NOW = 1000;

/** Mostly well, few weights, so that ties and all the mixtures come up. */
const database = fc.record({
  weight: fc.constantFrom(0.5, 1, 2),
  connected: fc.constantFrom(true, true, true, false),
  health: fc.constantFrom('healthy', 'healthy', 'healthy', 'unhealthy', 'unknown'),
  breaker: fc.constantFrom('closed', 'closed', 'open'),
  graceEndsAt: fc.constantFrom(0, 0, NOW, NOW + 1),
  gatesOpen: fc.constantFrom(true, true, false),
  drainEndsAt: fc.constantFrom(undefined, 0, NOW, NOW + 1),
  disabled: fc.constantFrom(undefined, undefined, undefined, 'by hand'),
});

const views = fc
  .array(database, { maxLength: 6 })
  .map((all) => all.map((one, order): DatabaseView => ({ id: `db${order}`, order, ...one })))
  .chain((all) => fc.shuffledSubarray(all, { minLength: all.length }));

const id = fc.constantFrom(undefined, 'db0', 'db1', 'db2', 'db9');

/** By sorting, without a thought of cost. */
function best(all: readonly DatabaseView[]): DatabaseView | undefined {
  return [...all].sort((a, b) => b.weight - a.weight || a.order - b.order)[0];
}

it('eligible is who lacks nothing, and who is eligible is usable', () => {
  fc.assert(
    fc.property(views, (all) => {
      for (const view of all) {
        expect(isEligible(view, NOW)).toBe(ineligibilityReasons(view, NOW).length === 0);
        if (isEligible(view, NOW)) expect(isUsable(view)).toBe(true);
      }
    }),
  );
});

it('selects the eligible of the highest weight, else the usable one, else none', () => {
  fc.assert(
    fc.property(views, id, (all, exclude) => {
      const others = all.filter((view) => view.id !== exclude);
      const eligible = best(others.filter((view) => isEligible(view, NOW)));
      const usable = best(others.filter(isUsable));
      const expected = eligible ?? usable;
      const selected = selectBest(all, NOW, { exclude });
      expect(selected?.view).toBe(expected);
      if (selected) expect(selected.lastResort).toBe(eligible === undefined);
    }),
    { numRuns: 1000 },
  );
});

it('prefers who answers to who is silent, and decides by weight among equals in that', () => {
  fc.assert(
    fc.property(views, fc.func(fc.boolean()), (all, isSilentId) => {
      const isSilent = (view: DatabaseView) => isSilentId(view.id);
      const eligible = all.filter((view) => isEligible(view, NOW));
      const serving = eligible.length > 0 ? eligible : all.filter(isUsable);
      const answering = serving.filter((view) => !isSilent(view));
      const expected = best(answering.length > 0 ? answering : serving);
      expect(selectBest(all, NOW, { isSilent })?.view).toBe(expected);
    }),
    { numRuns: 1000 },
  );
});

it('fails back only upwards and only to the best; then there is nothing left to fail back to', () => {
  fc.assert(
    fc.property(views, id, (all, activeId) => {
      const weight = all.find((view) => view.id === activeId)?.weight ?? 0;
      const above = all.filter((view) => view.weight > weight && isEligible(view, NOW));
      const target = selectFailback(all, activeId, NOW);
      expect(target).toBe(best(above));
      if (target) expect(selectFailback(all, target.id, NOW)).toBeUndefined();
    }),
    { numRuns: 1000 },
  );
});
