/** The findings of `check` as data. */

import { cleanText } from '../../clean-text.js';
import type { WhatIfReport } from './what-if.js';

/**
 * - `problem`: something does not work; the exit code is 1
 * - `warning`: it works, but probably not as expected
 * - `note`: worth knowing
 * - `skipped`: was not checked; the text says why
 */
export type Level = 'ok' | 'note' | 'warning' | 'problem' | 'skipped';

export interface Finding {
  /** Stable name of the check. */
  readonly check: string;
  readonly level: Level;
  readonly text: string;
}

export interface DatabaseReport {
  readonly id: string;
  /** Without credentials. */
  readonly address: string;
  readonly topology: string;
  readonly weight: number;
  readonly reachable: boolean;
  /** Median of some PINGs; null when there is none. */
  readonly latencyMs: number | null;
  readonly version: string | null;
  readonly role: string | null;
  /** Null without TLS. */
  readonly certificateDaysLeft: number | null;
  readonly findings: readonly Finding[];
}

/** Replication from one database to another. */
export interface ReplicationReport {
  readonly from: string;
  readonly to: string;
  /**
   * How long a write took to arrive, in milliseconds; null: it did not arrive, or was not written.
   */
  readonly afterMs: number | null;
}

export interface CheckReport {
  readonly report: 'check';
  readonly target: string;
  /** No problems; with `strict` no warnings either. */
  readonly ok: boolean;
  readonly counts: Readonly<Record<Level, number>>;
  readonly databases: readonly DatabaseReport[];
  readonly replication: readonly ReplicationReport[];
  readonly between: readonly Finding[];
  readonly options: readonly Finding[];
  /** Only with `--what-if`. */
  readonly whatIf?: WhatIfReport;
}

/** Creates a finding. `text` may quote a server, with its secrets already masked. */
export function finding(level: Level, check: string, text: string): Finding {
  return { check, level, text: cleanText(text) };
}

export function counted(findings: readonly Finding[]): Record<Level, number> {
  const counts = { ok: 0, note: 0, warning: 0, problem: 0, skipped: 0 };
  for (const { level } of findings) counts[level] += 1;
  return counts;
}
