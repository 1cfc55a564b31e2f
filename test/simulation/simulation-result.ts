export interface Violation {
  readonly promise: string;
  readonly text: string;
  /** Virtual time. */
  readonly at: number;
}

export interface SimulationResult {
  readonly seed: number;
  readonly violations: readonly Violation[];
  readonly simulatedMs: number;
  readonly faults: number;
  /** Without the first one. */
  readonly switches: number;
  readonly commands: number;
  /** Number of steering documents that were obeyed. */
  readonly steered: number;
  /** What happened, when asked for. */
  readonly trace: readonly string[];
}

export interface SimulationSettings {
  readonly seed: number;
  /** Costs time; a seed repeats exactly, so that it can be asked for afterwards. */
  readonly trace?: boolean;
}
