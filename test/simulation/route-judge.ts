import type { SwitchEvent } from '../../src/events.js';
import type { Database } from '../../src/runtime/database.js';
import type { FakeDatabase, SimulatedClient, SimulatedEvent } from '../../src/testing/index.js';
import { ChoiceJudge } from './choice-judge.js';
import { type Decisions, isDeliberate } from './choices.js';
import type { SteeringWorld } from './steering.js';
import type { View } from './view.js';
import type { World } from './world.js';

interface LeftDatabase {
  readonly database: Database | undefined;
  readonly at: number;
  probes: number;
  wasDown: boolean;
}

/**
 * Judges every switch at the moment in which it is made, and the order of events: promises P1, P5
 * and P6. Decides by its own rules from the public snapshots and from the truth.
 */
export class RouteJudge {
  switches = 0;
  /** Clock time until which failback and weights are to be ignored. */
  heldUntil = 0;
  /** The circuit breaker of the held database has opened since; it may have closed again. */
  #hasBroken = false;
  /** Drains that were asked for and have not begun. */
  pendingDrains = 0;
  /** Databases left as failed, with the clock time of that. */
  readonly left = new Map<string, LeftDatabase>();
  /** Clock time until which each is drained. */
  readonly #drains = new Map<string, number>();
  #active: string | undefined;
  #activeDatabase: Database | undefined;
  #generation = 0;
  #isDown = false;
  readonly #health = new Map<string, string>();
  readonly #breaker = new Map<string, string>();
  readonly #choices: ChoiceJudge;

  constructor(
    private readonly world: World,
    private readonly client: SimulatedClient,
    private readonly report: (promise: string, text: string) => void,
    decisions: Decisions,
    private readonly steering?: SteeringWorld | undefined,
  ) {
    this.#choices = new ChoiceJudge(world.options, client, decisions, report);
  }

  /** Whether the client returns to a better database by itself. */
  get failbackSupported(): boolean {
    return this.steering?.document(this.client)?.failback ?? this.world.options.failbackSupported;
  }

  /** Whether the document that is obeyed drains this database. */
  isSteeredAway(id: string): boolean {
    return this.steering?.drains(this.client, id) === true;
  }

  get active(): string | undefined {
    return this.#active;
  }

  /** The engine's route changed. */
  onRoute(): void {
    this.#choices.onRoute();
  }

  /** The engine's route changed because its database failed. */
  onLeft(id: string): void {
    const place = this.world.find(id);
    const { awake, bounds, clock } = this.world;
    const isCounted =
      place.countedUntil + bounds.aftermathMs >= awake && this.#choices.isCondemned(id);
    if (place.doubtfulUntil + bounds.aftermathMs < awake && !isCounted) {
      this.report('P5', `${id} was left although nothing was wrong with it`);
    }
    const database = this.#find(id);
    this.left.set(id, { database, at: clock.now(), probes: 0, wasDown: false });
    this.heldUntil = 0;
  }

  /** By hand: verified, and held until then. */
  onChosen(id: string, heldUntil: number): void {
    this.left.delete(id);
    this.#drains.delete(id);
    this.heldUntil = heldUntil;
    this.#hasBroken = false;
  }

  drainedUntil(id: string): number {
    return this.#drains.get(id) ?? 0;
  }

  /** Somebody keeps it away from traffic until then; 0: not any more. */
  onDrained(id: string, until: number): void {
    this.#drains.set(id, until);
  }

  /** The drain has begun. */
  onLeftByHand(wasActive: boolean): void {
    if (wasActive) this.heldUntil = 0;
  }

  /** No database is active. */
  onNowhere(): void {
    for (const left of this.left.values()) left.wasDown = true;
  }

  onProbe(fake: FakeDatabase, sentAt: number): void {
    const left = this.left.get(fake.id);
    if (this.#find(fake.id)?.driver !== fake.driver) return;
    if (left !== undefined && sentAt >= left.at) left.probes += 1;
  }

  onSend({ id, driver }: FakeDatabase, command: string): void {
    const active = this.#route.database;
    if (active?.driver === driver || this.#mayHedge(id, command)) return;
    const which = active?.id === id ? 'another one of its id' : active?.id;
    this.report('P1', `a command goes to ${id} while ${which} is active`);
  }

  /** A read of a key may go to a standby that is eligible, if a database is active. */
  #mayHedge(id: string, command: string): boolean {
    if (this.world.options.hedging === undefined || command !== 'STRLEN') return false;
    const isServing = this.#route.database !== undefined;
    return isServing && this.views().some((view) => view.id === id && view.eligible);
  }

  onWritten({ id, driver }: FakeDatabase, token: string, command: string): void {
    const active = this.#route.database;
    if (active?.driver === driver) return;
    // Sent while its database was eligible, but written later.
    if (this.world.options.hedging !== undefined && command === 'STRLEN') return;
    const which = active?.id === id ? 'another one of its id' : active?.id;
    this.report('P1', `${token} is written to ${id} while ${which} is active`);
  }

  onEvent({ name, event: [event] }: SimulatedEvent): void {
    switch (name) {
      case 'switch':
        this.#onSwitch(event as SwitchEvent);
        break;
      case 'database-healthy':
      case 'database-unhealthy':
        this.#alternate(this.#health, (event as { id: string }).id, name);
        break;
      case 'breaker-open':
        if ((event as { id: string }).id !== this.#active) {
          this.report('P5', `${name} of ${(event as { id: string }).id}, which is not active`);
        }
        this.#hasBroken = true;
        this.#choices.onBreakerOpen((event as { id: string }).id);
        this.#alternate(this.#breaker, (event as { id: string }).id, name);
        break;
      case 'breaker-closed':
        this.#alternate(this.#breaker, (event as { id: string }).id, name);
        break;
      case 'all-databases-down':
        if (this.#isDown) this.report('P7', 'all-databases-down twice');
        if (this.#active !== undefined)
          this.report('P7', `all down, but ${this.#active} is active`);
        this.#isDown = true;
        break;
      case 'recovered':
        if (!this.#isDown) this.report('P7', 'recovered without having been down');
        this.#isDown = false;
        break;
      case 'error':
        // Sources of steering fail and deliver nonsense on purpose.
        if ((event as { code?: string }).code === 'STEERING_SOURCE_FAILED') break;
        if (isDeliberate(event)) break;
        this.report('P5', `an error event: ${String(event)}`);
    }
  }

  #alternate(states: Map<string, string>, id: string, name: string): void {
    if (states.get(id) === name) this.report('P10', `${name} of ${id} twice in a row`);
    states.set(id, name);
  }

  #onSwitch(event: SwitchEvent): void {
    const { from, to, reason, generation } = event;
    this.switches += 1;
    if (from !== this.#active) {
      this.report('P1', `a switch from ${from} although ${this.#active} was active`);
    }
    const database = to === undefined ? undefined : this.#find(to);
    if (database === this.#activeDatabase) this.report('P1', `a switch from ${from} to itself`);
    this.#activeDatabase = database;
    if (generation <= this.#generation) {
      this.report('P1', `generation ${generation} after ${this.#generation}`);
    }
    this.#active = to;
    this.#generation = generation;
    if (this.client.activeDatabase !== to) {
      this.report('P1', `told of a switch to ${to}, but ${this.client.activeDatabase} is active`);
    }
    if (to === undefined) return;
    const wasDrained = event.cause.endsWith('was drained');
    if ((reason === 'manual' && !wasDrained) || reason === 'forced') {
      this.left.delete(to);
      this.#drains.delete(to);
      return;
    }
    // One that takes the place of another is active as that was.
    if (reason === 'removed' && from === to) {
      this.left.delete(to);
      return;
    }
    // A replaced one is held on, under its id.
    const wasReplaced = event.cause.endsWith('was replaced');
    if ((reason === 'removed' && !wasReplaced) || wasDrained) this.heldUntil = 0;
    if (this.world.clock.now() < this.heldUntil) {
      this.report('P1', `${reason} to ${to} although ${from} is forced`);
    }
    this.#judgeChoice(event, to);
    if (reason !== 'initial') this.#judgeReturn(event, to);
  }

  /**
   * P1: the eligible one of the highest weight; without one the usable of the highest. Those that
   * were asked and do not answer come last, even if the others serve reads only.
   */
  #judgeChoice(event: SwitchEvent, to: string): void {
    const { from, reason } = event;
    const { awake, bounds } = this.world;
    const views = this.#viewsFor(event, to);
    // What has just been added was not measured in the moment in which the others were.
    const isMeasured = ({ id }: View) =>
      reason !== 'slow' || id === to || awake - this.world.find(id).addedAt > bounds.roundMs;
    const eligible = views.filter((view) => view.eligible && isMeasured(view));
    // An outage of writes is worse than a database in its grace period.
    const isForWrites = reason === 'health-check' && !eligible.some((view) => !view.readOnly);
    const isRecovered = views.some((view) => view.id === to && view.inGrace && !view.readOnly);
    const recovered = views.filter((view) => view.inGrace && !view.readOnly);
    const usable = eligible.length > 0 ? eligible : views.filter((view) => view.usable);
    const able = isForWrites && isRecovered ? recovered : usable;
    const chosenMs = views.find((view) => view.id === to)?.failbackCheckIntervalMs;
    // It passes over the same as a failback, unless the active one is drained.
    const isMove = reason === 'steered' && !this.isSteeredAway(String(from));
    const answering = able.filter((view) => {
      if (view.id === to) return !view.silent;
      if (reason !== 'failback') return !view.silent && !(isMove && view.unprepared);
      // One with another interval has checks of its own.
      const isDue = view.failbackCheckIntervalMs === chosenMs;
      return !view.silent && !view.unfit && isDue;
    });
    const serving = answering.length > 0 ? answering : able;
    const writable = serving.filter((view) => !view.readOnly);
    const candidates = writable.length > 0 ? writable : serving;
    const chosen = candidates.find((view) => view.id === to);
    const best = Math.max(...candidates.map((view) => view.weight));
    if (chosen === undefined || chosen.weight < best) {
      this.report('P1', `${to} was chosen (${reason}) although ${show(candidates)} can serve`);
    }
    const equals = candidates.filter(({ weight }) => weight === chosen?.weight);
    this.#choices.onSwitch(
      reason,
      to,
      equals.map(({ id }) => id),
    );
    // No document says `force`.
    if (reason === 'steered' && !eligible.some((view) => view.id === to)) {
      this.report('P6', `${to} was chosen by steering although it is not eligible`);
    }
    const before = views.find((view) => view.id === from);
    const servesWell = before?.eligible || before?.inGrace;
    if (reason === 'failback' && before?.keepsWrites && chosen?.readOnly) {
      this.report('P1', `failback from ${from}, which takes writes, to ${to}, which does not`);
    }
    if (reason === 'failback' && !this.failbackSupported && servesWell) {
      this.report('P1', `failback to ${to} although that is off`);
    }
  }

  /** P6: not before its grace period ends, and what it was left for is checked and well. */
  #judgeReturn(event: SwitchEvent, to: string): void {
    const left = this.left.get(to);
    if (left === undefined) return;
    if (left.database !== this.#find(to)) {
      // It was replaced since, under its id.
      this.left.delete(to);
      return;
    }
    const { clock, options } = this.world;
    // As the last resort it may serve all the same, but only if it really is.
    const { lastResort } = this.client.session.group.coordinator.route;
    const views = this.#viewsFor(event, to);
    const isReadOnly = views.some((view) => view.id === to && view.readOnly);
    const isExcused =
      lastResort &&
      !views.some((view) => view.eligible && view.id !== to && (isReadOnly || !view.readOnly));
    const graceLeft = left.at + options.gracePeriodMs - clock.now();
    if (graceLeft > 0 && !isExcused) {
      this.report('P6', `${to} is active again ${Math.round(graceLeft)} ms before its grace ends`);
    }
    const needed = this.#probesNeeded(to, left.wasDown);
    if (left.probes < needed && !isExcused) {
      this.report('P6', `${to} is active again after ${left.probes} of ${needed} probes`);
    }
    this.left.delete(to);
  }

  /** Databases that count as well again, after fewer probes than their policy asks for. */
  look(): void {
    this.#choices.look();
    // One that was forced, has failed, and serves as the last resort is not held any more.
    if (this.#hasBroken && this.#route.lastResort) this.heldUntil = 0;
    const { databases } = this.client.session.group.coordinator;
    for (const [id, { probes, wasDown, database: was }] of this.left) {
      const database = databases.get(id);
      if (
        database === undefined ||
        database !== was ||
        database.unverified ||
        database.health !== 'healthy'
      )
        continue;
      const needed = this.#probesNeeded(id, wasDown);
      if (probes < needed)
        this.report('P6', `${id} has recovered after ${probes} of ${needed} probes`);
    }
  }

  /** While no database serves, and at first, one is enough. */
  #probesNeeded(id: string, wasDown: boolean): number {
    if (this.world.find(id).checks.isBlind) return 0;
    const { policy, numProbes } = this.world.options;
    if (wasDown || policy === 'ANY_SUCCESS') return 1;
    return policy === 'ALL_SUCCESS' ? numProbes : Math.floor(numProbes / 2) + 1;
  }

  get #route() {
    return this.client.session.group.coordinator.route;
  }

  #find(id: string): Database | undefined {
    return this.client.session.group.coordinator.databases.get(id);
  }

  /** As they were when the choice was made. */
  #viewsFor({ from, reason, cause }: SwitchEvent, to: string): View[] {
    // The one that was left is gone, or (lazy) has put its connection to rest since.
    const isRemoved = reason === 'removed' && !cause.endsWith('was replaced');
    const isDrained = cause.endsWith('was drained');
    const isGone = isRemoved || isDrained || this.world.options.standbyConnections === 'lazy';
    // One that was replaced under its id is another database.
    return this.views(to).filter((view) => !isGone || view.id !== from || from === to);
  }

  /**
   * By rules of its own, from what users see. A lazy standby connects once it was `chosen`; the
   * connection of a client that is about to join counts from then on.
   */
  views(chosen?: string): View[] {
    const isLazy = this.world.options.standbyConnections === 'lazy';
    const { databases, health: known } = this.client.session.group.coordinator;
    return this.client.databases.map(({ id, weight, health, breaker, ...rest }) => {
      const { unverified, gatesOpen, slow, links = [] } = databases.get(id) ?? {};
      const wasConnected = isLazy || links.some(({ connection }) => connection !== undefined);
      const connected = rest.connected || (id === chosen && wasConnected);
      const usable = health === 'healthy' && connected;
      const isChecked = unverified !== true;
      const isFree = breaker === 'closed' && rest.gracePeriodLeftMs === 0;
      const drained = this.drainedUntil(id) > this.world.clock.now() || this.isSteeredAway(id);
      const mayStay = usable && isChecked && isFree && !drained;
      const isOpen = gatesOpen !== false && slow === undefined;
      const eligible = mayStay && isOpen;
      const isWell = usable && isChecked && breaker === 'closed' && !drained;
      const database = databases.get(id);
      // The switch itself makes the connection of a client that has just joined count.
      const isNew = id === chosen && links.some(({ answeredAt }) => answeredAt < 0);
      const silent = database !== undefined && !isNew && known.verification.isSilent(database);
      const { preparation, now } = this.client.session.group.coordinator;
      const unprepared = !!database && preparation.report(database)?.kind === 'failed';
      const isStale = (database?.answeredAt ?? now) < now - this.world.options.timeoutMs;
      return {
        id,
        weight,
        usable,
        eligible,
        inGrace: isWell && isOpen && !eligible,
        mayStay,
        keepsWrites: isWell && !rest.readOnly,
        drained,
        silent,
        failbackCheckIntervalMs: database?.options.failbackCheckIntervalMs ?? 0,
        unprepared,
        unfit: unprepared || isStale,
        readOnly: rest.readOnly,
      };
    });
  }
}

function show(views: readonly View[]): string {
  return views.map((view) => `${view.id} (${view.weight})`).join(', ') || 'none';
}
