/** A drill with an application as the load: from the start of its process to its end. */

import { freePort } from '../../test-bed/server/free-port.js';
import type { Listener } from '../rehearsal/listener.js';
import { type Place, withPlaces } from '../rehearsal/places.js';
import type { RunResult } from '../report/model.js';
import { type AppPlan, environmentOf, located, placesOf, secretsOf } from './application.js';
import { AppProcess } from './child.js';
import { endInOrder } from './end.js';
import { loadOf } from './load.js';
import { play } from './play.js';
import { appResult } from './result.js';
import { AppRun } from './run.js';
import { ready, used } from './start.js';

const HURRY_MS = 2000;

export class AppRehearsal {
  readonly #plan: AppPlan;
  readonly #child: AppProcess;
  /** Set once the application can serve. */
  #run: AppRun | undefined;
  #disposed: Promise<string[]> | undefined;

  /** Opens the proxies and starts the application. */
  static create(plan: AppPlan): Promise<AppRehearsal> {
    return withPlaces(
      plan.resolved,
      async (places) => new AppRehearsal(plan, places, await freePort()),
    );
  }

  private constructor(
    plan: AppPlan,
    private readonly places: readonly Place[],
    port: number,
  ) {
    const known = placesOf(places, port);
    const application = located(plan.application, known);
    this.#plan = { ...plan, application };
    const [command = '', ...args] = application.words;
    const env = environmentOf(application, places, known);
    this.#child = new AppProcess({ command, args, env, secrets: secretsOf(places) });
  }

  /**
   * Resolves to the result, when the application has ended. Rejects with an `AppError` if it can't
   * be used in a drill.
   */
  async run(listener: Listener): Promise<RunResult> {
    try {
      const run = await this.#opened();
      this.#run = run;
      listener.begin(run);
      run.start();
      const played = await play(run, this.#child, listener);
      const { series } = run.recorder;
      series.flush();
      const durationMs = run.now();
      // Samples during the shutdown do not belong to the timeline.
      const samples = [...series.samples];
      const end = await endInOrder(run, this.#child, this.#plan.application.stopWithinMs);
      const { lastLines } = this.#child;
      return appResult(run, { played, end, durationMs, samples, lastLines });
    } finally {
      listener.end();
      await this.dispose();
    }
  }

  /** Ends everything, even in the middle of `run()`. Resolves to an empty list. Idempotent. */
  dispose(): Promise<string[]> {
    this.#disposed ??= this.#dispose();
    return this.#disposed;
  }

  async #dispose(): Promise<string[]> {
    this.#run?.close();
    await this.#child.stop(HURRY_MS);
    await Promise.all(this.places.map((place) => place.close()));
    return [];
  }

  /** Waits until the application can serve, from databases behind the proxies. */
  async #opened(): Promise<AppRun> {
    const { application, settings } = this.#plan;
    const { status } = application;
    const load = loadOf(application, settings);
    const control = status === undefined ? undefined : application.control(status);
    await ready(this.#child, application, load.requests);
    const places = await used(this.places, application, control);
    return new AppRun(this.#plan, load, places, control);
  }
}
