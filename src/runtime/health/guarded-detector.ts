import type { OutcomeJudge } from '../../core/circuit-breaker.js';
import type { FailureDetector } from '../../core/failure-detector.js';
import { foreignError } from '../../foreign/foreign-error.js';
import { ownError } from '../../foreign/own-error.js';
import { shownValue } from '../../received-value.js';

/**
 * A custom failure detector whose mistakes change nothing else: the first one is reported, and from then
 * on the thresholds decide, because the detector has missed an outcome.
 */
export class GuardedDetector implements OutcomeJudge {
  #detector: FailureDetector | undefined;

  constructor(
    create: () => FailureDetector,
    private readonly report: (error: Error) => void,
  ) {
    this.#attempt(() => {
      const made = create();
      const members = ['record', 'hasFailed', 'reset'] as const;
      if (members.every((member) => typeof made?.[member] === 'function')) this.#detector = made;
      else
        this.#fail(ownError('failureDetector.detector must return { record, hasFailed, reset }'));
    });
  }

  record(error: Error | undefined, now: number): void {
    this.#attempt((detector) => detector?.record(error, now));
  }

  hasFailed(now: number): boolean | undefined {
    const answer = this.#attempt((detector) => detector?.hasFailed(now));
    if (answer === undefined || typeof answer === 'boolean') return answer;
    const what = shownValue(answer);
    this.#fail(
      ownError(`hasFailed() of a failure detector must return true or false; received ${what}`),
    );
    return undefined;
  }

  reset(now: number): void {
    this.#attempt((detector) => detector?.reset(now));
  }

  #attempt(call: (detector: FailureDetector | undefined) => unknown): unknown {
    try {
      const answer = call(this.#detector);
      // A promise that rejects must not end the process.
      if (typeof answer === 'object' && answer !== null) Promise.resolve(answer).catch(() => {});
      return answer;
    } catch (error) {
      this.#fail(foreignError(error) as Error);
      return undefined;
    }
  }

  #fail(error: Error): void {
    this.#detector = undefined;
    this.report(error);
  }
}
