import { EventEmitter } from 'node:events';
import type { Random } from '../../../src/clock.js';
import type { ValidatedOptions } from '../../../src/options/validate.js';
import type { Executor } from '../../../src/runtime/group/executor.js';
import { Session } from '../../../src/runtime/group/session.js';
import { SharedGroup } from '../../../src/runtime/group/shared-group.js';
import type { FleetClock } from './fleet-clock.js';
import type { Measurements } from './measurements.js';
import { modelDriver, type Path } from './model-network.js';

/** What the callers in a process do. */
export interface Callers {
  /** Simulated requests per second; each stands for `commandUnits` commands. */
  readonly requestsPerSecond: number;
  /** Share of the requests that read. */
  readonly readShare: number;
  /** How often a caller repeats a request that failed; Infinity: until it succeeds. */
  readonly retries: number;
  /** Before the first repeat; it doubles up to `maxWaitMs`. */
  readonly waitMs: number;
  readonly maxWaitMs: number;
  /** Share of each wait that is random. */
  readonly jitter: number;
}

export interface FleetProcessOptions {
  readonly index: number;
  readonly zone: string;
  readonly options: ValidatedOptions;
  readonly callers: Callers;
  readonly commandUnits: number;
  readonly paths: ReadonlyMap<string, Path>;
  readonly values: ReadonlyMap<string, string>;
  readonly random: Random;
}

/** One process of the fleet: the engine, and the callers in it. */
export class FleetProcess {
  /** Id of the active database; undefined while there is none. */
  active: string | undefined;
  /** Times of the switches. */
  readonly switches: { readonly at: number; readonly from?: string; readonly to?: string }[] = [];
  readonly session: Session;
  #isCalling = true;

  constructor(
    private readonly clock: FleetClock,
    private readonly measurements: Measurements,
    readonly setting: FleetProcessOptions,
  ) {
    const { options, paths, commandUnits, values, random } = setting;
    const shared = new SharedGroup(options, {
      clock,
      random,
      createDriver: ({ id }) => modelDriver(paths.get(id)!, commandUnits, values),
    });
    this.session = new Session(shared, new EventEmitter());
  }

  get zone(): string {
    return this.setting.zone;
  }

  get executor(): Executor | undefined {
    return this.session.executor;
  }

  start(): void {
    this.session.group.coordinator.router.listen(({ from, to }) => {
      const change = { at: this.clock.now(), from: from.database?.id, to: to.database?.id };
      this.active = change.to;
      this.switches.push(change as (typeof this.switches)[number]);
    });
    this.#connect();
    this.#next();
  }

  stop(): void {
    this.#isCalling = false;
    this.session.destroy();
  }

  /** An application whose client cannot start tries again. */
  #connect(): void {
    this.session.connect().catch(() => {
      if (this.#isCalling)
        this.clock.after(1000 + 1000 * this.setting.random(), () => this.#connect());
    });
  }

  #next(): void {
    const { requestsPerSecond } = this.setting.callers;
    const waitMs = (-Math.log(1 - this.setting.random()) / requestsPerSecond) * 1000;
    this.clock.after(waitMs, () => {
      if (!this.#isCalling) return;
      this.measurements.add(this.measurements.started);
      const isRead = this.setting.random() < this.setting.callers.readShare;
      this.#request(isRead ? ['GET', 'key'] : ['SET', 'key', 'value'], this.clock.now(), 0);
      this.#next();
    });
  }

  #request(args: readonly string[], startedAt: number, repeats: number): void {
    const { measurements, clock } = this;
    const failed = () => {
      if (!this.#isCalling) return;
      const { retries, waitMs, maxWaitMs, jitter } = this.setting.callers;
      if (repeats >= retries) {
        measurements.add(measurements.failed);
        return;
      }
      const nominal = Math.min(waitMs * 2 ** repeats, maxWaitMs);
      const delayMs = nominal * (1 - jitter * this.setting.random());
      clock.after(delayMs, () => this.#request(args, startedAt, repeats + 1));
    };
    const { executor } = this;
    if (executor === undefined) failed();
    else {
      executor.send(args).then(() => {
        measurements.add(measurements.succeeded);
        measurements.add(measurements.latency, clock.now() - startedAt);
      }, failed);
    }
  }
}
