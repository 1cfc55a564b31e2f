/** The display of a drill, and its progress listener. */
import type { Recorder } from '../load/recorder.js';
import type { Setting } from '../report/model.js';
import type { Follower } from '../script/play.js';
import type { Step } from '../script/step.js';
import type { Outages, Place } from './places.js';

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

export interface Listener extends Follower {
  begin(shown: Shown): void;
  note(text: string): void;
  failure(text: string): void;
  end(): void;
}
