/** The settings of a drill. */
import type { ValidatedOptions } from '../../options/validate.js';

export const FAULTS = [
  'kill',
  'freeze',
  'half-open',
  'reset',
  'delay',
  'slow',
  'lossy',
  'read-only',
  'switch',
  'all-down',
] as const;

export type FaultName = (typeof FAULTS)[number];

/** What each fault does to the database of the highest weight, in one line. */
export const FAULT_TEXTS: Readonly<Record<FaultName, string>> = {
  kill: 'connections are reset, new ones refused',
  freeze: 'connections stay open but carry no data',
  'half-open': 'the server forgets its connections, and new ones get no answer',
  reset: 'all connections are cut once; the server is healthy',
  delay: 'every reply is late, as on a slow network',
  slow: 'every reply takes longer than slowCallMs',
  lossy: 'a share of the connections is cut again and again; the server is healthy',
  'read-only': 'writes are answered with READONLY',
  switch: 'nothing fails; the switch is manual',
  'all-down': 'all databases refuse connections',
};

/** Duration of the traffic before the first fault, in milliseconds. */
export const WARM_UP_MS = 2000;

export interface DrillSettings {
  readonly faults: readonly FaultName[];
  readonly callers: number;
  readonly ratePerSecond: number;
  /** Goal for the time from a fault to the first reply, in milliseconds. */
  readonly goalRecoveryMs: number;
  /** Errors of callers for each fault; undefined: none of reads, any number of writes. */
  readonly goalErrors: number | undefined;
  /** All keys of the drill begin with it. */
  readonly prefix: string;
  /** How long a state is held after it was reached, in milliseconds. */
  readonly holdMs: number;
  /** Milliseconds that `delay`, and `slow` without `slowCallMs`, adds to each reply. */
  readonly delayMs: number;
}

/** The plan of a drill with any load. */
export interface DrillPlan {
  readonly resolved: ValidatedOptions;
  readonly settings: DrillSettings;
  /** Ids of databases that replicate to each other. */
  readonly groups: readonly (readonly string[])[];
  readonly versions: readonly string[];
}
