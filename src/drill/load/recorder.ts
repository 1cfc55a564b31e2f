import { EventEmitter } from 'node:events';
import type { MultiDbClient } from '../../client/node-redis/client-type.js';
import { total } from '../report/format.js';
import type { ErrorCounts, SwitchRecord } from '../report/model.js';
import type { Series } from './series.js';

/** State of the run when a command began. */
export interface Mark {
  readonly step: number;
  /** Number of switches so far. */
  readonly switches: number;
  /** All databases were known to be down. */
  readonly down: boolean;
  /** The effect that the step waits for had not occurred yet. */
  readonly waiting: boolean;
}

interface SeenError {
  readonly isWrite: boolean;
  readonly kind: string;
  readonly unavailable: boolean;
}

export interface StepErrors {
  readonly reader: Record<string, number>;
  readonly writer: Record<string, number>;
  /** Typed errors of reads and writes, because no database could serve. */
  readonly unavailable: Record<string, number>;
}

interface RecorderEvents {
  switch: [SwitchRecord];
  down: [];
  /** The first reply from a database since the present step began. */
  served: [id: string, at: number];
  /** The first typed "unavailable" error since the present step began. */
  unavailable: [at: number];
}

/** Records the events of the client and the outcomes of its callers. */
export class Recorder extends EventEmitter<RecorderEvents> {
  readonly switches: SwitchRecord[] = [];
  /** Errors by step; -1 is the time before the first one. */
  readonly errors = new Map<number, StepErrors>();
  /** Commands begun while all were down that did not fail at once. */
  waitedWhileDown = 0;
  failedWhileDown = 0;
  /** Descriptions of replies and errors that contradict a promise. */
  readonly misrouted: string[] = [];
  readonly wrongWhileDown: string[] = [];
  readonly unhandled: string[] = [];
  routed = 0;
  step = -1;
  down = false;
  /** No database is left in this step: the typed error is also right for commands in progress. */
  #outage = false;
  #served = new Set<string>();
  #switchesBefore = 0;
  #sawUnavailable = false;
  #waiting = false;

  constructor(
    readonly now: () => number,
    readonly series: Series,
    /**
     * Replies name their database (`onServed`); otherwise they are attributed to the active one.
     */
    private readonly tellsWhere: boolean,
  ) {
    super();
  }

  listenTo(client: MultiDbClient): void {
    client.on('switch', ({ from, to, reason, cause, durationMs }) => {
      this.onSwitch({ at: this.now(), from, to, reason, cause, durationMs });
    });
    client.on('all-databases-down', () => {
      this.down = true;
      this.emit('down');
    });
    // The listener has no effect, because errors are recorded at the callers.
    client.on('error', () => {});
  }

  onSwitch(record: SwitchRecord): void {
    if (record.to !== undefined) this.down = false;
    this.switches.push(record);
    this.emit('switch', record);
  }

  get active(): string | undefined {
    return this.switches.at(-1)?.to;
  }

  get errorTotals(): { readers: number; writers: number; unavailable: number } {
    const all = [...this.errors.values()];
    const sum = (pick: (errors: StepErrors) => ErrorCounts) =>
      all.reduce((before, errors) => before + total(pick(errors)), 0);
    return {
      readers: sum(({ reader }) => reader),
      writers: sum(({ writer }) => writer),
      unavailable: sum(({ unavailable }) => unavailable),
    };
  }

  beginStep(step: number, outage: boolean): void {
    this.step = step;
    this.#outage = outage;
    this.#waiting = true;
    this.#served = new Set();
    this.#switchesBefore = this.switches.length;
    this.#sawUnavailable = false;
  }

  mark(): Mark {
    const { step, down } = this;
    return { step, switches: this.switches.length, down, waiting: this.#waiting };
  }

  /** The effect that the present step waits for has occurred. */
  reached(): void {
    this.#waiting = false;
  }

  /**
   * A command belongs to the fault during which it was issued, or to the first fault while it was
   * in progress, otherwise to its own step.
   */
  stepOf(began: Mark): number {
    return began.waiting ? began.step : Math.min(began.step + 1, this.step);
  }

  onSuccess(latencyMs: number, began: Mark): void {
    this.series.success(latencyMs);
    // A reply after a switch, or to a command that began in this step, is from the active database.
    const { active } = this;
    if (this.tellsWhere || active === undefined || this.#served.has(active)) return;
    if (this.switches.length > this.#switchesBefore || began.step === this.step) {
      this.#serve(active);
    }
  }

  /** A reply came from `id`, which must have been active while the command was in progress. */
  onServed(id: string, began: Mark): void {
    this.routed += 1;
    const first = Math.max(0, began.switches - 1);
    const allowed = this.switches.slice(first).some(({ to }) => to === id);
    if (!allowed) this.misrouted.push(`a reply came from ${id} while ${this.active} was active`);
    if (!this.#served.has(id)) this.#serve(id);
  }

  #serve(id: string): void {
    this.#served.add(id);
    this.emit('served', id, this.now());
  }

  onError(began: Mark, { isWrite, kind, unavailable }: SeenError): void {
    const step = this.stepOf(began);
    let errors = this.errors.get(step);
    if (errors === undefined) {
      errors = { reader: {}, writer: {}, unavailable: {} };
      this.errors.set(step, errors);
    }
    const who =
      unavailable && (began.down || this.#outage) ? 'unavailable' : isWrite ? 'writer' : 'reader';
    errors[who][kind] = (errors[who][kind] ?? 0) + 1;
    this.series.error(who);
    if (began.down) {
      this.failedWhileDown += 1;
      if (!unavailable) this.wrongWhileDown.push(`a command failed with ${kind}`);
    }
    if (!unavailable || this.#sawUnavailable) return;
    this.#sawUnavailable = true;
    this.emit('unavailable', this.now());
  }
}
