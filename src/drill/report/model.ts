/**
 * The result of a run as plain data, from which the table, the report and the JSON are made. All
 * times are milliseconds since the start of the run unless a name says otherwise.
 */

export interface RunResult {
  readonly title: string;
  readonly texts: RunTexts;
  /** Versions of the software in the run, for the head of the report. */
  readonly versions: readonly string[];
  readonly startedAt: string;
  readonly durationMs: number;
  readonly databases: readonly DatabaseInfo[];
  readonly settings: readonly Setting[];
  readonly traffic: TrafficTotals;
  readonly steps: readonly StepResult[];
  readonly switches: readonly SwitchRecord[];
  readonly outages: readonly Outage[];
  readonly samples: readonly Sample[];
  readonly sampleMs: number;
  readonly promises: readonly PromiseVerdict[];
  readonly ok: boolean;
  readonly application?: ApplicationResult;
}

/** The texts that differ between the kinds of run. */
export interface RunTexts {
  /** The verdict: "every guarantee kept". */
  readonly kept: string;
  /** What the verdict counts: "promises", with a verb for those that failed: "broken". */
  readonly counted: string;
  readonly failed: string;
  /** Heading of the verdict's list. */
  readonly promises: string;
  readonly settings: string;
  readonly settingsNote: string;
  readonly databasesNote: string;
  /** What the callers sent: commands of one client, or requests to an application. */
  readonly load: 'commands' | 'requests';
}

/** The result of a drilled application. */
export interface ApplicationResult {
  readonly command: string;
  /** Number of responses by status, and of requests without a response by reason. */
  readonly answers: ErrorCounts;
  /** After SIGTERM; null: it had already ended. */
  readonly ended: {
    readonly code: number | null;
    readonly signal: string | null;
    readonly afterMs: number;
    readonly killed: boolean;
  } | null;
  /** The last lines of its output, if a goal was missed. */
  readonly lastLines: readonly string[];
}

export interface DatabaseInfo {
  readonly id: string;
  readonly weight: number;
  readonly address: string;
}

export interface Setting {
  readonly name: string;
  readonly value: string;
  readonly defaultValue: string;
}

export interface TrafficTotals {
  readonly callers: number;
  readonly ratePerSecond: number;
  readonly reads: number;
  readonly writes: number;
  readonly acknowledgedWrites: number;
  readonly maxLatencyMs: number;
}

/** How often each kind of error was seen, by kind. */
export type ErrorCounts = Readonly<Record<string, number>>;

export interface StepResult {
  readonly title: string;
  /** The action, in one line. */
  readonly action: string;
  readonly beganAt: number;
  readonly endedAt: number;
  /** Whether the step is a fault, as opposed to a return or a manual switch. */
  readonly isFault: boolean;
  /** The database that had to serve next; undefined: none could. */
  readonly expected: string | undefined;
  /** From the fault to the switch. */
  readonly switchedAfterMs: number | undefined;
  /** From the fault to the first reply from `expected`; to the first typed error if that is none. */
  readonly servedAfterMs: number | undefined;
  /** A description of what the settings let one expect. No verdict depends on it. */
  readonly goal: string;
  /** Of commands in flight at the fault, or begun later in the step. */
  readonly readerErrors: ErrorCounts;
  readonly writerErrors: ErrorCounts;
  /** Typed errors because no database could serve, as promised then; in neither of the above. */
  readonly unavailable: ErrorCounts;
  /** Writes that the servers hold more than once. */
  readonly repeated: number;
}

export interface SwitchRecord {
  readonly at: number;
  readonly from: string | undefined;
  readonly to: string | undefined;
  readonly reason: string;
  readonly cause: string;
  readonly durationMs: number;
}

/** A fault of one database during a period. */
export interface Outage {
  readonly id: string;
  readonly kind: OutageKind;
  readonly from: number;
  readonly to: number;
}

/** The database refuses connections, is silent, replies late, loses connections, or rejects writes
 * with an error. */
export type OutageKind = 'down' | 'frozen' | 'slow' | 'lossy' | 'read-only';

/** What callers saw in one slice of time. */
export interface Sample {
  readonly at: number;
  readonly succeeded: number;
  readonly readerErrors: number;
  readonly writerErrors: number;
  /** Typed errors because no database could serve. */
  readonly unavailable: number;
  /** Of successes; undefined without one. */
  readonly p50Ms: number | undefined;
  readonly p99Ms: number | undefined;
}

export interface PromiseVerdict {
  readonly promise: string;
  /** The basis of the verdict: "52 310 reads". */
  readonly evidence: string;
  /** The violations of the promise; empty if it was kept. */
  readonly violations: readonly string[];
}
