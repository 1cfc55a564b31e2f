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

/** `decisions` learns what the functions of the application answer. */
export function choiceOptions({ selection, detector }: Choices, decisions: Decisions) {
  const { random } = decisions;
  return {
    selection:
      selection === 'lowest-latency' || selection === undefined
        ? selection
        : selectionFunction(selection === 'fails now and then', decisions),
    detector:
      detector &&
      ((databaseId: string) =>
        decisions.detect(databaseId, () => new InARow(detector === 'fails now and then', random))),
  };
}

/** One call of the selection function. */
export interface Decision {
  readonly ids: readonly string[];
  readonly activeId: string | undefined;
  /** Undefined: it had no opinion, or it failed. */
  answer: string | undefined;
}

/** What the functions of the application have answered. */
export class Decisions {
  /** The latest call of the selection function since it was cleared. */
  latest: Decision | undefined;
  /** `undefined` for a database that has had two, because it was replaced. */
  readonly #detectors = new Map<string, InARow | undefined>();

  constructor(readonly random: Random) {}

  /** Creates the detector of a database. */
  detect(databaseId: string, create: () => InARow): InARow {
    const isFirst = !this.#detectors.has(databaseId);
    this.#detectors.set(databaseId, undefined);
    const detector = create();
    if (isFirst) this.#detectors.set(databaseId, detector);
    return detector;
  }

  /** What the detector of a database has answered last; undefined: it has failed, or is not known. */
  verdictOn(databaseId: string): boolean | undefined {
    return this.#detectors.get(databaseId)?.verdict;
  }
}

/** Whether an error is a mistake that was made here on purpose. */
export function isDeliberate(error: unknown): boolean {
  return String(error).includes(MISTAKE);
}

const MISTAKE = 'a mistake of the application';

/** Prefers one id for a while, then another one; now and then it has no opinion. */
function selectionFunction(fails: boolean, decisions: Decisions): SelectionSetting {
  const { random } = decisions;
  let callsLeft = 0;
  let preferred = 0;
  return (candidates) => {
    if (candidates.length < 2) throw new Error('fewer than two candidates');
    const [first] = candidates;
    if (candidates.some(({ weight }) => weight !== first?.weight)) {
      throw new Error('candidates of different weight');
    }
    const ids = candidates.map(({ id }) => id);
    const activeId = candidates.find(({ active }) => active)?.id;
    const decision: Decision = { ids, activeId, answer: undefined };
    decisions.latest = decision;
    if (callsLeft === 0) {
      callsLeft = 1 + Math.floor(random() * 30);
      preferred = random();
    }
    callsLeft -= 1;
    if (fails && random() < 0.1) throw new Error(MISTAKE);
    if (random() < 0.1) return undefined;
    decision.answer = ids[Math.floor(preferred * ids.length)];
    return decision.answer;
  };
}

/** Opens the circuit breaker after some failures in a row. */
class InARow implements FailureDetector {
  /** Undefined: it has thrown. */
  verdict: boolean | undefined = false;
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
    this.verdict = this.#failures >= 3;
    return this.verdict;
  }

  reset(): void {
    this.#mayFail(0.05);
    this.#failures = 0;
    this.verdict = false;
  }

  #mayFail(probability: number): void {
    if (!this.fails || this.random() >= probability) return;
    this.verdict = undefined;
    throw new Error(MISTAKE);
  }
}
