import { isEligible } from '../../core/selection.js';
import { steeredMove } from '../../core/steering/move.js';
import type { Database } from '../database.js';
import type { EngineContext } from '../engine-context.js';
import type { Candidates } from './candidates.js';
import type { FailbackSchedule } from './failback-schedule.js';
import type { Hold } from './hold.js';
import type { Router } from './router.js';
import type { StandbyReadiness } from './standby-readiness.js';
import type { GroupSteering } from './steering.js';
import type { Switchover } from './switchover.js';

/** What steering asks for, and what can be done about it. */
export interface SteeredSwitchHost {
  readonly phase: 'new' | 'starting' | 'running' | 'ended';
  readonly router: Router;
  readonly steering: GroupSteering;
  readonly hold: Hold;
  readonly failbackSchedule: FailbackSchedule;
  readonly candidates: Candidates;
  readonly readiness: StandbyReadiness;
  readonly switchover: Switchover;
}

/** Switches to the database that steering asks for. */
export class SteeredSwitch {
  /** A steered switch is wanted, and its target has not answered yet. */
  #isFollowing = false;

  constructor(
    private readonly runtime: Pick<EngineContext, 'clock'>,
    private readonly host: SteeredSwitchHost,
  ) {}

  /** Tries the target of a switch that is wanted again. Returns whether there was a switch. */
  retry(): boolean {
    return this.#isFollowing && this.follow(false);
  }

  /**
   * The same at a failback check. The active database may also have been made active by hand, which
   * takes precedence over steering only for a while.
   */
  check(): boolean {
    const { database } = this.host.router.route;
    return (this.#isFollowing || this.#isSteeredAway(database)) && this.follow(true);
  }

  /**
   * Makes the database active that steering asks for, or, when it has ended or was stopped, the one
   * that is best without it. What an operator forces in this process takes precedence. A target that
   * does not answer is tried again at every change. Returns whether there was a switch. `again`
   * repeats a `beforeFailback` that failed.
   */
  follow(again: boolean): boolean {
    const { steering, hold, router, readiness, switchover } = this.host;
    const active = router.route.database;
    this.#isFollowing = false;
    if (this.host.phase !== 'running' || active === undefined || hold.lasts) return false;
    const target = this.#target(active);
    if (target === undefined) return false;
    this.#isFollowing = true;
    if (!readiness.isReady(target, () => this.follow(true), { again })) return false;
    this.#isFollowing = false;
    const isSteered = steering.obeyed !== undefined || steering.returnTo !== undefined;
    const reason = isSteered ? 'steered' : 'failback';
    switchover.switchTo(target, reason, steering.cause());
    steering.onMoved(active, target);
    return true;
  }

  #target(active: Database): Database | undefined {
    const { steering, candidates, router, failbackSchedule } = this.host;
    const { obeyed, returnTo } = steering;
    const move = steeredMove({
      steering: obeyed?.steering,
      mustReturn: returnTo !== undefined,
      isDrained: this.#isSteeredAway(active),
      failbackAllowed: failbackSchedule.allowed,
      returnIsSpread: steering.returnIsSpread,
    });
    if (move === 'back') {
      return returnTo && isEligible(returnTo, this.runtime.clock.now()) ? returnTo : undefined;
    }
    if (move === 'away') {
      const best = candidates.best(active.id);
      if (best?.lastResort === false) return best.view as Database;
      // Nothing else can serve: the drained database is the last resort.
      router.setLastResort(true);
      return undefined;
    }
    return move === 'heavier' ? candidates.heavier(active) : undefined;
  }

  /** Whether steering drains the database. */
  #isSteeredAway(database: Database | undefined): boolean {
    return (database?.steered?.drainEndsAt ?? 0) > this.runtime.clock.now();
  }
}
