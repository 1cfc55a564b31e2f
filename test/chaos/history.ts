/** What callers asked for and what they were told. */
import type { RetrySafety } from 'redis-multidb';

/** Each write leaves a trace of its own in the data, so that its executions can be counted there. */
export type Kind =
  | 'incr'
  | 'lpush'
  | 'rpush'
  | 'set'
  | 'set-nx'
  | 'hset'
  | 'xadd'
  | 'xadd-id'
  | 'multi'
  | 'transaction'
  | 'mget'
  | 'lrange'
  | 'hmget';

export type Outcome =
  | { readonly kind: 'reply'; readonly value: unknown }
  | { readonly kind: 'error'; readonly error: unknown };

/** One command, or transaction, of a caller. */
export interface Operation {
  readonly id: number;
  readonly kind: Kind;
  /** Which list, hash, register or stream. */
  readonly target: number;
  readonly client: number;
  readonly safety: RetrySafety;
  readonly deadlineMs: number;
  /** In time during which the event loop ran. */
  readonly issuedAt: number;
  readonly activeAtIssue: string | undefined;
  /** How many switches this client had told of. */
  readonly switchesAtIssue: number;
  settledAt: number | undefined;
  switchesAtSettle: number | undefined;
  outcome: Outcome | undefined;
  /** How often it settled; a promise does so once. */
  readonly isRead: boolean;
}

const TOKEN = /t(\d+)~|777(\d{9})/g;

/** Unique in everything that is sent, as a key, a field, a value or a member. */
export const token = (id: number): string => `t${id}~`;

/** The same where the command takes only a number. */
export const numericToken = (id: number): string => `777${String(id).padStart(9, '0')}`;

/** The ids of all tokens in `text`. */
export function tokensIn(text: string): number[] {
  const ids: number[] = [];
  for (const match of text.matchAll(TOKEN)) ids.push(Number(match[1] ?? match[2]));
  return ids;
}

const READS: ReadonlySet<Kind> = new Set(['mget', 'lrange', 'hmget']);

export type Issue = Pick<
  Operation,
  'kind' | 'target' | 'client' | 'safety' | 'deadlineMs' | 'activeAtIssue' | 'switchesAtIssue'
>;

/** Every operation of a run, by id. */
export class History {
  readonly operations: Operation[] = [];

  constructor(private readonly loopTime: () => number) {}

  issue(issue: Issue): Operation {
    const operation: Operation = {
      ...issue,
      id: this.operations.length,
      issuedAt: this.loopTime(),
      settledAt: undefined,
      switchesAtSettle: undefined,
      outcome: undefined,
      isRead: READS.has(issue.kind),
    };
    this.operations.push(operation);
    return operation;
  }

  settle(operation: Operation, outcome: Outcome, switches: number): void {
    operation.outcome = outcome;
    operation.settledAt = this.loopTime();
    operation.switchesAtSettle = switches;
  }

  isSettled(id: number): boolean {
    return this.operations[id]?.outcome !== undefined;
  }

  get pending(): Operation[] {
    return this.operations.filter(({ outcome }) => outcome === undefined);
  }
}
