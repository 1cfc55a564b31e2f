/** The progress of a drill on the terminal. */
import type { Listener, Shown } from '../../drill/rehearsal/listener.js';
import { WARM_UP_MS } from '../../drill/rehearsal/settings.js';
import type { StepRun } from '../../drill/script/step.js';
import { opening, View } from '../../drill/view.js';
import type { Output } from '../output.js';

export class Progress implements Listener {
  #view: View | undefined;

  constructor(
    private readonly output: Output,
    private readonly versions: readonly string[],
  ) {}

  begin(shown: Shown): void {
    const { terminal } = this.output;
    const { traffic, mix, settings, settingsNote } = shown;
    terminal.print(
      ...opening(terminal, {
        traffic,
        mix,
        settings,
        settingsNote,
        title: 'redis-multidb drill',
        versions: this.versions,
        databases: shown.places.map(({ info }) => info),
      }),
    );
    this.#view = new View(terminal, shown.recorder, {
      steps: shown.steps,
      warmUpMs: WARM_UP_MS,
      ids: shown.places.map(({ id }) => id),
      stateOf: (id) => shown.outages.stateOf(id),
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
