/** Plays a drill from its first connection to its last key. */
import type { MultiDbClient } from '../../client-type.js';
import { systemClock } from '../../clock.js';
import { createMultiDbClient } from '../../create-client.js';
import type { ValidatedOptions } from '../../options/validate.js';
import type { Audit } from '../load/audit.js';
import { Load } from '../load/commands.js';
import { Ledger } from '../load/ledger.js';
import { Recorder } from '../load/recorder.js';
import { SAMPLE_MS, Series } from '../load/series.js';
import { Traffic } from '../load/traffic.js';
import { counted } from '../report/format.js';
import type { PromiseVerdict, RunResult, Setting } from '../report/model.js';
import { judgedSteps } from '../script/results.js';
import { runStep, ScriptError, type Step, type StepRun } from '../script/step.js';
import { judge } from '../script/verdict.js';
import { sleep } from '../wire/wait.js';
import { shortened, stopwatch } from './client-options.js';
import { goals } from './goals.js';
import { DrillKeys, EXPIRY_SECONDS } from './keys.js';
import { Outages, Place } from './places.js';
import { type DrillStage, script } from './script.js';
import type { DrillSettings } from './settings.js';
import { shownSettings } from './shown.js';

export const WARM_UP_MS = 2000;
const CLOSE_MS = 10_000;
/** Beyond what the settings let one expect. */
const PATIENCE_MS = 20_000;

export interface Plan {
  /** Plain options of `createMultiDbClient`. */
  readonly options: Record<string, unknown>;
  readonly resolved: ValidatedOptions;
  readonly settings: DrillSettings;
  /** Waits are as configured, also those that only decide how long a return takes. */
  readonly realTiming: boolean;
  /** Ids of databases that replicate to each other. */
  readonly groups: readonly (readonly string[])[];
  readonly versions: readonly string[];
}

/** What is shown of a drill. */
export interface Shown {
  readonly places: readonly Place[];
  readonly recorder: Recorder;
  readonly outages: Outages;
  readonly steps: readonly Step<never>[];
  readonly settings: readonly Setting[];
  readonly settingsNote: string;
  /** The load, and what it consists of, in words. */
  readonly traffic: string;
  readonly mix: string;
}

/** What a drill tells while it runs. */
export interface Listener {
  begin(shown: Shown): void;
  step(index: number, run: StepRun<never>): void;
  served(run: StepRun<never>, at: number): void;
  note(text: string): void;
  failure(text: string): void;
  end(): void;
}

export class Rehearsal implements Shown {
  readonly now = stopwatch();
  readonly series = new Series(this.now);
  readonly recorder = new Recorder(this.now, this.series, false);
  readonly outages = new Outages(this.now);
  readonly steps: readonly Step<DrillStage>[];
  readonly #options: Record<string, unknown>;
  readonly #ledger = new Ledger();
  readonly #keys: DrillKeys;
  readonly #traffic: Traffic;
  readonly #client: MultiDbClient;
  readonly #gracePeriodMs: number;
  #disposed: Promise<string[]> | undefined;

  /** Opens the proxies; nothing of the databases is touched before `run()`. */
  static async create(plan: Plan): Promise<Rehearsal> {
    const byWeight = [...plan.resolved.databases].sort((a, b) => b.weight - a.weight);
    const places: Place[] = [];
    try {
      for (const database of byWeight) places.push(await Place.create(database));
      return new Rehearsal(plan, places);
    } catch (error) {
      await Promise.all(places.map((place) => place.close()));
      throw error;
    }
  }

  private constructor(
    private readonly plan: Plan,
    readonly places: readonly Place[],
  ) {
    const { settings, groups, resolved } = plan;
    const given = throughProxies(plan, places);
    const options = plan.realTiming ? given : shortened(given, resolved);
    this.#options = options;
    this.#client = createMultiDbClient(options as never) as MultiDbClient;
    const inForce = { ...resolved, ...options } as unknown as ValidatedOptions;
    this.#gracePeriodMs = inForce.gracePeriodMs;
    const [first, second] = places;
    this.steps = script(places, settings, {
      gracePeriodMs: inForce.gracePeriodMs,
      failbackCheckIntervalMs: inForce.failbackCheckIntervalMs,
      returnsByItself:
        inForce.failbackSupported && (first?.database.weight ?? 0) > (second?.database.weight ?? 0),
    });
    const load = new Load({ prefix: settings.prefix, expirySeconds: EXPIRY_SECONDS });
    this.#traffic = new Traffic(this.#client, load, this.#ledger, this.recorder, settings);
    this.#keys = new DrillKeys(places, this.#ledger, settings.prefix, settings.callers, groups);
  }

  /** The options in force, as far as they differ from the defaults. */
  get settings(): readonly Setting[] {
    return shownSettings(this.#options);
  }

  get settingsNote(): string {
    return 'all others are the defaults';
  }

  get traffic(): string {
    const { callers, ratePerSecond } = this.plan.settings;
    return `${counted(callers, 'caller')}, ${counted(ratePerSecond, 'command')} per second, each write with a token of its own`;
  }

  get mix(): string {
    return `keys begin with ${this.plan.settings.prefix} and are deleted at the end`;
  }

  /** Resolves to what happened; everything is closed and every key deleted then. */
  async run(listener: Listener): Promise<RunResult> {
    const startedAt = new Date(systemClock.wallTime());
    this.recorder.listenTo(this.#client);
    listener.begin(this);
    const runs: StepRun<DrillStage>[] = [];
    let failure: string | undefined;
    let hanging = 0;
    let audit: Audit | undefined;
    let durationMs = 0;
    let leftovers: readonly string[] = [];
    try {
      // Making a connection takes the event loop some time, which would show in the load's latencies.
      await Promise.all(this.places.map((place) => place.command('PING')));
      await this.#client.connect();
      this.#keys.start();
      this.#traffic.start();
      failure = await this.#play(runs, listener);
      this.#traffic.stop();
      this.series.flush();
      durationMs = this.now();
      hanging = await this.#settled();
    } finally {
      listener.end();
      leftovers = await this.#end((found) => {
        audit = found;
      });
    }
    return this.#result({ runs, failure, hanging, audit, durationMs, leftovers, startedAt });
  }

  /**
   * Ends everything at once and deletes the keys; also in the middle of `run()`, which then never
   * settles in a useful way. Resolves to what could not be cleaned up. Idempotent.
   */
  dispose(): Promise<string[]> {
    this.#disposed ??= this.#dispose();
    return this.#disposed;
  }

  async #dispose(): Promise<string[]> {
    this.#traffic.stop();
    this.#client.destroy();
    await Promise.all(this.places.map(({ proxy }) => proxy.close()));
    const leftovers = await this.#keys.clean();
    await Promise.all(this.places.map((place) => place.close()));
    return leftovers;
  }

  async #end(audited: (audit: Audit | undefined) => void): Promise<string[]> {
    this.#keys.stop();
    const closed = await this.#close();
    await Promise.all(this.places.map(({ proxy }) => proxy.close()));
    if (this.#disposed === undefined) audited(await this.#keys.audit().catch(() => undefined));
    return [...closed, ...(await this.dispose())];
  }

  async #close(): Promise<string[]> {
    let late = () => {};
    const tooLate = new Promise<string[]>((resolve) => {
      late = () => resolve([`close() did not end within ${CLOSE_MS} ms`]);
    });
    const timer = systemClock.after(CLOSE_MS, late, { keepAlive: true });
    const closed = this.#client.close().then((): string[] => []);
    return Promise.race([closed, tooLate]).finally(() => timer.cancel());
  }

  async #play(runs: StepRun<DrillStage>[], listener: Listener): Promise<string | undefined> {
    const { recorder, outages } = this;
    const stage: DrillStage = { client: this.#client, recorder, outages };
    const patienceMs = PATIENCE_MS + 2 * this.#gracePeriodMs + this.plan.settings.goalRecoveryMs;
    await sleep(WARM_UP_MS);
    for (const [index, step] of this.steps.entries()) {
      const one: StepRun<DrillStage> = {
        step,
        beganAt: this.now(),
        endedAt: Number.POSITIVE_INFINITY,
        servedAt: undefined,
      };
      recorder.beginStep(index, step.expected === undefined);
      runs.push(one);
      listener.step(index, one);
      try {
        const shown = (at: number) => listener.served(one, at);
        await runStep(one, stage, shown, patienceMs);
      } catch (error) {
        const text = error instanceof Error ? error.message : String(error);
        for (const line of this.#client.explain().toString().split('\n')) listener.note(line);
        listener.failure(text);
        return error instanceof ScriptError ? text : `"${step.title}" failed: ${text}`;
      } finally {
        one.endedAt = this.now();
      }
    }
    return undefined;
  }

  /** Waits as long as a command may take and returns how many have not settled then. */
  async #settled(): Promise<number> {
    const { pending } = this.#traffic;
    const giveUpAt = systemClock.now() + this.plan.resolved.commandDeadlineMs + 5000;
    while (pending.size > 0 && systemClock.now() < giveUpAt) await sleep(10);
    return pending.size;
  }

  #result(run: {
    runs: readonly StepRun<DrillStage>[];
    failure: string | undefined;
    hanging: number;
    audit: Audit | undefined;
    durationMs: number;
    leftovers: readonly string[];
    startedAt: Date;
  }): RunResult {
    const { recorder, series } = this;
    const { settings, versions, groups } = this.plan;
    const steps = judgedSteps(run.runs, recorder, run.audit);
    const { reads, writes } = this.#traffic;
    const { acknowledged } = this.#ledger;
    const takesAllDown = settings.faults.includes('all-down');
    const promised = judge({
      ...{ steps, planned: this.steps.length, switches: recorder.switches },
      ...{ gracePeriodMs: this.#gracePeriodMs, reads, writes, acknowledged },
      ...{ hanging: run.hanging, maxLatencyMs: series.maxLatencyMs },
      ...{ routed: undefined, misrouted: [] },
      failedWhileDown: takesAllDown ? recorder.failedWhileDown : undefined,
      waitedWhileDown: recorder.waitedWhileDown,
      wrongWhileDown: recorder.wrongWhileDown,
      ...{ audit: run.audit, looked: 'keys and connections', leftovers: run.leftovers },
      failure: run.failure,
    });
    // A number of errors that is agreed to takes the place of "no reader sees one".
    const others = settings.goalErrors === undefined ? promised : promised.slice(1);
    const promises: PromiseVerdict[] = [...goals(steps, settings), ...others];
    const { callers, ratePerSecond } = settings;
    const maxLatencyMs = series.maxLatencyMs;
    return {
      title: 'redis-multidb drill',
      texts: {
        ...{ kept: 'passed', counted: 'goals', failed: 'missed', promises: 'Goals and promises' },
        settings: 'Settings',
        settingsNote:
          'All other options are the defaults. Waits that only decide how long a return takes may have been shortened for the drill.',
        databasesNote: databasesNote(groups),
        load: 'commands',
      },
      ...{ versions, startedAt: run.startedAt.toISOString(), durationMs: run.durationMs },
      databases: this.places.map(({ info }) => info),
      settings: this.settings,
      traffic: {
        callers,
        ratePerSecond,
        reads,
        writes,
        acknowledgedWrites: acknowledged,
        maxLatencyMs,
      },
      ...{ steps: steps.map(({ result }) => result), switches: recorder.switches },
      ...{ outages: this.outages.ended, samples: series.samples, sampleMs: SAMPLE_MS },
      ...{ promises, ok: promises.every(({ violations }) => violations.length === 0) },
    };
  }
}

/** The given options, with databases that lie behind the proxies. */
function throughProxies({ options, resolved }: Plan, places: readonly Place[]) {
  const { client: shared, databases: given, ...rest } = options;
  const { RESP } = (shared ?? {}) as { RESP?: unknown };
  const databases = places.map((place) => {
    const index = resolved.databases.findIndex(({ id }) => id === place.id);
    const { healthCheck, failureDetector } = (given as Record<string, unknown>[])[index] ?? {};
    return {
      ...place.options,
      ...(healthCheck === undefined ? {} : { healthCheck }),
      ...(failureDetector === undefined ? {} : { failureDetector }),
    };
  });
  return { ...rest, ...(RESP === undefined ? {} : { client: { RESP } }), databases };
}

export function databasesNote(groups: readonly (readonly string[])[]): string {
  const together = groups.filter(({ length }) => length > 1);
  if (together.length === 0) return 'Nothing is replicated between them.';
  return `Data is replicated between ${together.map((ids) => ids.join(' and ')).join('; ')}.`;
}
