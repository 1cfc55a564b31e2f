import type { Clock, Random } from '../clock.js';
import type { LoopClock } from '../loop-clock.js';
import type { ResolvedOptions } from '../options/types.js';
import type { GroupCounters } from './counters.js';
import type { DeferredRejections } from './deferred-rejections.js';
import type { ProbeRecord } from './probe-record.js';
import type { Emit } from './safe-emitter.js';
import type { ScriptSources } from './script-sources.js';

/**
 * Everything that the parts of a group share: its options, clock, source of randomness, events and
 * counters.
 */
export interface EngineContext {
  readonly options: ResolvedOptions;
  readonly clock: Clock;
  readonly loop: LoopClock;
  readonly random: Random;
  readonly emit: Emit;
  readonly counters: GroupCounters;
  readonly scripts: ScriptSources;
  /** The rejections of calls that are refused at once. */
  readonly rejections: DeferredRejections;
  readonly onProbe?: OnProbe | undefined;
}

/** Called after every probe; must not throw. */
export type OnProbe = (databaseId: string, probe: ProbeRecord, counters: GroupCounters) => void;

/** The wall-clock time that events carry. */
export function timestamp({ clock }: Pick<EngineContext, 'clock'>): Date {
  return new Date(clock.wallTime());
}
