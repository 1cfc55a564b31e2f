/** The play of an application's script: each fault hits the database that is active then. */

import { sleep } from '../../test-bed/wire/wait.js';
import type { Recorder } from '../load/recorder.js';
import type { Listener } from '../rehearsal/listener.js';
import { WARM_UP_MS } from '../rehearsal/settings.js';
import { type Played, playStep } from '../script/play.js';
import { ScriptError, type StepRun } from '../script/step.js';
import { type AppProcess, endingText } from './child.js';
import type { AppRun } from './run.js';
import type { AppStage, AppStep } from './script.js';

/** Never rejects: the reason for an early end is a part of the result. */
export async function play(
  run: AppRun,
  child: AppProcess,
  listener: Listener,
): Promise<Played<AppStage>> {
  const { builds, recorder, stage, steps, watch } = run;
  const runs: StepRun<AppStage>[] = [];
  const ended = deathOf(child);
  const playing = { stage, runs, follower: listener, patienceMs: run.patienceMs, ended };
  let title = 'Before the first fault';
  try {
    await Promise.race([sleep(WARM_UP_MS), ended]);
    if (recorder.series.answered === 0) throw new ScriptError('No request got a good answer');
    for (const [index, build] of builds.entries()) {
      await watch.look();
      const step = build(run.active);
      title = step.title;
      steps[index] = step;
      const played = await playStep(step, playing);
      // A switch that is not known yet belongs to this step.
      await watch.look();
      runs[index] = { ...played, endedAt: run.now(), step: asItWent(played, recorder) };
    }
    return { runs, failure: undefined };
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    for (const line of child.lastLines) listener.note(line);
    listener.failure(text);
    const namesStep = error instanceof ScriptError && error.message.includes('"');
    return { runs, failure: namesStep ? text : `${title}: ${text}` };
  }
}

/** Rejects when the application has ended. */
function deathOf(child: AppProcess): Promise<never> {
  const death = child.ended.then((ending): never => {
    throw new ScriptError(`The application ${endingText(ending)}`);
  });
  // The process ends in any case, when the promise is no longer awaited.
  death.catch(() => {});
  return death;
}

/**
 * Returns the step with the actual successor, because the application decides which database takes
 * over.
 */
function asItWent({ step, beganAt }: StepRun<AppStage>, recorder: Recorder): AppStep {
  if (step.stays || step.expected === undefined) return step;
  const switches = recorder.switches.filter(({ at }) => at >= beganAt);
  // After a return the successor may continue to serve.
  const last = switches.at(-1)?.to ?? (step.planned ? recorder.active : undefined);
  return last === undefined ? step : { ...step, expected: last };
}
