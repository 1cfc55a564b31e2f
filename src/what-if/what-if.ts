/**
 * What each fault of the active database would cost with given options: the engine runs over simulated databases on virtual
 * time. The times contain neither an operating system nor a real network.
 */
import type { DatabaseOptions } from '../options/database-options.js';
import type { MultiDbOptions } from '../options/types.js';
import { FakeDatabase } from '../testing/fake-database.js';
import { SimulatedClient } from '../testing/simulated-client.js';
import { VirtualClock } from '../testing/virtual-clock.js';

/** A database with the options that it has in the group. */
export interface WhatIfDatabase
  extends Pick<
    DatabaseOptions,
    'weight' | 'healthCheck' | 'failureDetector' | 'gracePeriodMs' | 'failbackCheckIntervalMs'
  > {
  readonly id: string;
  /** Of one direction. Default: 0.5. */
  readonly latencyMs?: number;
}

export interface WhatIfSubject {
  readonly databases: readonly WhatIfDatabase[];
  /** Options of the group, as for `createMultiDbClient`. */
  readonly options: Omit<MultiDbOptions, 'databases' | 'client'>;
}

export const WHAT_IF_FAULTS = [
  'killed',
  'frozen',
  'slow',
  'read-only',
  'flows dropped',
  'connections cut',
] as const;

export type WhatIfFault = (typeof WHAT_IF_FAULTS)[number];

/** What callers saw of one fault. Times are milliseconds of virtual time. */
export interface WhatIfAnswer {
  readonly fault: WhatIfFault;
  /** From the fault until the database was left; null: it was not left within 30 s. */
  readonly leftAfterMs: number | null;
  /**
   * From the fault until a command that was sent after it succeeded, on the next database if there was a switch;
   * null: none did.
   */
  readonly firstSuccessAfterMs: number | null;
  /** Longest time from a call to its result. */
  readonly longestWaitMs: number;
  /** All errors of callers during the fault. */
  readonly errors: readonly WhatIfErrors[];
  /** From the end of the fault until the database served again; null: it was not left, or not returned to. */
  readonly returnedAfterMs: number | null;
}

/** Errors of one kind. */
export interface WhatIfErrors {
  readonly command: 'read' | 'write';
  readonly code: string;
  readonly maybeExecuted: boolean;
  readonly count: number;
}

export interface WhatIf {
  readonly answers: readonly WhatIfAnswer[];
  /** Commands of health checks that one process sends to all databases while they are healthy. */
  readonly probesPerSecond: number;
}

/** Round trip under the fault `slow`. */
export const SLOW_ROUND_TRIP_MS = 800;
/** One command each 100 ms, as in the load `10/s` of the fault matrix. */
const PERIOD_MS = 100;
const START_MS = 10_000;
/** Faults at several points of the rounds of health checks: one round may notice it by itself. */
const PHASES_MS = [0, 1700, 3400];
const FAULT_MS = 30_000;
const MEASURED_PROBES_MS = 60_000;
/** Without automatic failback only a database that none replaced serves again, at once. */
const RECOVERY_MS = 60_000;
const LONGEST_RETURN_MS = 2 * 3_600_000;

/** Simulates every fault, and answers with the slowest of several runs. The computation takes about a second. */
export async function whatIf(subject: WhatIfSubject): Promise<WhatIf> {
  const answers: WhatIfAnswer[] = [];
  for (const fault of WHAT_IF_FAULTS) {
    const runs: WhatIfAnswer[] = [];
    for (const phaseMs of PHASES_MS) runs.push(await answer(subject, fault, phaseMs));
    answers.push(runs.reduce((one, other) => (wait(other) > wait(one) ? other : one)));
  }
  return { answers, probesPerSecond: await probesPerSecond(subject) };
}

function wait({ firstSuccessAfterMs }: WhatIfAnswer): number {
  return firstSuccessAfterMs ?? Number.POSITIVE_INFINITY;
}

interface World {
  readonly clock: VirtualClock;
  readonly fakes: ReadonlyMap<string, FakeDatabase>;
  readonly client: SimulatedClient;
}

async function connected({ databases, options }: WhatIfSubject): Promise<World> {
  const clock = new VirtualClock();
  const fakes = new Map(
    databases.map(({ id, latencyMs = 0.5 }) => [id, new FakeDatabase({ id, clock, latencyMs })]),
  );
  const client = new SimulatedClient({
    clock,
    databases: databases.map(({ id, latencyMs: _, ...rest }) => ({
      ...rest,
      database: fakes.get(id) as FakeDatabase,
    })),
    options,
  });
  const connecting = client.connect();
  await clock.advance(START_MS);
  await connecting;
  return { clock, fakes, client };
}

async function end({ clock, client }: World): Promise<void> {
  client.destroy();
  await clock.advance(1000);
}

async function answer(
  subject: WhatIfSubject,
  fault: WhatIfFault,
  phaseMs: number,
): Promise<WhatIfAnswer> {
  const world = await connected(subject);
  const { clock, client, fakes } = world;
  const id = client.activeDatabase as string;
  const fake = fakes.get(id) as FakeDatabase;
  const callers = new Callers(client, clock);
  callers.start();
  // In the middle between two commands.
  await clock.advance(phaseMs + PERIOD_MS / 2);
  client.events.length = 0;
  const at = clock.now();
  callers.watch(id);
  begin(fake, fault);
  await clock.advance(FAULT_MS);
  const left = client.events.find(({ name, event }) => name === 'switch' && event[0].from === id);
  callers.stop();
  fake.heal();
  fake.latencyMs = subject.databases.find((each) => each.id === id)?.latencyMs ?? 0.5;
  const healed = clock.now();
  const limitMs = subject.options.failbackSupported === false ? RECOVERY_MS : LONGEST_RETURN_MS;
  const returned = left !== undefined && (await isReturnedTo(world, id, limitMs));
  const { firstSuccessAt, longestWaitMs } = callers;
  const result: WhatIfAnswer = {
    fault,
    leftAfterMs: left === undefined ? null : left.at - at,
    firstSuccessAfterMs: firstSuccessAt === undefined ? null : firstSuccessAt - at,
    longestWaitMs,
    errors: callers.errors(),
    returnedAfterMs: returned ? clock.now() - healed : null,
  };
  await end(world);
  return result;
}

async function isReturnedTo(
  { clock, client }: World,
  id: string,
  limitMs: number,
): Promise<boolean> {
  try {
    await clock.until(() => client.activeDatabase === id, limitMs);
    return true;
  } catch {
    return false;
  }
}

function begin(fake: FakeDatabase, fault: WhatIfFault): void {
  switch (fault) {
    case 'killed':
      fake.crash();
      return;
    case 'frozen':
      fake.freeze();
      return;
    case 'slow':
      fake.latencyMs = SLOW_ROUND_TRIP_MS / 2;
      return;
    case 'read-only':
      fake.state = 'READONLY';
      return;
    case 'flows dropped':
      fake.loseConnections();
      return;
    case 'connections cut':
      fake.killConnections();
      return;
  }
}

async function probesPerSecond(subject: WhatIfSubject): Promise<number> {
  const world = await connected(subject);
  const fakes = [...world.fakes.values()];
  const answered = () => fakes.reduce((sum, fake) => sum + fake.probesAnswered, 0);
  const before = answered();
  await world.clock.advance(MEASURED_PROBES_MS);
  const probes = answered() - before;
  await end(world);
  return probes / (MEASURED_PROBES_MS / 1000);
}

/** Callers that send a read and a write in turn. */
class Callers {
  firstSuccessAt: number | undefined;
  longestWaitMs = 0;
  #isRunning = false;
  #watched: string | undefined;
  #sent = 0;
  readonly #errors = new Map<string, WhatIfErrors>();

  constructor(
    private readonly client: SimulatedClient,
    private readonly clock: VirtualClock,
  ) {}

  start(): void {
    this.#isRunning = true;
    this.#next();
  }

  stop(): void {
    this.#isRunning = false;
  }

  /** Counts from now on. */
  watch(active: string): void {
    this.#watched = active;
    this.longestWaitMs = 0;
  }

  errors(): WhatIfErrors[] {
    return [...this.#errors.values()];
  }

  #next(): void {
    if (!this.#isRunning) return;
    const command = this.#sent % 2 === 0 ? 'read' : 'write';
    const start = this.clock.now();
    const isCounted = this.#watched !== undefined;
    this.#sent += 1;
    const settled = () => {
      if (this.#watched === undefined) return false;
      this.longestWaitMs = Math.max(this.longestWaitMs, this.clock.now() - start);
      return true;
    };
    this.client.send(command === 'read' ? ['GET', 'what-if'] : ['INCR', 'what-if']).then(
      () => {
        if (settled() && isCounted && this.#isSuccess()) this.firstSuccessAt ??= this.clock.now();
      },
      (error: Error & { code?: string; maybeExecuted?: boolean }) => {
        if (settled()) this.#count(command, error.code ?? error.name, error.maybeExecuted === true);
      },
    );
    this.clock.deliver(PERIOD_MS, () => this.#next());
  }

  /** A success before the switch may be one of the database that is about to be left. */
  #isSuccess(): boolean {
    if (this.client.activeDatabase !== this.#watched) this.firstSuccessAt = undefined;
    this.#watched = this.client.activeDatabase;
    return true;
  }

  #count(command: 'read' | 'write', code: string, maybeExecuted: boolean): void {
    const key = `${command} ${code} ${maybeExecuted}`;
    const count = (this.#errors.get(key)?.count ?? 0) + 1;
    this.#errors.set(key, { command, code, maybeExecuted, count });
  }
}
