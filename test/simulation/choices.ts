import type { FailureDetector } from '../../src/core/failure-detector.js';
import type { SelectionSetting } from '../../src/options/selection.js';
import type { Random } from '../../src/testing/index.js';
import type { Draw } from './draw.js';

/** What the application decides by code of its own, or leaves to latency. */
export interface Choices {
  /** Undefined: the first of equal weight. */
  readonly selection: 'lowest-latency' | 'a function' | 'fails now and then' | undefined;
  /** The custom failure detector; undefined: the thresholds decide. */
  readonly detector: 'in a row' | 'fails now and then' | undefined;
}

export function drawChoices(draw: Draw): Choices {
  const selects = draw.chance(0.3);
  const selection = draw.one(['lowest-latency', 'a function', 'fails now and then'] as const);
  const detects = draw.chance(0.25);
  const detector = draw.one(['in a row', 'fails now and then'] as const);
  return {
    selection: selects ? selection : undefined,
    detector: detects ? detector : undefined,
  };
}

export function choiceOptions({ selection, detector }: Choices, random: Random) {
  return {
    selection:
      selection === 'lowest-latency' || selection === undefined
        ? selection
        : selectionFunction(selection === 'fails now and then', random),
    detector: detector && (() => new InARow(detector === 'fails now and then', random)),
  };
}

/** Whether an event `error` is a mistake that was made here on purpose. */
export function isDeliberate(error: unknown): boolean {
  return String(error).includes(MISTAKE);
}

const MISTAKE = 'a mistake of the application';

/** Prefers one id for a while, then another one; now and then it has no opinion. */
function selectionFunction(fails: boolean, random: Random): SelectionSetting {
  let callsLeft = 0;
  let preferred = 0;
  return (candidates) => {
    if (candidates.length < 2) throw new Error('fewer than two candidates');
    const [first] = candidates;
    if (candidates.some(({ weight }) => weight !== first?.weight)) {
      throw new Error('candidates of different weight');
    }
    if (callsLeft === 0) {
      callsLeft = 1 + Math.floor(random() * 30);
      preferred = random();
    }
    callsLeft -= 1;
    if (fails && random() < 0.1) throw new Error(MISTAKE);
    if (random() < 0.1) return undefined;
    return candidates[Math.floor(preferred * candidates.length)]?.id;
  };
}

/** Opens the circuit breaker after some failures in a row. */
class InARow implements FailureDetector {
  #failures = 0;

  constructor(
    private readonly fails: boolean,
    private readonly random: Random,
  ) {
    this.#mayFail(0.2);
  }

  record(error: Error | undefined): void {
    this.#mayFail(0.002);
    this.#failures = error === undefined ? 0 : this.#failures + 1;
  }

  hasFailed(): boolean {
    this.#mayFail(0.05);
    return this.#failures >= 3;
  }

  reset(): void {
    this.#mayFail(0.05);
    this.#failures = 0;
  }

  #mayFail(probability: number): void {
    if (this.fails && this.random() < probability) throw new Error(MISTAKE);
  }
}
