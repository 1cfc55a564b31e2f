import type { SwitchEvent } from '../../src/events.js';
import type { SimulatedClient } from '../../src/testing/index.js';
import type { Decision, Decisions } from './choices.js';
import type { DrawnOptions } from './options.js';

/**
 * Compares what the functions of the application have answered with what the engine does: promise P1
 * for `selection`, P4 and P5 for custom failure detectors.
 */
export class ChoiceJudge {
  /** What the selection function said before the route changed. */
  #decision: Decision | undefined;

  constructor(
    private readonly options: DrawnOptions,
    private readonly client: SimulatedClient,
    private readonly decisions: Decisions,
    private readonly report: (promise: string, text: string) => void,
  ) {}

  /** The route changed: the selection function was asked before, if it was. */
  onRoute(): void {
    this.#decision = this.decisions.latest;
    this.decisions.latest = undefined;
  }

  /** `equals`: those that were as good as `to`, which was chosen, and `to` itself. */
  onSwitch(reason: SwitchEvent['reason'], to: string, equals: readonly string[]): void {
    const { selection, standbyConnections } = this.options;
    const isAsked = selection === 'a function' || selection === 'fails now and then';
    if (!isAsked || reason === 'steered' || equals.length < 2) return;
    // The first of them that is connected is taken: those that connect more slowly rest again, also
    // the one for which selection has decided before.
    if (reason === 'initial' && standbyConnections === 'lazy') return;
    const decision = this.#decision;
    if (decision?.ids.includes(to) !== true) {
      this.report('P1', `${to} was chosen among ${equals.join()}, and selection was not asked`);
      return;
    }
    const { ids, activeId = ids[0], answer = activeId } = decision;
    if (to !== answer) this.report('P1', `${to} was chosen although selection said ${answer}`);
  }

  onBreakerOpen(id: string): void {
    if (this.decisions.verdictOn(id) !== false) return;
    this.report('P5', `the breaker of ${id} opens, but its failure detector does not say so`);
  }

  /** Whether its custom failure detector has opened its circuit breaker, as far as is known. */
  isCondemned(id: string): boolean {
    if (this.options.detector === undefined) return false;
    const { databases } = this.client.session.group.coordinator;
    return this.decisions.verdictOn(id) !== false && databases.get(id)?.breaker === 'open';
  }

  look(): void {
    for (const { id, breaker } of this.client.session.group.coordinator.databases.values()) {
      if (breaker === 'closed' && this.decisions.verdictOn(id) === true) {
        this.report('P4', `the failure detector says that ${id} has failed, and nothing follows`);
      }
    }
  }
}
