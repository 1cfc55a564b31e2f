import { type PlantedBug, plant } from './planted-bug.js';

/** Mistakes in what the application decides, and in the order of what can serve. */
export const PLANTED_CHOICES: readonly PlantedBug[] = [
  plant(
    'what the selection function answers is ignored',
    'runtime/failover/preference.ts',
    'const chosen = inOrder.find(({ id }) => id === answer);',
    'const chosen = inOrder.find(({ id }) => id === answer) && inOrder[0];',
    6,
  ),
  plant(
    'an error of the selection function is thrown',
    'runtime/failover/preference.ts',
    'return this.#byDefault(inOrder, active);\n    }',
    'throw error;\n    }',
    79,
  ),
  plant(
    'what a custom failure detector says is ignored',
    'core/circuit-breaker.ts',
    'if (judged !== undefined) return judged;',
    'if (judged !== undefined) return false;',
    18,
  ),
  plant(
    'the thresholds decide although a custom failure detector does',
    'core/circuit-breaker.ts',
    'if (judged !== undefined) return judged;',
    'if (judged === true) return judged;',
    31,
  ),
  plant(
    'an error of a custom failure detector is thrown',
    'runtime/health/guarded-detector.ts',
    'this.#fail(foreignError(error) as Error);\n      return undefined;',
    'this.#fail(foreignError(error) as Error);\n      throw error;',
    6,
  ),
  plant(
    'a silent database that takes writes comes before one that answers and serves reads only',
    'core/selection.ts',
    'if (than === undefined || isSilent(view) === isSilent(than)) return isBetter(view, than);',
    `if (
      than === undefined ||
      isSilent(view) === isSilent(than) ||
      view.readOnly !== than.readOnly
    ) {
      return isBetter(view, than);
    }`,
    579,
  ),
  plant(
    'a database that serves reads only is chosen for its weight',
    'core/selection.ts',
    'if (than !== undefined && (view.readOnly === true) !== (than.readOnly === true)) {',
    'if (than !== undefined && than.weight === 0) {',
    17,
  ),
];
