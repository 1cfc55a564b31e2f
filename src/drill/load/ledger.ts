/** The outcome of each write as its caller saw it, for comparison with the servers. */

/** `unexecuted`: an error said that the write certainly was not executed. */
export type Outcome = 'pending' | 'acknowledged' | 'unknown' | 'unexecuted';

/** Commands whose effect shows each execution on its own, by a unique token. */
export const TOKEN_COMMANDS = ['SET', 'HSET', 'LPUSH', 'XADD'] as const;
export type TokenCommand = (typeof TOKEN_COMMANDS)[number];

export interface Entry {
  readonly command: TokenCommand;
  readonly token: string;
  outcome: Outcome;
  /** Step to which the write belongs. */
  step: number;
}

/** One counter of one caller, where executions can only be counted. */
export interface Counter {
  readonly key: string;
  acknowledged: number;
  unknown: number;
  pending: number;
  /**
   * Steps whose fault occurred while an increment was in progress, or in which its outcome was
   * unknown.
   */
  readonly steps: Set<number>;
}

export class Ledger {
  readonly entries = new Map<string, Entry>();
  readonly counters = new Map<string, Counter>();

  note(command: TokenCommand, token: string, step: number): Entry {
    const entry: Entry = { command, token, outcome: 'pending', step };
    this.entries.set(entryKey(command, token), entry);
    return entry;
  }

  counter(key: string): Counter {
    let counter = this.counters.get(key);
    if (counter === undefined) {
      counter = { key, acknowledged: 0, unknown: 0, pending: 0, steps: new Set() };
      this.counters.set(key, counter);
    }
    return counter;
  }

  get acknowledged(): number {
    let sum = 0;
    for (const entry of this.entries.values()) if (entry.outcome === 'acknowledged') sum += 1;
    for (const counter of this.counters.values()) sum += counter.acknowledged;
    return sum;
  }
}

export function entryKey(command: TokenCommand, token: string): string {
  return `${command} ${token}`;
}
