import type { Timer } from '../../clock.js';
import { haveErrorsRisen, type Outcomes } from '../../core/steering/canary.js';
import { describeSteering, parseSteering, type Steering } from '../../core/steering/document.js';
import {
  changesAt,
  NO_OBEDIENCE,
  type Obedience,
  obeyed,
  type Reception,
  receive,
  type ScheduledSteering,
  schedule,
  settle,
} from '../../core/steering/obedience.js';
import { steeredViews, unknownIds } from '../../core/steering/overlay.js';
import { placeOf, spreadMs } from '../../core/steering/spread.js';
import type { SteeredEvent } from '../../events.js';
import type { SteeringDatabase } from '../../options/steering.js';
import { MAX_TIMER_MS } from '../../validation/rules.js';
import type { DatabaseCounters } from '../counters.js';
import type { Database } from '../database.js';
import { type EngineContext, timestamp } from '../engine-context.js';
import { SteeringSources } from './steering-sources.js';

/** What steering acts on. */
export interface SteeringHost {
  all(): Database[];
  /** The databases as sources may read them. */
  readable(): readonly SteeringDatabase[];
  /** What is obeyed has changed: the databases have other weights and drains. */
  onSteered(): void;
  /** Every source has been read for the first time, or has failed. */
  onSteeringKnown(): void;
}

/** Errors after a steered move are judged this many times during the hold. */
const LOOKS = 10;
const SHORTEST_LOOK_MS = 100;
/** Failures that say something about the database, as opposed to the caller or the client. */
const OF_DATABASE = [
  ...(['state-reply', 'state-word-inside', 'access', 'never-sent'] as const),
  ...(['connection-lost', 'timed-out', 'unavailable'] as const),
] as const;

/** A steered move whose consequences are watched. */
interface Watch {
  readonly of: ScheduledSteering;
  readonly from: Database | undefined;
  readonly to: Database;
  readonly before: Outcomes;
  readonly start: Outcomes;
  readonly endsAt: number;
  timer?: Timer;
}

/**
 * What the group obeys: the newest document of the sources, at the place of this instance in its
 * spread. Only the weights, drains and failback of the group change; health, grace periods and
 * failover stay what they are.
 */
export class GroupSteering {
  readonly place: number;
  readonly sources: SteeringSources;
  #state: Obedience = NO_OBEDIENCE;
  /** What the databases have been told. */
  #applied: ScheduledSteering | undefined;
  /** Documents that this instance no longer obeys, because errors rose. */
  #stopped: { readonly scheduled: ScheduledSteering; readonly why: string } | undefined;
  /** Number of documents that were stopped. */
  stops = 0;
  /** Where the database was left for the sake of a document that was stopped since. */
  #returnTo: Database | undefined;
  #watch: Watch | undefined;
  #timer: Timer | undefined;
  /** Commands of each database when the newest document was received. */
  #atReceipt = new Map<DatabaseCounters, Outcomes>();

  constructor(
    private readonly runtime: EngineContext,
    private readonly host: SteeringHost,
  ) {
    const { options } = runtime;
    this.place = placeOf(options.instanceId);
    this.sources = new SteeringSources(runtime, options.steering, {
      databases: () => host.readable(),
      onAllRead: () => host.onSteeringKnown(),
      onDocument: (document, source, notBefore) => this.#receive(document, source, notBefore),
    });
  }

  get isOn(): boolean {
    return this.runtime.options.steering.length > 0;
  }

  /** Whether it is known what is to be obeyed at start. */
  get isKnown(): boolean {
    return this.sources.allRead;
  }

  /** The document that is obeyed. */
  get obeyed(): ScheduledSteering | undefined {
    return this.#applied;
  }

  /** A newer document whose time has not come. */
  get next(): ScheduledSteering | undefined {
    return settle(this.#state, this.runtime.clock.now()).next;
  }

  /** The newest document that was received; it may have ended. */
  get newest(): ScheduledSteering | undefined {
    const { current, next } = settle(this.#state, this.runtime.clock.now());
    return next ?? current;
  }

  get stopped(): { readonly scheduled: ScheduledSteering; readonly why: string } | undefined {
    return this.#stopped;
  }

  /** The database to return to after a stop. */
  get returnTo(): Database | undefined {
    return this.#returnTo;
  }

  /** Whether the return after the end of the latest document is spread already. */
  get returnIsSpread(): boolean {
    const { current } = this.#state;
    return current !== undefined && spreadMs(current.steering.stages) > 0;
  }

  /** Overrides `failbackSupported`; undefined: it does not. */
  get failback(): boolean | undefined {
    return this.#applied?.steering.failback;
  }

  get unknownIds(): readonly string[] {
    const newest = this.next ?? this.#applied;
    const ids = this.host.all().map(({ id }) => id);
    return newest === undefined ? [] : unknownIds(newest.steering, ids);
  }

  start(): void {
    if (this.isOn) this.sources.start();
  }

  end(): void {
    this.sources.end();
    this.#timer?.cancel();
    this.#endWatch();
  }

  /** Databases or their own weights have changed. */
  refresh(): void {
    if (this.isOn) this.#tellDatabases();
  }

  /** The cause of a steered switch: who, why and which version. */
  cause(): string {
    const { steering } = this.#applied ?? this.#stopped?.scheduled ?? this.#state.current ?? {};
    const ends = this.#applied !== undefined ? '' : this.#returnTo ? ' was stopped' : ' has ended';
    return steering === undefined ? 'steering' : `${account(steering)}${ends}`;
  }

  /** A steered switch has happened: its consequences are watched during the hold of its stage. */
  onMoved(from: Database | undefined, to: Database): void {
    this.#returnTo = undefined;
    const of = this.#applied;
    this.#endWatch();
    if (of === undefined || of.holdMs === 0) return;
    const { clock } = this.runtime;
    const watch: Watch = {
      of,
      from,
      to,
      before: this.#before(from),
      start: outcomesOf(to.counters),
      endsAt: clock.now() + of.holdMs,
    };
    this.#watch = watch;
    this.#look(watch, Math.max(of.holdMs / LOOKS, SHORTEST_LOOK_MS));
  }

  #receive(document: unknown, source: string, notBefore: number): Reception {
    const { clock } = this.runtime;
    const now = clock.now();
    const receipt = { at: now, wallTime: clock.wallTime(), notBefore };
    const offered = schedule(parseSteering(document), this.place, source, receipt);
    const { state, reception } = receive(this.#state, offered, now);
    this.#state = state;
    if ((state.next ?? state.current) !== offered) return reception;
    for (const { counters } of this.host.all()) {
      this.#atReceipt.set(counters, outcomesOf(counters));
    }
    this.#tell('received', offered);
    this.#evaluate();
    return reception;
  }

  /** Obeys what is to be obeyed now. */
  #evaluate(): void {
    const { clock } = this.runtime;
    const now = clock.now();
    this.#state = settle(this.#state, now);
    const due = obeyed(this.#state, now);
    const wanted = due === this.#stopped?.scheduled ? undefined : due;
    const before = this.#applied;
    this.#arm(now);
    if (wanted === before) return;
    this.#applied = wanted;
    this.#returnTo = undefined;
    this.#endWatch();
    this.#tellDatabases();
    if (wanted !== undefined) this.#tell('obeyed', wanted);
    else if (before !== undefined) this.#tell('ended', before);
    this.host.onSteered();
  }

  #arm(now: number): void {
    this.#timer?.cancel();
    const inMs = changesAt(this.#state, now) - now;
    this.#timer = Number.isFinite(inMs)
      ? this.runtime.clock.after(Math.ceil(Math.min(inMs, MAX_TIMER_MS)), () => this.#evaluate())
      : undefined;
  }

  #tellDatabases(): void {
    const databases = this.host.all();
    const applied = this.#applied;
    const views = applied && steeredViews(applied.steering, applied.endsAt, databases);
    for (const database of databases) database.steered = views?.get(database.id);
  }

  #before(from: Database | undefined): Outcomes {
    if (from === undefined) return { failed: 0, total: 0 };
    const since = this.#atReceipt.get(from.counters);
    const lately = since && difference(outcomesOf(from.counters), since);
    if (lately !== undefined && lately.total > 0) return lately;
    const { failures: failed, total } = from.circuit.metrics(this.runtime.clock.now());
    return { failed, total };
  }

  #look(watch: Watch, everyMs: number): void {
    watch.timer = this.runtime.clock.after(everyMs, () => {
      const after = difference(outcomesOf(watch.to.counters), watch.start);
      if (haveErrorsRisen(watch.before, after)) this.#stop(watch, after);
      else if (this.runtime.clock.now() < watch.endsAt) this.#look(watch, everyMs);
      else this.#endWatch();
    });
  }

  #stop({ of, from, to, before }: Watch, after: Outcomes): void {
    const why =
      `errors rose on ${to.id}: ${after.failed} of ${after.total} commands failed ` +
      `after the move, ${before.failed} of ${before.total} before`;
    this.#stopped = { scheduled: of, why };
    this.stops += 1;
    this.#applied = undefined;
    this.#endWatch();
    this.#returnTo = from;
    this.#tellDatabases();
    this.#tell('stopped', of);
    this.host.onSteered();
  }

  #endWatch(): void {
    this.#watch?.timer?.cancel();
    this.#watch = undefined;
  }

  #tell(state: SteeredEvent['state'], scheduled: ScheduledSteering) {
    const { runtime } = this;
    runtime.emit(
      'steered',
      Object.freeze({ state, ...summaryOf(runtime, scheduled), at: timestamp(runtime) }),
    );
  }
}

/** One document, as this client obeys it. */
export function summaryOf(
  runtime: Pick<EngineContext, 'clock'>,
  { steering, source, beginsAt, endsAt }: ScheduledSteering,
): Omit<SteeredEvent, 'state' | 'at'> {
  const { version, by, reason } = steering;
  return {
    version,
    by,
    reason,
    asks: describeSteering(steering),
    source,
    obeyedAt: dateOf(runtime, beginsAt),
    until: Number.isFinite(endsAt) ? dateOf(runtime, endsAt) : undefined,
  };
}

/** The wall-clock time of a monotonic one. */
function dateOf({ clock }: Pick<EngineContext, 'clock'>, at: number): Date {
  return new Date(clock.wallTime() + (at - clock.now()));
}

/** The version, who and why, for switches and logs. */
function account({ version, by, reason }: Steering): string {
  return `steering version ${version} by ${by} (${reason})`;
}

function outcomesOf({ succeeded, failed }: DatabaseCounters): Outcomes {
  const failures = OF_DATABASE.reduce((sum, kind) => sum + failed[kind], 0);
  return { failed: failures, total: succeeded + failures };
}

function difference(later: Outcomes, earlier: Outcomes): Outcomes {
  return { failed: later.failed - earlier.failed, total: later.total - earlier.total };
}
