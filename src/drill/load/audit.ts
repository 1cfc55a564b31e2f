/** Compares the data on the servers with the outcomes that callers got. */
import type { Ledger } from './ledger.js';

export interface Audit {
  /** Executions that the servers show. */
  readonly executed: number;
  readonly executedTwice: readonly Finding[];
  readonly missing: readonly Finding[];
  /** Executed although the error said that they certainly were not. */
  readonly denied: readonly Finding[];
  /** Found on a server although no caller issued it. */
  readonly foreign: readonly string[];
}

export interface Finding {
  readonly text: string;
  readonly step: number;
  /** Number of surplus or missing executions. */
  readonly times: number;
}

/** `tokens`: for each write the servers that hold it, once per execution; `counters`: their sums. */
export function compare(
  ledger: Ledger,
  tokens: ReadonlyMap<string, readonly string[]>,
  counters: ReadonlyMap<string, number>,
): Audit {
  let executed = 0;
  const executedTwice: Finding[] = [];
  const missing: Finding[] = [];
  const denied: Finding[] = [];
  for (const [at, { outcome, step }] of ledger.entries) {
    const holders = tokens.get(at) ?? [];
    executed += holders.length;
    const where = holders.join(' and ');
    const times = holders.length - 1;
    if (times > 0) executedTwice.push({ text: `${at} is on ${where}`, step, times });
    if (outcome === 'acknowledged' && holders.length === 0) {
      missing.push({ text: `${at} is nowhere`, step, times: 1 });
    }
    if (outcome === 'unexecuted' && holders.length > 0) {
      denied.push({ text: `${at} is on ${where}`, step, times: holders.length });
    }
  }
  for (const { key, acknowledged, unknown, pending, steps } of ledger.counters.values()) {
    const value = counters.get(key) ?? 0;
    executed += value;
    // The step of a surplus increment is unknown; the first possible one is likely.
    const step = steps.size === 0 ? -1 : Math.min(...steps);
    const text = `${key} is ${value}; ${acknowledged} acknowledged, ${unknown} unknown`;
    const most = acknowledged + unknown + pending;
    if (value > most) executedTwice.push({ text, step, times: value - most });
    if (value < acknowledged) missing.push({ text, step, times: acknowledged - value });
  }
  const foreign = [...tokens.keys()].filter((at) => !ledger.entries.has(at));
  return { executed, executedTwice, missing, denied, foreign };
}
