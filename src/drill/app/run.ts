/**
 * One run of a drill, from when the application can serve: its load, its observers, and what they
 * record.
 */
import { systemClock } from '../../clock.js';
import type { ValidatedOptions } from '../../options/validate.js';
import { Recorder } from '../load/recorder.js';
import { Series } from '../load/series.js';
import { stopwatch } from '../rehearsal/client-options.js';
import type { Shown } from '../rehearsal/listener.js';
import { Outages, type Place } from '../rehearsal/places.js';
import { counted, duration } from '../report/format.js';
import type { Setting } from '../report/model.js';
import type { AppControl, AppPlan } from './application.js';
import type { AppLoad } from './load.js';
import { Requests } from './requests.js';
import { type AppStage, type AppStep, appScript, type Build } from './script.js';
import { StatusWatch } from './status-watch.js';
import { shownCommand, shownUrl, variableOf } from './template.js';
import { LEAST_HOLD_MS, TrafficWatch } from './traffic-watch.js';
import type { Watch } from './watch.js';

/** Additional time beyond what the settings let one expect, in milliseconds. */
const PATIENCE_MS = 10_000;
/** Additional time beyond the command deadline of the application's client, in milliseconds. */
const ANSWER_MS = 5000;

export class AppRun implements Shown {
  readonly settingsNote = 'the application determines the options of its client';
  readonly startedAt = new Date(systemClock.wallTime());
  /** The time of the run starts here, without the start of the application. */
  readonly now = stopwatch();
  readonly recorder = new Recorder(this.now, new Series(this.now), true);
  readonly outages = new Outages(this.now);
  readonly requests: Requests;
  readonly watch: Watch;
  readonly stage: AppStage;
  readonly builds: readonly Build[];
  /** Future steps assume that nothing has happened before. */
  readonly steps: AppStep[];
  /** Longest wait for the effect of a step, in milliseconds. */
  readonly patienceMs: number;

  constructor(
    readonly plan: AppPlan,
    readonly load: AppLoad,
    /** The databases that the application uses, in order of preference. */
    readonly places: readonly Place[],
    control: AppControl | undefined,
  ) {
    const { application, resolved, settings } = plan;
    const { recorder, outages } = this;
    const recoveryMs = expectedReturnMs(resolved);
    this.patienceMs = PATIENCE_MS + 2 * recoveryMs + settings.goalRecoveryMs;
    this.requests = new Requests(
      load.requests,
      application.headers,
      recorder,
      load.rate,
      resolved.commandDeadlineMs + ANSWER_MS,
    );
    this.requests.allDown = load.isAskedOnly;
    this.watch = control
      ? new StatusWatch(() => control.status(), recorder)
      : new TrafficWatch(places, recorder, recoveryMs);
    const switchTo = (id: string) =>
      control?.switchTo(id) ?? Promise.reject(new Error('a manual switch requires the status'));
    this.stage = { recorder, outages, requests: this.requests, watch: this.watch, switchTo };
    const holdMs = control ? settings.holdMs : Math.max(LEAST_HOLD_MS, settings.holdMs);
    const timing = { recoveryMs, afterSwitch: load.isAskedOnly };
    this.builds = appScript(places, { ...settings, holdMs }, timing);
    this.steps = this.builds.map((build) => build(this.#preferred));
  }

  get settings(): readonly Setting[] {
    const { text, requests, status, stopWithinMs } = this.plan.application;
    const row = (name: string, value: string) => ({ name, value, defaultValue: '' });
    return [
      row('application', shownCommand(text)),
      ...requests.map(({ method, url }) => row('request', `${method} ${shownUrl(url)}`)),
      ...(status === undefined ? [] : [row('status', status)]),
      row('databases', this.places.map(({ id }) => variableOf(id)).join(', ')),
      row('ends within', duration(stopWithinMs)),
    ];
  }

  get traffic(): string {
    const { callers, ratePerSecond } = this.load.rate;
    return `${counted(callers, 'caller')}, ${counted(ratePerSecond, 'request')} per second`;
  }

  get mix(): string {
    return this.load.requests.map(({ method, url }) => `${method} ${shownUrl(url)}`).join(', ');
  }

  /** The database that the next fault hits. */
  get active(): Place {
    return this.places.find(({ id }) => id === this.watch.active) ?? this.#preferred;
  }

  get #preferred(): Place {
    return this.places[0] as Place;
  }

  start(): void {
    this.watch.start();
    this.requests.start();
  }

  /** Ends everything in progress. Idempotent. */
  close(): void {
    this.watch.stop();
    this.requests.close();
  }
}

/**
 * How long an application with these options takes to notice that a database is healthy: two rounds
 * of probes.
 */
function expectedReturnMs({ databases }: ValidatedOptions): number {
  const rounds = databases.flatMap(({ healthChecks }) =>
    healthChecks.map(
      ({ intervalMs, numProbes, delayInBetweenProbesMs }) =>
        intervalMs + numProbes * (delayInBetweenProbesMs + 100),
    ),
  );
  return Math.max(2000, ...rounds) + 1000;
}
