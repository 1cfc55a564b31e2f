import type { Database } from '../../src/runtime/database.js';
import { SimulatedClient, seededRandom, VirtualClock } from '../../src/testing/index.js';
import { Decisions, isDeliberate } from './choices.js';
import { ConnectionJudge } from './connection-judge.js';
import { Draw } from './draw.js';
import { CRASH, FAULTS, FORGOTTEN_FLOWS } from './faults.js';
import { tokenOf } from './kinds.js';
import { type Caller, callerOf, Ledger } from './ledger.js';
import { Liveness } from './liveness.js';
import { manage } from './management.js';
import { Bounds, clientOptions, drawOptions } from './options.js';
import { RouteJudge } from './route-judge.js';
import type { SimulationResult, SimulationSettings, Violation } from './simulation-result.js';
import { SteeringWorld } from './steering.js';
import { type Place, World } from './world.js';

const MIN_DURATION_MS = 600_000;
const MAX_DATABASES = 5;

/** One schedule: 2 to 5 databases, drawn options, faults, traffic and management for a while. */
export async function simulate(settings: SimulationSettings): Promise<SimulationResult> {
  const simulation = new Simulation(settings);
  try {
    return await simulation.run();
  } catch (error) {
    return simulation.resultAfter(error);
  }
}

class Simulation {
  readonly #clock = new VirtualClock();
  readonly #draw: Draw;
  readonly #world: World;
  readonly #client: SimulatedClient;
  /** The client, and perhaps a duplicate. */
  readonly #callers: Caller[];
  readonly #ledger: Ledger;
  readonly #judge: RouteJudge;
  readonly #liveness: Liveness;
  readonly #connections: ConnectionJudge;
  /** Undefined: this client is not steered. */
  readonly #steering: SteeringWorld | undefined;
  /** Draws what belongs to steering alone, so that the rest of a seed does not depend on it. */
  readonly #steeringDraw: Draw;
  readonly #decisions: Decisions;
  /** Draws `databases[].failbackCheckIntervalMs`, if they have it. */
  readonly #intervals: Draw | undefined;
  readonly #violations: Violation[] = [];
  readonly #trace: string[] = [];
  /** Maximum number of commands in a step; drawn again from time to time. */
  #traffic = 1;
  #nextModeAt = 0;
  /** Until then steps are small, to catch what happens around a fault. */
  #closeUpUntil = 0;
  #stallsNext = false;

  constructor(private readonly settings: SimulationSettings) {
    const { seed } = settings;
    this.#draw = new Draw(seededRandom(seed));
    const own = new Draw(seededRandom(seed ^ 0x0f7));
    const choices = new Draw(seededRandom(seed ^ 0xc401));
    const options = drawOptions(this.#draw, own, choices);
    this.#decisions = new Decisions(choices.random);
    const intervals = new Draw(seededRandom(seed ^ 0x1e7));
    this.#intervals = intervals.chance(0.25) ? intervals : undefined;
    this.#world = new World(this.#clock, options, new Bounds(options), this.#draw, this.#note);
    this.#steeringDraw = new Draw(seededRandom(seed ^ 0x57ee));
    this.#steering = this.#steeringDraw.chance(0.4)
      ? new SteeringWorld(this.#world, this.#steeringDraw, this.#report, this.#note)
      : undefined;
    const count = this.#draw.integer(2, MAX_DATABASES);
    const databases = Array.from({ length: count }, (_, index) => {
      const place = this.#world.add();
      if (options.replicas !== undefined) this.#drawReplica(place, index, own);
      return this.#member(place);
    });
    this.#client = new SimulatedClient({
      clock: this.#clock,
      databases,
      options: { ...clientOptions(options, this.#decisions), ...this.#steeringOptions() },
      random: seededRandom(seed ^ 0x5eed),
    });
    this.#world.driverOf = (id) => this.#client.session.group.coordinator.databases.get(id)?.driver;
    this.#note(`options ${JSON.stringify(options)}`);
    this.#note(`weights ${databases.map((each) => each.weight).join(' ')}`);
    this.#callers = [callerOf(this.#client, true)];
    if (this.#draw.chance(0.3)) this.#callers.push(callerOf(this.#client.duplicate(), false));
    this.#ledger = new Ledger(this.#world, this.#callers, this.#draw, this.#report, this.#note);
    this.#judge = new RouteJudge(
      this.#world,
      this.#client,
      this.#report,
      this.#decisions,
      this.#steering,
    );
    this.#liveness = new Liveness(this.#world, this.#client, this.#judge, this.#report);
    this.#connections = new ConnectionJudge(this.#world, this.#client, this.#report);
    this.#listen();
  }

  async run(): Promise<SimulationResult> {
    const connected = this.#client.connect();
    const { coordinator } = this.#client.session.group;
    coordinator.router.listen(({ from, to, failed }) => {
      this.#judge.onRoute();
      this.#note(
        `route: ${name(from.database)} -> ${name(to.database)}${failed ? ' (failed)' : ''}`,
      );
      if (failed && from.database !== undefined) this.#judge.onLeft(from.database.id);
      if (to.database === undefined) this.#judge.onNowhere();
      this.#liveness.onRouteChange();
      if (failed) this.#closeUp();
      if (failed && to.database !== undefined) this.#cascade(to.database.id);
      const waiting = this.#client.session.executor?.waiting.retries.size ?? 0;
      if (waiting > 0)
        this.#report('P4', `${waiting} commands wait on although there was a switch`);
    });
    await this.#clock.advance(20_000);
    await connected;

    const end = MIN_DURATION_MS + this.#draw.between(0, 60_000);
    while (this.#clock.now() < end && this.#isClean) await this.#step();
    await this.#finale();
    if (this.#isClean) await this.#close();
    return this.#result;
  }

  /** A mistake of the application that reaches anything but an event `error`. */
  resultAfter(error: unknown): SimulationResult {
    if (!isDeliberate(error)) throw error;
    this.#report('P3', `the engine throws ${String(error)}`);
    return this.#result;
  }

  get #result(): SimulationResult {
    return {
      seed: this.settings.seed,
      violations: this.#violations,
      simulatedMs: this.#clock.now(),
      faults: this.#world.faults,
      switches: this.#judge.switches - 1,
      commands: this.#ledger.sent,
      steered: this.#steering?.obeyed ?? 0,
      trace: this.#trace,
    };
  }

  #steeringOptions() {
    if (this.#steering === undefined) return {};
    const { sources, instanceId } = this.#steering;
    return { steering: sources, instanceId };
  }

  async #step(): Promise<void> {
    const now = this.#clock.now();
    if (now >= this.#nextModeAt) {
      this.#nextModeAt = now + this.#draw.between(5_000, 60_000);
      this.#traffic = this.#draw.one([0, 0, 1, 1, 1, 3, 12]);
    }
    const isCloseUp = now < this.#closeUpUntil;
    this.#disturb(isCloseUp);
    const commands = this.#draw.integer(0, isCloseUp ? this.#traffic : Math.min(this.#traffic, 2));
    for (let n = 0; n < commands; n += 1) this.#ledger.send();
    if (this.#stallsNext) {
      // While new connections are made and probes are under way.
      this.#stallsNext = false;
      await this.#clock.advance(this.#draw.between(0, 10));
      await this.#world.stall(this.#stallMs());
    } else if (this.#draw.chance(0.004)) await this.#world.stall(this.#stallMs());
    else await this.#clock.advance(isCloseUp ? this.#closeUpMs() : this.#draw.between(50, 2500));
    this.#look();
  }

  #disturb(isCloseUp: boolean): void {
    const draw = this.#draw;
    const world = this.#world;
    if (draw.chance(isCloseUp ? 0.01 : 0.035)) {
      this.#closeUp();
      this.#stallsNext = draw.chance(0.1);
      const forMs = draw.one([500, 3000, 10_000, 30_000]) * draw.between(0.5, 1.5);
      if (draw.chance(0.08)) {
        // All behind one firewall, or each with troubles of its own.
        const common = draw.chance(0.3) ? FORGOTTEN_FLOWS : undefined;
        for (const place of world.present) this.#begin(place, common ?? draw.one(FAULTS), forMs);
      } else {
        const active = world.present.find((place) => place.id === this.#client.activeDatabase);
        const place = active !== undefined && draw.chance(0.6) ? active : draw.one(world.present);
        this.#begin(place, draw.one(FAULTS), forMs);
      }
    }
    this.#stallsNext ||= draw.chance(isCloseUp ? 0.003 : 0);
    if (draw.chance(0.006)) this.#manage();
    if (this.#steeringDraw.chance(0.02)) this.#steering?.act();
    const duplicate = this.#callers[1];
    if (duplicate !== undefined && draw.chance(0.01)) this.#turn(duplicate);
  }

  /** A duplicate comes or goes. */
  #turn(caller: Caller): void {
    const { client } = caller;
    if (!caller.isOpen) {
      caller.isOpen = true;
      this.#note('a duplicate connects');
      client.connect().catch((error) => {
        this.#note(`a duplicate could not connect: ${error}`);
        caller.isOpen = false;
        caller.closed += 1;
      });
      return;
    }
    caller.isOpen = false;
    caller.closed += 1;
    const isGentle = this.#draw.chance(0.5);
    this.#note(`a duplicate is ${isGentle ? 'closed' : 'destroyed'}`);
    if (isGentle) void client.close();
    else client.destroy();
  }

  /** Troubles come together: now and then the next one fails right after the first. */
  #cascade(id: string): void {
    if (!this.#draw.chance(0.15)) return;
    const forMs = this.#draw.between(200, 5000);
    const fault = this.#draw.chance(0.5) ? CRASH : this.#draw.one(FAULTS);
    this.#clock.elsewhere(this.#draw.between(0, 30), () => {
      const place = this.#world.find(id);
      if (!place.removed) this.#begin(place, fault, forMs);
    });
  }

  #begin(place: Place, fault: (typeof FAULTS)[number], forMs: number): void {
    const wasConnected = this.#client.databases.find(({ id }) => id === place.id)?.connected;
    const isIntact = wasConnected && place.fake.lostConnections === 0;
    this.#world.begin(place, fault, forMs);
    if (fault.refuses && isIntact && place.beganWell) this.#liveness.onRefusal(place.id);
  }

  #manage(): void {
    manage(this.#client, this.#world, this.#draw, this.#judge, this.#note, (place) =>
      this.#member(place),
    );
  }

  /** Some standbys are replicas from the beginning, and most of them are promoted at some time. */
  #drawReplica(place: Place, index: number, own: Draw): void {
    place.writable = 'auto';
    // The first one takes writes, or nothing would be written for long.
    if (index === 0 || own.chance(0.4)) return;
    place.demote();
    if (own.chance(0.15)) place.writable = false;
    else if (own.chance(0.8)) {
      this.#clock.elsewhere(own.between(0, MIN_DURATION_MS), () => {
        this.#note(`${place.id} is promoted`);
        place.promote(this.#world.awake);
      });
    }
  }

  #member(place: Place) {
    const { fake } = place;
    this.#note(`${place.id}: its checks are: ${place.checks.kind}`);
    fake.observer = {
      onSend: (attempt) => {
        this.#judge.onSend(fake, String(attempt.args[0]));
        if (this.#ledger.hasTime(tokenOf(attempt))) this.#liveness.onSend(fake.id);
      },
      onWritten: (attempt) => {
        const token = tokenOf(attempt);
        this.#judge.onWritten(fake, token, String(attempt.args[0]));
        this.#ledger.onWritten(fake, token);
      },
      onRefused: (wire) => this.#connections.onRefused(place, wire),
      onExecution: (execution) => this.#ledger.onExecution(fake, execution),
      onProbe: (sentAt) => this.#judge.onProbe(fake, sentAt),
    };
    return {
      database: fake,
      weight: this.#draw.one([0.25, 0.5, 0.5, 1, 2]),
      ...(place.writable === undefined ? {} : { writable: place.writable }),
      ...place.checks.options(this.#world.options),
      ...this.#ownInterval(place),
    };
  }

  #ownInterval(place: Place) {
    const failbackCheckIntervalMs = this.#intervals?.one([undefined, 1000, 30_000, 120_000]);
    this.#note(`${place.id}: its failback checks: ${failbackCheckIntervalMs}`);
    return failbackCheckIntervalMs === undefined ? {} : { failbackCheckIntervalMs };
  }

  /** After every step everything is looked at. */
  #look(): void {
    this.#world.look();
    this.#ledger.look();
    this.#judge.look();
    this.#liveness.look();
    this.#connections.look();
    this.#steering?.look(this.#client);
    // Only what was emitted since: events are judged when they come.
    this.#client.events.length = 0;
  }

  /** However quiet the schedule was: the active database fails until there were two switches. */
  async #finale(): Promise<void> {
    for (let round = 0; round < 6 && this.#isClean; round += 1) {
      if (this.#judge.switches > 2 && this.#world.faults >= 5) return;
      for (const place of this.#world.present) this.#world.end(place);
      await this.#run(this.#world.options.maxGracePeriodMs + 2 * this.#world.bounds.recoverMs);
      const active = this.#world.present.find((place) => place.id === this.#client.activeDatabase);
      if (active !== undefined) this.#begin(active, CRASH, 20_000);
      await this.#run(15_000);
    }
  }

  async #run(durationMs: number): Promise<void> {
    for (let passed = 0; passed < durationMs && this.#isClean; passed += 500) {
      if (this.#draw.chance(0.3)) this.#ledger.send();
      await this.#clock.advance(500);
      this.#look();
    }
  }

  async #close(): Promise<void> {
    this.#note('close');
    for (const caller of this.#callers) caller.closed += 1;
    const { commandDeadlineMs } = this.#world.options;
    if (this.#draw.chance(0.5)) {
      let isClosed = false;
      Promise.all(this.#callers.map(({ client }) => client.close())).then(() => {
        isClosed = true;
      });
      await this.#clock.advance(commandDeadlineMs + 500);
      if (!isClosed) this.#report('P3', 'close() did not end within commandDeadlineMs');
    } else for (const { client } of this.#callers) client.destroy();
    await this.#clock.advance(100);
    this.#ledger.close();
    const { pendingTimers } = this.#clock;
    if (pendingTimers > 0) this.#report('P3', `${pendingTimers} timers are left after the end`);
    for (const { fake } of this.#world.places) {
      const { openConnections, id } = fake;
      if (openConnections > 0)
        this.#report('P3', `${openConnections} connections to ${id} are left`);
    }
  }

  #listen(): void {
    const names = [
      'switch',
      'database-healthy',
      'database-unhealthy',
      'breaker-open',
      'breaker-closed',
      'degraded',
      'all-databases-down',
      'recovered',
      'error',
    ] as const;
    for (const each of names) {
      this.#client.on(each, () => {
        const event = this.#client.events[this.#client.events.length - 1]!;
        this.#note(
          `${event.name} ${JSON.stringify({ ...(event.event[0] as object), error: undefined, at: undefined })}`,
        );
        this.#judge.onEvent(event);
        if (event.name === 'database-unhealthy') this.#liveness.onUnhealthy(event.event[0].id);
      });
    }
  }

  get #isClean(): boolean {
    return this.#violations.length === 0;
  }

  #stallMs(): number {
    return this.#draw.one([50, 300, 2000, 5000, 30_000]) * this.#draw.between(0.5, 1.5);
  }

  #closeUp(): void {
    this.#closeUpUntil = this.#clock.now() + this.#draw.between(100, 6000);
  }

  #closeUpMs(): number {
    return this.#draw.one([0.2, 1, 5, 20, 100]) * this.#draw.between(0.5, 2);
  }

  readonly #report = (promise: string, text: string): void => {
    this.#note(`VIOLATION ${promise}: ${text}`);
    this.#violations.push({ promise, text, at: this.#clock.now() });
  };

  readonly #note = (text: string): void => {
    if (this.settings.trace)
      this.#trace.push(`${this.#clock.now().toFixed(1).padStart(10)}  ${text}`);
  };
}

function name(database: Database | undefined): string {
  return database?.id ?? 'none';
}
