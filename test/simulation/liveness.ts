import type { SimulatedClient } from '../../src/testing/index.js';
import type { RouteJudge } from './route-judge.js';
import type { View } from './view.js';
import type { Place, World } from './world.js';

/** Without a probe a database whose connection can't be made is given this long. */
const BLIND_MS = 1050;

/**
 * What must happen within bounded time: a dead active database is left (P4), the best eligible one
 * becomes active (P1), one that is healthy becomes eligible (P6), and after an outage of all the
 * client serves again by itself (P7). Bounds are in time in which the event loop could run.
 */
export class Liveness {
  /** Awake time of the first command that the active database left unanswered. */
  #unansweredSince: number | undefined;
  #refusedAt: number | undefined;
  #lastResortSince: number | undefined;
  readonly #ineligibleSince = new Map<string, number>();
  readonly #betterSince = new Map<string, number>();

  constructor(
    private readonly world: World,
    private readonly client: SimulatedClient,
    private readonly judge: RouteJudge,
    private readonly report: (promise: string, text: string) => void,
  ) {}

  look(): void {
    const active = this.client.activeDatabase;
    if (active === undefined) this.#outageEnds();
    else this.#deadIsLeft(this.world.find(active));
    const views = this.judge.views();
    this.#wellBecomesEligible(views);
    this.#bestBecomesActive(active, views);
    this.#lastResortIsLeft(active, views);
    this.#allDownIsTold();
  }

  /** A command was handed to the active database. */
  onSend(id: string): void {
    const { fatalSince, fake, beganWell } = this.world.find(id);
    // A silence that began earlier has been told already, when the database was well.
    // Nobody leaves a standby for a hedge that it does not answer.
    if (this.client.activeDatabase !== id) return;
    if (fatalSince === undefined || fake.lostConnections > 0 || !beganWell) return;
    this.#unansweredSince ??= this.world.awake;
  }

  /** A fault begins on a database that serves: it is noticed by its refusals. */
  onRefusal(id: string): void {
    this.#refusedAt = this.client.activeDatabase === id ? this.world.awake : undefined;
  }

  /** Between two looks it was not eligible. */
  onUnhealthy(id: string): void {
    this.#betterSince.delete(id);
  }

  onRouteChange(): void {
    this.#unansweredSince = undefined;
    this.#refusedAt = undefined;
    this.#lastResortSince = undefined;
    this.#betterSince.clear();
  }

  #deadIsLeft(place: Place): void {
    const { awake, bounds } = this.world;
    if (place.fatalSince === undefined) {
      this.#unansweredSince = undefined;
      this.#refusedAt = undefined;
      return;
    }
    const within = (since: number | undefined, boundMs: number, what: string) => {
      if (since === undefined || awake - since <= boundMs) return;
      const lateMs = Math.round(awake - since);
      this.report('P4', `${place.id} is still active ${lateMs} ms after ${what}`);
    };
    within(place.fatalSince, bounds.noticeMs, 'it failed');
    if (this.#unansweredSince !== undefined) {
      // What was lost may have got through between two faults.
      this.#unansweredSince = Math.max(this.#unansweredSince, place.fatalSince);
    }
    within(this.#unansweredSince, bounds.silenceMs, 'a command that it did not answer');
    // Another fault may have taken its place meanwhile.
    if (this.#refusedAt !== place.refusedSince) this.#refusedAt = undefined;
    const refusedMs = bounds.refusedMs + (place.checks.isBlind ? BLIND_MS : 0);
    within(this.#refusedAt, refusedMs, 'its port refused');
  }

  #outageEnds(): void {
    const { awake, bounds, present } = this.world;
    for (const place of present) {
      if (place.wellSince === undefined || awake - place.wellSince <= bounds.recoverMs) continue;
      this.report('P7', `no database is active although ${place.id} is healthy`);
    }
  }

  #allDownIsTold(): void {
    const { allFatalSince: since, awake, bounds } = this.world;
    if (since === undefined) return;
    const isDown = this.client.explain().state === 'down';
    if (!isDown && awake - since > bounds.noticeMs + bounds.verdictMs + 1500) {
      this.report('P7', `every database is down since ${Math.round(awake - since)} ms: not told`);
    }
  }

  #lastResortIsLeft(activeId: string | undefined, views: readonly View[]): void {
    const { awake, options } = this.world;
    const active = views.find((view) => view.id === activeId);
    const { lastResort } = this.client.session.group.coordinator.route;
    // Where a drain leads to is verified before it begins.
    if (this.judge.pendingDrains > 0) return;
    const isIneligible = active?.usable && !(lastResort ? active.eligible : active.mayStay);
    const isSteeredAway = activeId !== undefined && this.judge.isSteeredAway(activeId);
    // Forced by hand, which takes precedence over steering.
    const isHeld = isSteeredAway && this.world.clock.now() < this.judge.heldUntil;
    const mustLeaveFor = (view: View) => view.eligible && !this.#mayStayBefore(view, active);
    if (!isIneligible || isHeld || !views.some(mustLeaveFor)) {
      this.#lastResortSince = undefined;
      return;
    }
    this.#lastResortSince ??= awake;
    // One that fails is left when that has persisted; `#deadIsLeft` looks at that.
    // The other one has to answer first.
    // What was made active by hand is left at the next check for a failback.
    const longestMs = Math.max(...views.map((view) => view.failbackCheckIntervalMs));
    const checkMs = isSteeredAway ? longestMs + 3000 : 0;
    const patienceMs =
      checkMs + options.unhealthyAfterMs + options.timeoutMs + this.#preparationMs(longestMs);
    const lateMs = awake - this.#lastResortSince - patienceMs;
    if (lateMs > 200) {
      this.report('P1', `${activeId} stays active, but another one is eligible and it is not`);
    }
  }

  /** What has recovered as the last resort stays where failback is off, and what takes writes before a replica. */
  #mayStayBefore(other: View, active: View | undefined): boolean {
    if (active?.keepsWrites && other.readOnly) return true;
    if (active?.inGrace !== true) return false;
    return !this.judge.failbackSupported || this.world.clock.now() < this.judge.heldUntil;
  }

  #wellBecomesEligible(views: readonly View[]): void {
    const { awake, bounds, clock, options, present } = this.world;
    for (const view of views) {
      const place = present.find((each) => each.id === view.id);
      if (place?.wellSince === undefined || view.eligible || view.drained) {
        this.#ineligibleSince.delete(view.id);
        continue;
      }
      const ineligibleSince = this.#ineligibleSince.get(view.id) ?? awake;
      this.#ineligibleSince.set(view.id, ineligibleSince);
      const since = Math.max(ineligibleSince, place.wellSince);
      // What is under way when the fault ends can still open the breaker and begin a grace period.
      const { recoverMs, aftermathMs, fastAgainMs } = bounds;
      const longestMs = Math.max(options.maxGracePeriodMs, fastAgainMs);
      if (awake - since <= recoverMs + aftermathMs + longestMs) continue;
      const left = this.judge.left.get(view.id);
      if (left !== undefined && clock.now() - left.at <= options.maxGracePeriodMs) continue;
      this.report('P7', `${view.id} has been healthy for long, but is not eligible`);
    }
  }

  #bestBecomesActive(active: string | undefined, views: readonly View[]): void {
    const { awake, clock, present } = this.world;
    const { weight = 0, readOnly = true } = views.find((view) => view.id === active) ?? {};
    const takesWrites = views.some((view) => view.eligible && !view.readOnly);
    // What the active one lacks is no matter here.
    const writable = !readOnly || takesWrites;
    const { promotion } = this.client.session.group.coordinator;
    for (const view of views) {
      // One that takes writes comes before all that do not.
      const isHeavier = view.weight > weight && view.readOnly === !writable;
      const isPromoted = readOnly && writable && !view.readOnly;
      const mayReturn = view.eligible && this.judge.failbackSupported;
      const isForWrites = readOnly && !takesWrites && view.inGrace && !view.readOnly;
      const isBetter =
        (mayReturn && (isHeavier || isPromoted)) || (isForWrites && !promotion.isUnderWay);
      if (!isBetter || clock.now() < this.judge.heldUntil) {
        this.#betterSince.delete(view.id);
        continue;
      }
      const betterSince = this.#betterSince.get(view.id) ?? awake;
      this.#betterSince.set(view.id, betterSince);
      // A check that finds it silent passes it over until the next one.
      const place = present.find((each) => each.id === view.id);
      if (place?.wellSince === undefined) continue;
      const since = Math.max(betterSince, place.wellSince);
      // The look that came while it was forced was for nothing.
      const sinceHeldMs = clock.now() - this.judge.heldUntil;
      const { failbackCheckIntervalMs: checkMs } = view;
      const longestMs = checkMs + 3000 + this.#preparationMs(checkMs);
      if (Math.min(awake - since, sinceHeldMs) > longestMs) {
        this.report('P1', `${view.id} is eligible and better, but ${active} stays active`);
      }
    }
  }

  /** How much longer a failback can take because of `beforeFailback`, which may fail. */
  #preparationMs(checkMs: number): number {
    return this.world.options.beforeFailback === undefined ? 0 : 2 * checkMs + 30_000;
  }
}
