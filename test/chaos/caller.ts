import type { MultiDbClient, RetrySafety, SwitchEvent } from 'redis-multidb';
import type { History, Kind, Operation } from './history.js';
import type { Perform } from './perform.js';

/** One client under test, with what it told of its switches. */
export class Caller {
  /** Active databases in order of the switches; `undefined`: none. */
  readonly switches: (string | undefined)[] = [];
  readonly #views = new Map<RetrySafety, MultiDbClient>();
  #worker: MultiDbClient | undefined;

  constructor(
    readonly index: number,
    readonly client: MultiDbClient,
    private readonly history: History,
    private readonly perform: Perform,
    private readonly defaults: { safety: RetrySafety; deadlineMs: number },
    onSwitch: (event: SwitchEvent) => void,
  ) {
    client.on('switch', (event: SwitchEvent) => {
      this.switches.push(event.to);
      onSwitch(event);
    });
  }

  /** Never rejects: how it ended stands in the history. */
  async issue(
    kind: Kind,
    target: number,
    options: { safety?: RetrySafety; abortSignal?: AbortSignal; waits?: boolean } = {},
  ): Promise<Operation> {
    const { safety = this.defaults.safety, abortSignal, waits = false } = options;
    const operation = this.history.issue({
      kind,
      target,
      safety,
      client: this.index,
      // The time of an outage does not count.
      deadlineMs: waits ? Number.POSITIVE_INFINITY : this.defaults.deadlineMs,
      activeAtIssue: this.client.activeDatabase,
      switchesAtIssue: this.switches.length,
    });
    let view = options.safety === undefined ? this.client : this.#view(options.safety);
    if (waits) view = this.#worker ??= this.client.withOutage('wait') as MultiDbClient;
    if (abortSignal !== undefined) view = view.withAbortSignal(abortSignal);
    const settle = (outcome: NonNullable<Operation['outcome']>) => {
      this.history.settle(operation, outcome, this.switches.length);
      return operation;
    };
    try {
      return settle({ kind: 'reply', value: await this.perform(view, operation) });
    } catch (error) {
      return settle({ kind: 'error', error });
    }
  }

  #view(safety: RetrySafety): MultiDbClient {
    let view = this.#views.get(safety);
    if (view === undefined) {
      view = this.client.withRetrySafety(safety) as MultiDbClient;
      this.#views.set(safety, view);
    }
    return view;
  }
}
