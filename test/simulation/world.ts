import type { Driver } from '../../src/drivers/driver.js';
import { FakeDatabase, type VirtualClock } from '../../src/testing/index.js';
import { Checks } from './checks.js';
import type { Draw } from './draw.js';
import type { Fault, Severity } from './faults.js';
import type { Bounds, DrawnOptions } from './options.js';

/** Longer than any command waits: what an earlier fault left unanswered is settled. */
const WELL_BEFORE_MS = 16_000;
const LONGEST_RENEWAL_PAUSE_MS = 60_000;

/** One fake database, with the truth about it: what the engine can only guess. */
export class Place {
  readonly fake: FakeDatabase;
  readonly checks: Checks;
  fault: { readonly fault: Fault; readonly severity: Severity; readonly token: object } | undefined;
  /** Awake time since which it can't serve; undefined: it can, or may. */
  fatalSince: number | undefined;
  /** Awake time until which something was wrong that may make a client leave it. */
  doubtfulUntil = Number.NEGATIVE_INFINITY;
  /** Awake time until which commands may have failed although it was healthy. */
  countedUntil = Number.NEGATIVE_INFINITY;
  /**
   * The latest of these events came soon after the effects of an earlier one. Connections that were
   * renewed a moment ago are not renewed again at once.
   */
  isRepeated = false;
  /** Awake time. */
  addedAt = 0;
  /** Number of events that may have disturbed connections or commands of the healthy database. */
  disturbances = 0;
  /** Awake time since which nothing at all has been wrong. */
  wellSince: number | undefined = 0;
  /** Awake time of the latest refusal that its connected client must notice at once. */
  refusedSince: number | undefined;
  removed = false;
  /** Nothing had been wrong for a while when the present fault began. */
  beganWell = true;
  /** Of the latest "a probe is lost". */
  probeLostAt = Number.NEGATIVE_INFINITY;
  /** A probe is going to be lost that the policy does not tolerate. */
  doubtfulProbe = false;

  constructor(id: string, clock: VirtualClock, draw: Draw) {
    this.fake = new FakeDatabase({
      id,
      clock,
      latencyMs: draw.between(0.1, 3),
      windowSize: draw.one([4, 64]),
    });
    this.#latencyMs = this.fake.latencyMs;
    this.checks = Checks.draw(draw);
  }

  readonly #latencyMs: number;
  /** It refuses writes until it is promoted. */
  isReplica = false;
  /** How its `writable` is set; undefined: it must take writes. */
  writable: 'auto' | false | undefined;
  /** Awake time until which it may have refused writes. */
  readOnlyUntil = Number.NEGATIVE_INFINITY;

  get id(): string {
    return this.fake.id;
  }

  /** Something is wrong that may make a client leave it. */
  touch(awake: number): void {
    this.doubtfulUntil = Math.max(this.doubtfulUntil, awake);
    if (this.wellSince !== undefined) this.wellSince = awake;
  }

  demote(): void {
    this.isReplica = true;
    this.readOnlyUntil = Number.POSITIVE_INFINITY;
    this.fake.state ??= 'READONLY';
  }

  promote(awake: number): void {
    this.isReplica = false;
    this.readOnlyUntil = awake;
    if (this.fake.state === 'READONLY') this.fake.state = undefined;
  }

  heal(): void {
    this.fake.latencyMs = this.#latencyMs;
    this.checks.gate = undefined;
    this.fake.heal();
    if (this.isReplica) this.fake.state = 'READONLY';
  }
}

/** The databases, the truth about them, and time in which the event loop could run. */
export class World {
  readonly places: Place[] = [];
  /** Which of several of one id is the group's: one replaces another under its id. */
  driverOf: (id: string) => Driver | undefined = () => undefined;
  faults = 0;
  #stalledMs = 0;
  /** Awake time at which the stall that goes on began. */
  #stalledAt: number | undefined;

  constructor(
    readonly clock: VirtualClock,
    readonly options: DrawnOptions,
    readonly bounds: Bounds,
    private readonly draw: Draw,
    private readonly note: (text: string) => void,
  ) {}

  /** Time in which the event loop could run. */
  get awake(): number {
    return this.#stalledAt ?? this.clock.now() - this.#stalledMs;
  }

  get present(): Place[] {
    return this.places.filter((place) => !place.removed && this.find(place.id) === place);
  }

  add(id = `d${this.places.length + 1}`): Place {
    const place = new Place(id, this.clock, this.draw);
    place.wellSince = this.awake;
    place.addedAt = this.awake;
    this.places.push(place);
    return place;
  }

  find(id: string): Place {
    const known = this.places.filter((each) => each.id === id);
    const driver = known.length > 1 ? this.driverOf(id) : undefined;
    const place = known.find((each) => each.fake.driver === driver) ?? known[0];
    if (place === undefined) throw new Error(`no database ${id}`);
    return place;
  }

  async stall(durationMs: number): Promise<void> {
    this.note(`the event loop is blocked for ${Math.round(durationMs)} ms`);
    this.#stalledAt = this.awake;
    this.clock.block(durationMs);
    this.#stalledMs += durationMs;
    this.#stalledAt = undefined;
    await this.clock.advance(0);
  }

  /** Notes which faults linger on. */
  look(): void {
    const { awake } = this;
    for (const place of this.present) {
      const { lostConnections, staleConnections } = place.fake;
      // What is refused or lost over them opens a breaker of a low threshold.
      const isCounted = this.options.minNumOfFailures < 1000;
      if (lostConnections + staleConnections > 0) {
        place.countedUntil = awake;
        if (isCounted) place.touch(awake);
      }
      if (place.doubtfulProbe) place.touch(awake);
      if (place.fake.probesToLose === 0) place.doubtfulProbe = false;
    }
  }

  /** Lasting faults replace each other; one that is over at once comes on top. */
  begin(place: Place, fault: Fault, forMs: number): void {
    const severity = fault.severity(this.options, place);
    const { awake } = this;
    const before = place.wellSince;
    this.faults += 1;
    place.disturbances += 1;
    const lasts = fault.lasting ? ` for ${Math.round(forMs)} ms` : '';
    this.note(`${place.id}: ${fault.name}${lasts} (${severity})`);
    if (fault.lasting) {
      this.end(place);
      place.beganWell = before !== undefined && awake - before > WELL_BEFORE_MS;
      const token = {};
      place.fault = { fault, severity, token };
      if (severity === 'fatal') place.fatalSince = awake;
      if (severity !== 'benign') place.doubtfulUntil = Number.POSITIVE_INFINITY;
      if (fault.refuses) place.refusedSince = awake;
      place.wellSince = undefined;
      this.clock.elsewhere(forMs, () => {
        if (place.fault?.token === token) this.end(place);
      });
    } else {
      if (severity !== 'benign') place.touch(awake);
      if (fault.isCounted) {
        place.isRepeated = awake - place.countedUntil < LONGEST_RENEWAL_PAUSE_MS;
        place.countedUntil = awake;
      }
      if (place.wellSince !== undefined) place.wellSince = awake;
    }
    // Nobody would lose it.
    if (fault.losesProbe && place.checks.isBlind) return;
    if (fault.losesProbe) {
      // Two lost probes in one round are more than a policy tolerates.
      const isSecond = awake - place.probeLostAt < 2 * this.bounds.noticeMs;
      place.doubtfulProbe = severity === 'doubtful' || isSecond;
      place.probeLostAt = awake;
      if (place.doubtfulProbe) place.touch(awake);
    }
    fault.begin(place, this.draw, this.options);
  }

  end(place: Place): void {
    const { fault } = place;
    if (fault === undefined) return;
    this.note(`${place.id}: ${fault.fault.name} ends`);
    place.fault = undefined;
    place.fatalSince = undefined;
    place.refusedSince = undefined;
    place.wellSince = this.awake;
    if (fault.severity !== 'benign') place.doubtfulUntil = this.awake;
    place.heal();
  }

  /** Awake time since which no database could serve; undefined while one can or may. */
  get allFatalSince(): number | undefined {
    const since = this.present.map((place) => place.fatalSince ?? Number.POSITIVE_INFINITY);
    const latest = Math.max(...since);
    return Number.isFinite(latest) ? latest : undefined;
  }
}
