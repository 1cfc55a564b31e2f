/** Compares what callers were told with what the witnesses saw and what the servers hold. */
import { RETRY_SAFETIES } from 'redis-multidb';
import { type Reply, RespError } from '../kit/index.js';
import type { Data } from './data.js';
import { type Operation, tokensIn } from './history.js';
import { CATEGORY } from './perform.js';
import type { Sending } from './proxy-witness.js';

export type ViolationKind =
  /** Acknowledged, and missing on the server that acknowledged it and kept its data. */
  | 'lost'
  /** Executed more than once, which its safety does not allow. */
  | 'repeated'
  /** Told that it was not executed, but it was. */
  | 'denied'
  /** Told that it may have been executed, but it was never handed to a socket. */
  | 'doubted'
  /** Sent after its caller had received the result. */
  | 'late'
  /** A reply that no server gave to this command, or that the data contradict. */
  | 'wrong-reply'
  | 'unsettled'
  /** A part of a transaction. */
  | 'torn'
  /** Sent to a database that was not active between call and end. */
  | 'misdirected'
  /** Does not serve although every database is healthy. */
  | 'not-recovered'
  /** Told that no database can serve, instead of waiting for one. */
  | 'not-waited'
  | 'unhandled-rejection';

export interface Violation {
  readonly kind: ViolationKind;
  readonly text: string;
}

export interface DatabaseEvidence {
  readonly id: string;
  readonly sendings: ReadonlyMap<number, readonly Sending[]>;
  readonly data: Data;
  /** Error replies that came from a proxy on the way instead of a server. */
  readonly injected: ReadonlySet<string>;
}

export interface Evidence {
  readonly operations: readonly Operation[];
  readonly databases: readonly DatabaseEvidence[];
  readonly handed: ReadonlySet<number>;
  readonly late: ReadonlySet<number>;
  /** Of each client: the active databases in order. */
  readonly switches: readonly (readonly (string | undefined)[])[];
  readonly maxAttempts: number;
  /** Reads may be sent to a standby as well, and be answered by it. */
  readonly hedged: boolean;
  readonly loopTime: number;
}

export interface Judgement {
  readonly violations: readonly Violation[];
  /** Executions that callers were left in doubt about, and that did not happen. */
  readonly doubtsInVain: number;
  readonly repeatsAllowed: number;
}

/** How much later than its deadline a command may settle, in loop time. */
const SLACK_MS = 300;

export function judge(evidence: Evidence): Judgement {
  return new Judge(evidence).judge();
}

class Judge {
  readonly #violations: Violation[] = [];
  #doubtsInVain = 0;
  #repeatsAllowed = 0;

  /** Operations whose traces a read has found. */
  readonly #read = new Set<number>();

  constructor(private readonly evidence: Evidence) {
    for (const operation of evidence.operations) {
      if (!operation.isRead) continue;
      for (const { reply } of this.#sendings(operation)) {
        for (const id of tokensIn(JSON.stringify(reply) ?? '')) this.#read.add(id);
      }
    }
  }

  judge(): Judgement {
    for (const operation of this.evidence.operations) this.#look(operation);
    this.#lookAtRegisters();
    return {
      violations: this.#violations,
      doubtsInVain: this.#doubtsInVain,
      repeatsAllowed: this.#repeatsAllowed,
    };
  }

  #look(operation: Operation): void {
    const sendings = this.#sendings(operation);
    const executions = this.#executions(operation, sendings);
    this.#lookAtTime(operation);
    this.#lookAtRoute(operation, sendings);
    if (this.evidence.late.has(operation.id)) this.#report('late', operation);
    if (executions > 1) this.#lookAtRepeats(operation, executions);
    if (isTransaction(operation.kind)) this.#lookAtParts(operation);
    const { outcome } = operation;
    if (outcome?.kind === 'reply') this.#lookAtReply(operation, outcome.value, sendings);
    else if (outcome !== undefined) {
      this.#lookAtError(operation, outcome.error, sendings, executions);
    }
  }

  #sendings({ id }: Operation): Sending[] {
    return this.evidence.databases.flatMap(({ sendings }) => sendings.get(id) ?? []);
  }

  /** At least as often; the data and the replies each know of executions that the other may not. */
  #executions({ id, kind, target }: Operation, sendings: readonly Sending[]): number {
    let all = 0;
    for (const { id: database, data } of this.evidence.databases) {
      const ran = sendings.filter((each) => each.database === database && didRun(kind, each.reply));
      const lost = ran.filter(({ isDataLost }) => isDataLost).length;
      const held = kind === 'set' && data.registers.get(target) === id ? 1 : 0;
      all += lost + Math.max(ran.length - lost, data.executions.get(id) ?? held);
    }
    return all === 0 && this.#read.has(id) ? 1 : all;
  }

  #lookAtTime(operation: Operation): void {
    const { deadlineMs, issuedAt, settledAt } = operation;
    const took = (settledAt ?? this.evidence.loopTime) - issuedAt;
    if (took <= deadlineMs + SLACK_MS && settledAt !== undefined) return;
    const how = settledAt === undefined ? 'it has not settled' : 'it settled';
    this.#report('unsettled', operation, `${how} after ${Math.round(took)} of ${deadlineMs} ms`);
  }

  #lookAtRoute(operation: Operation, sendings: readonly Sending[]): void {
    const { activeAtIssue, client, switchesAtIssue, switchesAtSettle } = operation;
    // While the client searches none is active, and it may end where it was: no switch tells.
    const from = activeAtIssue === undefined ? Math.max(0, switchesAtIssue - 1) : switchesAtIssue;
    const since = this.evidence.switches[client]?.slice(from, switchesAtSettle) ?? [];
    const allowed = new Set([activeAtIssue, ...since].map(baseOf));
    const elsewhere = sendings.filter(({ database }) => !allowed.has(database));
    // One hedge, of a read alone, beside whatever the active database was sent.
    const hedges = this.evidence.hedged && operation.isRead ? 1 : 0;
    if (elsewhere.length <= hedges) return;
    this.#report('misdirected', operation, `${elsewhere[0]?.database} was not active`);
  }

  #lookAtRepeats(operation: Operation, executions: number): void {
    if (operation.isRead) return;
    const category = CATEGORY[operation.kind];
    const isAllowed =
      category !== 'never' &&
      RETRY_SAFETIES.indexOf(category) <= RETRY_SAFETIES.indexOf(operation.safety);
    if (!isAllowed || executions > this.evidence.maxAttempts) {
      this.#report('repeated', operation, `${executions} executions, safety ${operation.safety}`);
    } else this.#repeatsAllowed += 1;
  }

  #lookAtParts(operation: Operation): void {
    for (const { id, data } of this.evidence.databases) {
      const parts = data.parts.get(operation.id);
      if (parts === undefined) continue;
      const [counted, listed, set] = parts;
      if (counted === listed && set === Math.min(counted, 1)) continue;
      this.#report('torn', operation, `on ${id}: ${parts.join(', ')}`);
    }
  }

  #lookAtReply(operation: Operation, value: unknown, sendings: readonly Sending[]): void {
    const given = sendings.filter(({ reply }) => isSame(reply, value));
    if (given.length === 0) {
      this.#report('wrong-reply', operation, `the caller got ${show(value)}`);
      return;
    }
    if (operation.isRead || given.some(({ isDataLost }) => isDataLost)) return;
    if (!given.some(({ reply }) => didRun(operation.kind, reply))) return;
    const where = this.evidence.databases.filter(({ id }) =>
      given.some(({ database }) => database === id),
    );
    if (operation.kind === 'set') return;
    if (!where.some(({ data }) => (data.executions.get(operation.id) ?? 0) > 0)) {
      this.#report('lost', operation, `acknowledged by ${where.map(({ id }) => id).join(', ')}`);
    } else if (!where.some(({ data }) => agrees(operation, value, data))) {
      this.#report('wrong-reply', operation, `the data contradict ${show(value)}`);
    }
  }

  #lookAtError(
    operation: Operation,
    error: unknown,
    sendings: readonly Sending[],
    executions: number,
  ): void {
    const { maybeExecuted, message, code, cause } = error as Record<string, unknown>;
    if (operation.deadlineMs === Number.POSITIVE_INFINITY && /_UNAVAILABLE$/.test(`${code}`)) {
      this.#report('not-waited', operation, String(message));
    }
    const text = `the caller got ${code ?? ''} ${show(message)}, maybeExecuted ${maybeExecuted}`;
    const isReply = code === undefined && maybeExecuted === undefined;
    if (isReply && !isAbort(error)) {
      const wasGiven =
        sendings.some(({ reply, inner }) => errorIn([reply, ...inner], message)) ||
        // A transaction that was refused is a conflict, and names the refusal.
        sendings.some(({ inner }) => errorIn(inner, (cause as Error | undefined)?.message)) ||
        this.#wasInjected(operation, String(message));
      if (!wasGiven) this.#report('wrong-reply', operation, text);
    }
    if (operation.isRead) {
      if (maybeExecuted === true && !this.evidence.handed.has(operation.id)) {
        this.#report('doubted', operation, text);
      }
      return;
    }
    const says =
      maybeExecuted ?? (isAbort(error) || REFUSAL.test(String(message)) ? false : undefined);
    if (says === false && executions > 0) {
      this.#report('denied', operation, `${text}; ${executions} executions`);
    } else if (says === true && !this.evidence.handed.has(operation.id)) {
      this.#report('doubted', operation, text);
    } else if (says === true && executions === 0) this.#doubtsInVain += 1;
  }

  /** Written by a proxy on the way, perhaps before the command had arrived there. */
  #wasInjected({ id }: Operation, message: string): boolean {
    const { databases, handed } = this.evidence;
    return handed.has(id) && databases.some(({ injected }) => injected.has(message));
  }

  /** The writer of a register awaits each value: the last acknowledged stands, or a later one. */
  #lookAtRegisters(): void {
    const sets = this.evidence.operations.filter(({ kind }) => kind === 'set');
    for (const { id: database, data, sendings } of this.evidence.databases) {
      const last = new Map<number, Operation>();
      for (const operation of sets) {
        const { id, outcome, target } = operation;
        const isAcknowledged =
          outcome?.kind === 'reply' &&
          sendings.get(id)?.some(({ reply, isDataLost }) => reply === 'OK' && !isDataLost);
        if (isAcknowledged) last.set(target, operation);
      }
      for (const [target, operation] of last) {
        const held = data.registers.get(target);
        if (held !== undefined && held >= operation.id) continue;
        const holder = held === undefined ? undefined : this.evidence.operations[held];
        // One of unknown outcome, or that may be repeated, may have arrived late.
        if (holder !== undefined && mayComeLate(holder)) continue;
        this.#report('lost', operation, `${database} holds ${held ?? 'nothing'} in r:${target}`);
      }
    }
  }

  #report(kind: ViolationKind, operation: Operation, detail = ''): void {
    const { id, issuedAt, settledAt } = operation;
    const sendings = this.#sendings(operation).map(
      ({ database, connectionId, forwarded, reply, isDataLost }) =>
        `${database}#${connectionId} forwarded ${forwarded}, answered ${show(reply)}${isDataLost ? ', data lost since' : ''}`,
    );
    const held = this.evidence.databases.map(
      ({ id: database, data }) => `${database} ${data.executions.get(id) ?? 0}`,
    );
    const times = `${Math.round(issuedAt)} to ${settledAt === undefined ? '?' : Math.round(settledAt)} ms`;
    this.#violations.push({
      kind,
      text: [
        `${operation.kind} ${id} of client ${operation.client} (${times} of loop time): ${detail}`,
        `    sent: ${sendings.join('; ') || 'never'}; in the data: ${held.join(', ')}`,
      ].join('\n'),
    });
  }
}

/** A refusal by a state or access reply: who gets it must take the command for not executed. */
const REFUSAL =
  /^(LOADING|MASTERDOWN|CLUSTERDOWN|READONLY|NOREPLICAS|MISCONF|BUSY|TRYAGAIN|OOM|NOAUTH|NOPERM|EXECABORT|ERR max number of clients)\b/;

function isTransaction(kind: Operation['kind']): boolean {
  return kind === 'multi' || kind === 'transaction';
}

function didRun(kind: Operation['kind'], reply: Reply | undefined): boolean {
  if (reply === undefined || reply instanceof RespError) return false;
  if (isTransaction(kind)) return Array.isArray(reply);
  return !(kind === 'set-nx' && reply === null);
}

/** Whether the position in a list or the id of an entry matches what the caller received. */
function agrees({ id, kind, target }: Operation, value: unknown, data: Data): boolean {
  if (kind === 'rpush') return data.lists.get(`rp:${target}`)?.[Number(value) - 1] === id;
  if (kind === 'lpush') return data.lists.get(`lp:${target}`)?.at(-Number(value)) === id;
  if (kind !== 'xadd') return true;
  return data.entries.get(id) === value || (data.executions.get(id) ?? 0) > 1;
}

function mayComeLate({ outcome, safety }: Operation): boolean {
  if (outcome?.kind !== 'reply') return true;
  return RETRY_SAFETIES.indexOf(safety) >= RETRY_SAFETIES.indexOf('last-write-wins');
}

/** `west#2` is west, added again. */
export function baseOf(database: string | undefined): string | undefined {
  return database?.split('#')[0];
}

function isAbort(error: unknown): boolean {
  return (error as Error | undefined)?.constructor?.name === 'AbortError';
}

function errorIn(
  reply: Reply | undefined | readonly (Reply | undefined)[],
  message: unknown,
): boolean {
  if (reply instanceof RespError) return reply.message === message;
  return Array.isArray(reply) && reply.some((each) => errorIn(each, message));
}

function isSame(reply: Reply | undefined, value: unknown): boolean {
  return reply !== undefined && JSON.stringify(reply) === JSON.stringify(value);
}

function show(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value instanceof RespError) return `-${value.message}`;
  return JSON.stringify(value)?.slice(0, 160) ?? String(value);
}
