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
  /** What the step waits for had not come yet. */
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
  /** Typed errors of both, because no database could serve. */
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

/** Collects what the client tells and what its callers see. */
export class Recorder extends EventEmitter<RecorderEvents> {
  readonly switches: SwitchRecord[] = [];
  /** By step; -1 is the time before the first. */
  readonly errors = new Map<number, StepErrors>();
  /** Commands begun while all were down that did not fail at once. */
  waitedWhileDown = 0;
  failedWhileDown = 0;
  /** Replies and errors that contradict a promise, in words. */
  readonly misrouted: string[] = [];
  readonly wrongWhileDown: string[] = [];
  readonly unhandled: string[] = [];
  routed = 0;
  step = -1;
  down = false;
  /** In this step no database is left: the typed error is right for what was in progress too. */
  #outage = false;
  #served = new Set<string>();
  #switchesBefore = 0;
  #sawUnavailable = false;
  #waiting = false;

  constructor(
    readonly now: () => number,
    readonly series: Series,
    /** Replies name their database (`onServed`); else they are taken for the active one's. */
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
    // With no listener nothing would be thrown either; errors show at the callers.
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

  /** What the present step waits for has come. */
  reached(): void {
    this.#waiting = false;
  }

  /**
   * A command belongs to the fault that it was issued into, or to the first that happens while it is
   * in progress, else to its own step.
   */
  stepOf(began: Mark): number {
    return began.waiting ? began.step : Math.min(began.step + 1, this.step);
  }

  onSuccess(latencyMs: number, began: Mark): void {
    this.series.success(latencyMs);
    // A reply after a switch, or to a command that began in this step, is one of the active database.
    const { active } = this;
    if (this.tellsWhere || active === undefined || this.#served.has(active)) return;
    if (this.switches.length > this.#switchesBefore || began.step === this.step) {
      this.#serve(active);
    }
  }

  /** A reply came from `id`; one of the databases that were active meanwhile must be that. */
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
