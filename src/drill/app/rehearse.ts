/** Plays a drill with an application as the load: from its start to its end. */
import { systemClock } from '../../clock.js';
import type { ValidatedOptions } from '../../options/validate.js';
import { Recorder } from '../load/recorder.js';
import { SAMPLE_MS, Series } from '../load/series.js';
import { stopwatch } from '../rehearsal/client-options.js';
import { Outages, Place } from '../rehearsal/places.js';
import { databasesNote, type Listener, type Shown, WARM_UP_MS } from '../rehearsal/rehearse.js';
import type { DrillSettings } from '../rehearsal/settings.js';
import { counted } from '../report/format.js';
import type { RunResult, Sample, Setting } from '../report/model.js';
import { judgedSteps } from '../script/results.js';
import { runStep, ScriptError, type StepRun } from '../script/step.js';
import { freePort } from '../server/free-port.js';
import { sleep } from '../wire/wait.js';
import { type Application, environmentOf, placesOf, secretsOf } from './application.js';
import { AppProcess, endingText, type Stopped } from './child.js';
import { type AppRequest, Requests } from './requests.js';
import { type AppStage, type AppStep, appScript, type Build } from './script.js';
import { ready, used } from './start.js';
import { filled, variableOf } from './template.js';
import { judgeApp, summed } from './verdict.js';
import { LEAST_HOLD_MS, StatusWatch, TrafficWatch, type Watch } from './watch.js';

const HURRY_MS = 2000;
/** A request that begins in the moment of SIGTERM may find nobody any more. */
const CROSSING_MS = 50;
/** Beyond what the settings let one expect. */
const PATIENCE_MS = 10_000;

export interface AppPlan {
  readonly application: Application;
  readonly resolved: ValidatedOptions;
  readonly settings: DrillSettings;
  /** Ids of databases that replicate to each other. */
  readonly groups: readonly (readonly string[])[];
  readonly versions: readonly string[];
}

export class AppRehearsal implements Shown {
  readonly settingsNote = 'the options of the client are those of the application';
  places: readonly Place[];
  recorder: Recorder;
  outages: Outages;
  /** Those to come are as they would be if nothing had happened. */
  steps: AppStep[] = [];
  readonly #application: Application;
  readonly #child: AppProcess;
  readonly #all: readonly Place[];
  #now = stopwatch();
  #requests: Requests | undefined;
  #watch: Watch | undefined;
  #builds: Build[] = [];
  #underWay = 0;
  readonly #cut: string[] = [];
  #disposed: Promise<string[]> | undefined;

  /** Opens the proxies and starts the application. */
  static async create(plan: AppPlan): Promise<AppRehearsal> {
    const byWeight = [...plan.resolved.databases].sort((a, b) => b.weight - a.weight);
    const places: Place[] = [];
    try {
      for (const database of byWeight) places.push(await Place.create(database));
      return new AppRehearsal(plan, places, await freePort());
    } catch (error) {
      await Promise.all(places.map((place) => place.close()));
      throw error;
    }
  }

  private constructor(
    private readonly plan: AppPlan,
    places: readonly Place[],
    port: number,
  ) {
    const { application } = plan;
    const known = placesOf(places, port);
    const fill = (text: string) => filled(text, known);
    const [command = '', ...args] = application.words.map(fill);
    this.#application = {
      ...application,
      requests: application.requests.map(({ method, url }) => ({ method, url: fill(url) })),
      status: application.status === undefined ? undefined : fill(application.status),
    };
    this.#all = places;
    this.places = places;
    this.recorder = new Recorder(this.#now, new Series(this.#now), true);
    this.outages = new Outages(this.#now);
    const env = environmentOf(application, places, known);
    this.#child = new AppProcess({ command, args, env, secrets: secretsOf(places) });
  }

  get settings(): readonly Setting[] {
    const { text, requests, status, stopWithinMs } = this.#application;
    const row = (name: string, value: string) => ({ name, value, defaultValue: '' });
    return [
      row('application', text),
      ...requests.map(({ method, url }) => row('request', `${method} ${url}`)),
      ...(status === undefined ? [] : [row('status', status)]),
      row('databases', this.places.map(({ id }) => variableOf(id)).join(', ')),
      row('ends within', `${stopWithinMs} ms`),
    ];
  }

  get traffic(): string {
    const { callers, ratePerSecond } = this.#rate;
    return `${counted(callers, 'caller')}, ${counted(ratePerSecond, 'request')} per second`;
  }

  get mix(): string {
    return this.#load.map(({ method, url }) => `${method} ${url}`).join(', ');
  }

  /** Resolves to what happened; the application is gone then. Rejects with an `AppError` if it can't be rehearsed. */
  async run(listener: Listener): Promise<RunResult> {
    try {
      return await this.#run(listener);
    } finally {
      listener.end();
      await this.dispose();
    }
  }

  /** Ends everything, also in the middle of `run()`. Resolves to nothing that is left. Idempotent. */
  dispose(): Promise<string[]> {
    this.#disposed ??= this.#dispose();
    return this.#disposed;
  }

  async #dispose(): Promise<string[]> {
    this.#watch?.stop();
    this.#requests?.close();
    await this.#child.stop(HURRY_MS);
    await Promise.all(this.#all.map((place) => place.close()));
    return [];
  }

  /** Without requests of its own, how it is can be asked. */
  get #load(): readonly AppRequest[] {
    const { requests, status } = this.#application;
    return requests.length > 0 ? requests : [{ method: 'GET', url: `${status}/readyz` }];
  }

  get #isAskedOnly(): boolean {
    return this.#application.requests.length === 0;
  }

  get #rate() {
    return this.#isAskedOnly ? { callers: 1, ratePerSecond: 20 } : this.plan.settings;
  }

  async #run(listener: Listener): Promise<RunResult> {
    const application = this.#application;
    const control =
      application.status === undefined ? undefined : application.control(application.status);
    await ready(this.#child, application, this.#load);
    this.places = await used(this.#all, application, control);
    // The time of the run begins now: the start is no part of it.
    this.#now = stopwatch();
    const startedAt = systemClock.wallTime();
    const { resolved, settings } = this.plan;
    this.recorder = new Recorder(this.#now, new Series(this.#now), true);
    this.outages = new Outages(this.#now);
    const requests = new Requests(
      ...([this.#load, application.headers, this.recorder, this.#rate] as const),
      resolved.commandDeadlineMs + 5000,
    );
    requests.allDown = this.#isAskedOnly;
    this.#requests = requests;
    const recoveryMs = expectedReturnMs(resolved);
    const holdMs = control ? settings.holdMs : Math.max(LEAST_HOLD_MS, settings.holdMs);
    const watch = control
      ? new StatusWatch(() => control.status(), this.recorder)
      : new TrafficWatch(this.places, this.recorder, recoveryMs);
    this.#watch = watch;
    this.#builds = appScript(
      this.places,
      { ...settings, holdMs },
      { recoveryMs, afterSwitch: this.#isAskedOnly },
    );
    this.steps = this.#builds.map((build) => build(this.places[0] as Place));
    listener.begin(this);

    const switchTo = (id: string) =>
      control?.switchTo(id) ?? Promise.reject(new Error('a switch by hand needs the status'));
    const stage: AppStage = {
      ...{ recorder: this.recorder, outages: this.outages, requests, watch, switchTo },
    };
    const runs: StepRun<AppStage>[] = [];
    watch.start();
    requests.start();
    const failure = await this.#play(runs, stage, listener, recoveryMs);
    this.recorder.series.flush();
    const durationMs = this.#now();
    // What comes during the end is no part of the timeline.
    const samples = [...this.recorder.series.samples];
    await watch.look();
    watch.stop();
    const hadEnded = this.#child.ending !== undefined;
    await Promise.all(this.places.map(({ proxy }) => proxy.restore().catch(() => {})));
    this.outages.end(...this.places.map(({ id }) => id));
    const stopped = await this.#stop(requests);
    return this.#result({
      ...{ runs, failure, samples, durationMs, startedAt, stopped: hadEnded ? undefined : stopped },
    });
  }

  async #play(
    runs: StepRun<AppStage>[],
    stage: AppStage,
    listener: Listener,
    recoveryMs: number,
  ): Promise<string | undefined> {
    const died = this.#child.ended.then((ending): never => {
      throw new ScriptError(`The application ${endingText(ending)}`);
    });
    died.catch(() => {});
    const patienceMs = PATIENCE_MS + 2 * recoveryMs + this.plan.settings.goalRecoveryMs;
    let title = 'Before the first fault';
    try {
      await Promise.race([sleep(WARM_UP_MS), died]);
      if (stage.recorder.series.answered === 0)
        throw new ScriptError('No request got a good answer');
      for (const [index, build] of this.#builds.entries()) {
        await stage.watch.look();
        const active = this.places.find(({ id }) => id === stage.watch.active);
        const step = build(active ?? (this.places[0] as Place));
        title = step.title;
        this.steps[index] = step;
        const one: StepRun<AppStage> = {
          ...{ step, beganAt: this.#now(), endedAt: Infinity, servedAt: undefined },
        };
        this.recorder.beginStep(index, step.expected === undefined);
        runs.push(one);
        listener.step(index, one);
        try {
          const shown = (at: number) => listener.served(one, at);
          await runStep(one, stage, shown, patienceMs, died);
          await stage.watch.look();
        } finally {
          one.endedAt = this.#now();
        }
        runs[index] = { ...one, step: this.#asItWent(one) };
      }
      return undefined;
    } catch (error) {
      const text = error instanceof Error ? error.message : String(error);
      for (const line of this.#child.lastLines) listener.note(line);
      listener.failure(text);
      return error instanceof ScriptError && error.message.includes('"')
        ? text
        : `${title}: ${text}`;
    }
  }

  /** Which of the others takes over is for the application to say. */
  #asItWent({ step, beganAt }: StepRun<AppStage>): AppStep {
    if (step.stays || step.expected === undefined) return step;
    const switches = this.recorder.switches.filter(({ at }) => at >= beganAt);
    // After a return the one that took over may go on.
    const last = switches.at(-1)?.to ?? (step.planned ? this.recorder.active : undefined);
    return last === undefined ? step : { ...step, expected: last };
  }

  /** As an orchestrator does: no new requests, SIGTERM, and patience. */
  async #stop(requests: Requests): Promise<Stopped> {
    const at = this.#now();
    requests.onEnding = ({ beganAt, status }) => {
      if (beganAt < at - CROSSING_MS) this.#cut.push(`a request under way ended with ${status}`);
    };
    this.#underWay = requests.pending.size;
    requests.stop();
    const stopped = await this.#child.stop(this.#application.stopWithinMs);
    requests.close();
    return stopped;
  }

  #result(run: {
    runs: readonly StepRun<AppStage>[];
    failure: string | undefined;
    samples: readonly Sample[];
    durationMs: number;
    startedAt: number;
    stopped: Stopped | undefined;
  }): RunResult {
    const { recorder, plan } = this;
    const requests = this.#requests as Requests;
    const steps = judgedSteps(run.runs, recorder, undefined);
    const early = recorder.errors.get(-1);
    const { reads, writes, statuses } = requests;
    const { maxLatencyMs } = recorder.series;
    const unanswered = Object.entries(statuses).filter(([status]) =>
      status.startsWith('no answer'),
    );
    const { stopWithinMs, status, text } = this.#application;
    const promises = judgeApp({
      ...{ steps, planned: this.#builds.length, settings: { ...plan.settings, ...this.#rate } },
      ...{ reads, writes, maxLatencyMs, hasStatus: status !== undefined, failure: run.failure },
      unanswered: unanswered.reduce((sum, [, times]) => sum + times, 0),
      early: summed(early?.reader ?? {}, early?.writer ?? {}),
      ...{ stopped: run.stopped, stopWithinMs, underWay: this.#underWay, cut: this.#cut },
    });
    const { stopped } = run;
    return {
      title: 'redis-multidb drill',
      texts: {
        ...{ kept: 'passed', counted: 'goals', failed: 'missed', promises: 'Goals' },
        ...{ settings: 'Application', load: 'requests' },
        settingsNote: 'The options of the client are those of the application.',
        databasesNote: databasesNote(plan.groups),
      },
      versions: plan.versions,
      ...{ startedAt: new Date(run.startedAt).toISOString(), durationMs: run.durationMs },
      databases: this.places.map(({ info }) => info),
      settings: this.settings,
      traffic: {
        ...this.#rate,
        ...{ reads, writes, acknowledgedWrites: requests.goodWrites, maxLatencyMs },
      },
      ...{ steps: steps.map(({ result }) => result), switches: recorder.switches },
      ...{ outages: this.outages.ended, samples: run.samples, sampleMs: SAMPLE_MS },
      application: {
        ...{ command: text, answers: statuses },
        ended:
          stopped === undefined
            ? null
            : {
                code: stopped.code,
                signal: stopped.signal,
                afterMs: stopped.afterMs,
                killed: stopped.killed,
              },
        lastLines: promises.every(({ violations }) => violations.length === 0)
          ? []
          : this.#child.lastLines,
      },
      ...{ promises, ok: promises.every(({ violations }) => violations.length === 0) },
    };
  }
}

/** How long an application with these options takes to find out that a database is well: two rounds of probes. */
function expectedReturnMs({ databases }: ValidatedOptions): number {
  const rounds = databases.flatMap(({ healthChecks }) =>
    healthChecks.map(
      ({ intervalMs, numProbes, delayInBetweenProbesMs }) =>
        intervalMs + numProbes * (delayInBetweenProbesMs + 100),
    ),
  );
  return Math.max(2000, ...rounds) + 1000;
}
