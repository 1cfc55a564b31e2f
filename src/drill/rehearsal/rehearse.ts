/** Plays a drill from its first connection to its last key. */
import type { MultiDbClient } from '../../client/node-redis/client-type.js';
import { createMultiDbClient } from '../../client/node-redis/create-client.js';
import { systemClock } from '../../clock.js';
import { resolveOptions } from '../../options/validate.js';
import { sleep } from '../../test-bed/wire/wait.js';
import type { Audit } from '../load/audit.js';
import { Load } from '../load/commands.js';
import { Ledger } from '../load/ledger.js';
import { Recorder } from '../load/recorder.js';
import { Series } from '../load/series.js';
import { Traffic } from '../load/traffic.js';
import { counted } from '../report/format.js';
import type { RunResult, Setting } from '../report/model.js';
import { type Played, playStep } from '../script/play.js';
import { judgedSteps } from '../script/results.js';
import { ScriptError, type Step, type StepRun } from '../script/step.js';
import {
  longestFailbackMs,
  longestGraceMs,
  shortened,
  shortestGraceMs,
  stopwatch,
  throughProxies,
} from './client-options.js';
import { DrillKeys, EXPIRY_SECONDS } from './keys.js';
import type { Listener, Shown } from './listener.js';
import { Outages, type Place, withPlaces } from './places.js';
import { drillResult, type Judged } from './result.js';
import { type DrillStage, script } from './script.js';
import { type DrillPlan, WARM_UP_MS } from './settings.js';
import { shownSettings } from './shown.js';
import { judgeDrill } from './verdict.js';

const CLOSE_MS = 10_000;
/** Additional time beyond what the settings let one expect, in milliseconds. */
const PATIENCE_MS = 20_000;

const TEXTS: Judged['texts'] = {
  promises: 'Goals and guarantees',
  settings: 'Settings',
  settingsNote:
    'All other options are the defaults. Waits that only determine the duration of a return may have been shortened.',
  load: 'commands',
};

export interface Plan extends DrillPlan {
  /** Plain options of `createMultiDbClient`. */
  readonly options: Record<string, unknown>;
  /** All waits are as configured, including those that only affect how long a failback takes. */
  readonly realTiming: boolean;
}

/** The findings after everything has ended. */
interface End {
  /** Undefined: the databases could not be read. */
  readonly audit: Audit | undefined;
  readonly leftovers: readonly string[];
}

interface Findings extends End {
  readonly played: Played<DrillStage>;
  /** Commands that never settled. */
  readonly hanging: number;
  readonly startedAt: Date;
  readonly durationMs: number;
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
  readonly #longestGraceMs: number;
  #disposed: Promise<string[]> | undefined;

  /** Opens the proxies; the databases are not touched before `run()`. */
  static create(plan: Plan): Promise<Rehearsal> {
    return withPlaces(plan.resolved, (places) => new Rehearsal(plan, places));
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
    const inForce = resolveOptions(options);
    this.#gracePeriodMs = shortestGraceMs(inForce);
    this.#longestGraceMs = longestGraceMs(inForce);
    const [first, second] = places;
    this.steps = script(places, settings, {
      gracePeriodMs: this.#gracePeriodMs,
      failbackCheckIntervalMs: longestFailbackMs(inForce),
      slowCallMs: first?.database.failureDetector.slowCallMs,
      returnsByItself:
        inForce.failbackSupported && (first?.database.weight ?? 0) > (second?.database.weight ?? 0),
    });
    const load = new Load({ prefix: settings.prefix, expirySeconds: EXPIRY_SECONDS });
    this.#traffic = new Traffic(this.#client, load, this.#ledger, this.recorder, settings);
    this.#keys = new DrillKeys(places, this.#ledger, settings.prefix, settings.callers, groups);
  }

  /** The options that differ from the defaults. */
  get settings(): readonly Setting[] {
    return shownSettings(this.#options);
  }

  get settingsNote(): string {
    return 'all other options are the defaults';
  }

  get traffic(): string {
    const { callers, ratePerSecond } = this.plan.settings;
    return `${counted(callers, 'caller')}, ${counted(ratePerSecond, 'command')} per second, each write with its own token`;
  }

  get mix(): string {
    return `keys begin with ${this.plan.settings.prefix} and are deleted at the end`;
  }

  /** Resolves to the result, when everything is closed and every key deleted. */
  async run(listener: Listener): Promise<RunResult> {
    const startedAt = new Date(systemClock.wallTime());
    this.recorder.listenTo(this.#client);
    listener.begin(this);
    let played: Played<DrillStage>;
    let hanging: number;
    let durationMs: number;
    let end: End;
    try {
      // Opening a connection blocks the event loop for a moment, which would show in the load's
      // latencies.
      await Promise.all(this.places.map((place) => place.command('PING')));
      await this.#client.connect();
      this.#keys.start();
      this.#traffic.start();
      played = await this.#play(listener);
      this.#traffic.stop();
      this.series.flush();
      durationMs = this.now();
      hanging = await this.#settled();
    } finally {
      listener.end();
      end = await this.#end();
    }
    return this.#result({ ...end, played, hanging, startedAt, durationMs });
  }

  /**
   * Ends everything at once and deletes the keys, even in the middle of `run()`, whose promise then
   * has no useful result. Resolves to descriptions of what could not be cleaned up. Idempotent.
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

  async #end(): Promise<End> {
    this.#keys.stop();
    const closed = await this.#close();
    await Promise.all(this.places.map(({ proxy }) => proxy.close()));
    const audit =
      this.#disposed === undefined ? await this.#keys.audit().catch(() => undefined) : undefined;
    return { audit, leftovers: [...closed, ...(await this.dispose())] };
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

  async #play(listener: Listener): Promise<Played<DrillStage>> {
    const { recorder, outages } = this;
    const stage: DrillStage = { client: this.#client, recorder, outages };
    const patienceMs = PATIENCE_MS + 2 * this.#longestGraceMs + this.plan.settings.goalRecoveryMs;
    const runs: StepRun<DrillStage>[] = [];
    await sleep(WARM_UP_MS);
    for (const step of this.steps) {
      try {
        await playStep(step, { stage, runs, follower: listener, patienceMs });
      } catch (error) {
        const text = error instanceof Error ? error.message : String(error);
        for (const line of this.#client.explain().toString().split('\n')) listener.note(line);
        listener.failure(text);
        const failure = error instanceof ScriptError ? text : `"${step.title}" failed: ${text}`;
        return { runs, failure };
      }
    }
    return { runs, failure: undefined };
  }

  /** Waits as long as a command may take; returns the number of unsettled commands. */
  async #settled(): Promise<number> {
    const { pending } = this.#traffic;
    const giveUpAt = systemClock.now() + this.plan.resolved.commandDeadlineMs + 5000;
    while (pending.size > 0 && systemClock.now() < giveUpAt) await sleep(10);
    return pending.size;
  }

  #result({ played, hanging, audit, leftovers, startedAt, durationMs }: Findings): RunResult {
    const { recorder, series } = this;
    const { settings } = this.plan;
    const { callers, ratePerSecond } = settings;
    const { reads, writes } = this.#traffic;
    const { acknowledged } = this.#ledger;
    const { maxLatencyMs, samples } = series;
    const steps = judgedSteps(played.runs, recorder, audit);
    const promises = judgeDrill(settings, recorder, {
      steps,
      planned: this.steps.length,
      gracePeriodMs: this.#gracePeriodMs,
      reads,
      writes,
      acknowledged,
      hanging,
      audit,
      leftovers,
      failure: played.failure,
    });
    return drillResult(this, {
      plan: this.plan,
      texts: TEXTS,
      startedAt,
      durationMs,
      traffic: {
        callers,
        ratePerSecond,
        reads,
        writes,
        acknowledgedWrites: acknowledged,
        maxLatencyMs,
      },
      samples,
      steps,
      promises,
    });
  }
}
