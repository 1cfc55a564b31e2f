/** What the terminal shows of a drill. */

import type { Listener, Rehearsal } from '../../drill/rehearsal/rehearse.js';
import { WARM_UP_MS } from '../../drill/rehearsal/rehearse.js';
import type { DrillSettings } from '../../drill/rehearsal/settings.js';
import { counted } from '../../drill/report/format.js';
import type { StepRun } from '../../drill/script/step.js';
import { opening, View } from '../../drill/view.js';
import type { Output } from '../output.js';

export class Progress implements Listener {
  #view: View | undefined;

  constructor(
    private readonly output: Output,
    private readonly settings: DrillSettings,
    private readonly versions: readonly string[],
  ) {}

  begin(rehearsal: Rehearsal): void {
    const { terminal } = this.output;
    const { callers, ratePerSecond } = this.settings;
    terminal.print(
      ...opening(terminal, {
        title: 'redis-multidb drill',
        versions: this.versions,
        databases: rehearsal.places.map(({ info }) => info),
        traffic: `${counted(callers, 'caller')}, ${counted(ratePerSecond, 'command')} per second, each write with a token of its own`,
        mix: `keys begin with ${this.settings.prefix} and are deleted at the end`,
        settings: rehearsal.settings,
        settingsNote: 'all others are the defaults',
      }),
    );
    this.#view = new View(terminal, rehearsal.recorder, {
      steps: rehearsal.steps,
      warmUpMs: WARM_UP_MS,
      ids: rehearsal.ids,
      stateOf: (id) => rehearsal.outages.stateOf(id),
    });
    this.#view.start();
  }

  step(index: number, run: StepRun<never>): void {
    this.#view?.step(index, run);
  }

  served(run: StepRun<never>, at: number): void {
    this.#view?.served(run, at);
  }

  note(text: string): void {
    this.#view?.note(text);
  }

  failure(text: string): void {
    this.#view?.failure(text);
  }

  end(): void {
    this.#view?.stop();
  }
}
