import {
  type DatabaseView,
  isEligible,
  isInGrace,
  keepsWrites,
  selectFailback,
} from '../../core/selection.js';
import type { Database } from '../database.js';
import type { EngineContext } from '../engine-context.js';
import type { Candidates } from './candidates.js';
import type { FailbackRamp } from './failback-ramp.js';
import type { FailbackSchedule } from './failback-schedule.js';
import type { Preference } from './preference.js';
import type { Router } from './router.js';
import type { StandbyReadiness } from './standby-readiness.js';
import type { SteeredSwitch } from './steered-switch.js';
import type { Switchover } from './switchover.js';

/** The databases, and what a failback waits for. */
export interface FailbackHost {
  readonly phase: 'new' | 'starting' | 'running' | 'ended';
  readonly router: Router;
  readonly candidates: Candidates;
  readonly preference: Preference;
  readonly failbackSchedule: FailbackSchedule;
  readonly ramp: FailbackRamp;
  readonly readiness: StandbyReadiness;
  readonly steeredSwitch: SteeredSwitch;
  readonly switchover: Switchover;
  evaluate(): void;
}

/**
 * Leaves an active database that serves, for a better one: at the failback checks, and at once for a
 * database that was never eligible before and at the end of the last resort.
 */
export class Failback {
  constructor(
    private readonly runtime: Pick<EngineContext, 'clock'>,
    private readonly host: FailbackHost,
  ) {}

  /**
   * Checks for a better database among those that are checked every `intervalMs`. A database whose
   * place in `failbackRampMs` is awaited takes part, so that a lower one does not replace it.
   */
  check(intervalMs: number): void {
    const { router, candidates, failbackSchedule, preference, ramp, readiness } = this.host;
    if (this.host.steeredSwitch.check()) return;
    const active = router.route.database;
    if (this.host.phase !== 'running' || active === undefined || !failbackSchedule.allowed) return;
    const isDue = (each: Database) =>
      each.options.failbackCheckIntervalMs === intervalMs || ramp.dueAt(each) !== undefined;
    const better = candidates.heavier(active, isDue) ?? candidates.equal(active, isDue);
    if (better === undefined) {
      ramp.end();
      return;
    }
    if (!ramp.isDue(better)) return;
    const again = () => this.check(intervalMs);
    if (!readiness.isReady(better, again, { again: true, onUnfit: again })) return;
    const isHeavier = better.weight > active.weight;
    const cause = isHeavier ? `${better.id} has recovered` : preference.compare(better, active);
    this.host.switchover.switchTo(better, 'failback', cause);
  }

  /** Checks whether a better database should replace the active one, which serves, at once. */
  considerBetter(active: Database): void {
    const { router, candidates, failbackSchedule, switchover } = this.host;
    const now = this.runtime.clock.now();
    if (router.route.lastResort) {
      const best = candidates.best(active.id);
      if (isEligible(active, now)) router.setLastResort(false);
      else if (best !== undefined && !best.lastResort && this.#isToLeave(active, best.view)) {
        const onReady = () => this.host.evaluate();
        if (!this.host.readiness.isReady(best.view as Database, onReady)) return;
        const cause = `${best.view.id} is eligible again`;
        switchover.switchTo(best.view as Database, 'failback', cause);
        return;
      }
    }
    const newcomers = candidates.newcomers();
    const newcomer = selectFailback([active, ...newcomers], active.id, now) as Database | undefined;
    // A better one comes first, unless it is to wait longer for its failback.
    const mayCome = (each: Database) => newcomers.includes(each) || isSooner(each, newcomer);
    const better = newcomer && (candidates.heavier(active, mayCome) ?? newcomer);
    const isWanted = better !== undefined && failbackSchedule.allowed;
    if (isWanted && !this.#mayReturn(better)) return;
    for (const each of newcomers) each.wasEligible = true;
    if (!isWanted) return;
    switchover.switchTo(better, 'failback', `${better.id} has become available`);
  }

  /**
   * Whether the last resort is left for `best`, which is eligible. One that takes writes is not left for a
   * database that serves reads only, and one that is only in its grace period not if failback is off.
   */
  #isToLeave(active: Database, best: DatabaseView): boolean {
    const now = this.runtime.clock.now();
    if (best.readOnly === true && keepsWrites(active, now)) return false;
    return !isInGrace(active, now) || this.host.failbackSchedule.allowed;
  }

  #mayReturn(better: Database): boolean {
    const { ramp, readiness } = this.host;
    const onReady = () => this.host.evaluate();
    return ramp.isDue(better) && readiness.isReady(better, onReady, { onUnfit: onReady });
  }
}

function isSooner({ options }: Database, than: Database | undefined): boolean {
  return options.failbackCheckIntervalMs <= (than?.options.failbackCheckIntervalMs ?? 0);
}
