import { isMultiDbError } from '../../src/errors.js';
import {
  type Execution,
  FakeConflictError,
  type FakeDatabase,
  FakeErrorReply,
  type SimulatedClient,
} from '../../src/testing/index.js';
import type { Draw } from './draw.js';
import { argumentsOf, batchOf, expectedReply, isWrite, KINDS, type Kind } from './kinds.js';
import type { Place, World } from './world.js';

/** The active database has been healthy for long, whatever became of connections to it. */
interface Calm {
  readonly place: Place;
  readonly generation: number;
  /** Harmless events so far. */
  readonly disturbances: number;
}

interface Entry {
  readonly token: string;
  readonly number: number;
  readonly kind: Kind;
  readonly caller: Caller;
  readonly closedBefore: number;
  /** Of the route at the call. */
  readonly generation: number;
  readonly sentAt: number;
  /** The truth at the call: nothing could serve, and the engine has had the time to know. */
  readonly knownDown: boolean;
  /** The truth at the call: the active database has been well for long. */
  readonly knownWell: string | undefined;
  /** The truth at the call, if nothing had been wrong that leads anywhere for long. */
  readonly calm: Calm | undefined;
  executions: number;
  wasWritten: boolean;
  outcome: 'pending' | 'acknowledged' | 'refused' | 'failed';
  maybeExecuted: boolean | undefined;
}

/** One client of the group. */
export interface Caller {
  readonly client: SimulatedClient;
  /** It takes commands. */
  isOpen: boolean;
  /** How often it was closed; what was pending then may have failed by that. */
  closed: number;
  /**
   * The latest of its commands that was written for the first time; with replicas apart for reads,
   * which do not wait for a promotion.
   */
  lastFirstWrite: number;
  lastFirstRead?: number;
}

export function callerOf(client: SimulatedClient, isOpen: boolean): Caller {
  return { client, isOpen, closed: 0, lastFirstWrite: 0 };
}

/** Slack of a deadline in milliseconds: a few looks of the loop clock, and a turn. */
const SLACK_MS = 150;

/**
 * Every command with what really became of it on the servers, against what its caller was told:
 * promises P2 and P3, and what P7 says about commands.
 */
export class Ledger {
  readonly pending = new Set<Entry>();
  sent = 0;
  readonly #entries = new Map<string, Entry>();

  constructor(
    private readonly world: World,
    private readonly callers: readonly Caller[],
    private readonly draw: Draw,
    private readonly report: (promise: string, text: string) => void,
    private readonly note: (text: string) => void,
  ) {}

  send(): void {
    const number = ++this.sent;
    const kind = this.draw.one(KINDS);
    const open = this.callers.filter(({ isOpen }) => isOpen);
    const caller = open.length === 1 ? open[0]! : this.draw.one(open);
    const token = `${kind}:${number}`;
    const entry: Entry = {
      token,
      number,
      kind,
      caller,
      closedBefore: caller.closed,
      generation: this.#route.generation,
      sentAt: this.world.awake,
      knownDown: this.#isKnownDown(),
      knownWell: this.#knownWell(),
      calm: this.#calm(),
      executions: 0,
      wasWritten: false,
      outcome: 'pending',
      maybeExecuted: undefined,
    };
    this.#entries.set(token, entry);
    this.pending.add(entry);
    this.#call(caller.client, kind, token).then(
      (reply) => this.#onReply(entry, reply),
      (error) => this.#onError(entry, error),
    );
  }

  #call(client: SimulatedClient, kind: Kind, token: string): Promise<unknown> {
    if (kind === 'transaction') return this.#transaction(client, token);
    const args = argumentsOf(kind, token, this.draw);
    return client.send(args, undefined, kind === 'batch' ? batchOf(token) : undefined);
  }

  /** Reads a key that others write as well, and writes it. */
  #transaction(client: SimulatedClient, token: string): Promise<unknown> {
    const key = `watched:${this.draw.integer(1, 3)}`;
    const isDisturbed = this.draw.chance(0.2);
    return client.transaction([key], async (send) => {
      await send(['GET', key]);
      if (isDisturbed) await client.send(['SET', key, 'theirs']).catch(() => {});
      return [
        ['INCR', token],
        ['SET', key, token],
      ];
    });
  }

  /** Commands that are late, and those that the client has lost count of. */
  look(): void {
    this.#areCounted();
    const { awake, options } = this.world;
    for (const entry of this.pending) {
      if (awake - entry.sentAt <= options.commandDeadlineMs + SLACK_MS) break;
      this.report('P3', `${entry.token} is pending for ${Math.round(awake - entry.sentAt)} ms`);
    }
  }

  /** The deadlines are watched as long as the client counts a command as pending. */
  #areCounted(): void {
    const number = new Map(this.callers.map((caller) => [caller, 0]));
    for (const { caller } of this.pending) number.set(caller, (number.get(caller) ?? 0) + 1);
    for (const [{ client }, pending] of number) {
      const counted = client.session.executor?.pending ?? pending;
      // Those within a transaction count as well.
      if (counted >= pending) continue;
      this.report('P3', `${pending} commands are pending, and the client counts ${counted}`);
    }
  }

  /** Whether a command that is sent now has the time to show that it gets no reply. */
  hasTime(token: string): boolean {
    const { awake, options } = this.world;
    const sentAt = this.#entries.get(token)?.sentAt ?? awake;
    return awake + options.suspectAfterMs <= sentAt + options.commandDeadlineMs;
  }

  onWritten(database: FakeDatabase, token: string): void {
    const entry = this.#entries.get(token);
    if (entry === undefined) return;
    // A repeated read whose first answer came meanwhile does no harm.
    const isRead = entry.kind === 'read' || entry.kind === 'read of a key';
    if (entry.outcome !== 'pending' && (!isRead || entry.outcome === 'failed')) {
      this.report('P2', `${token} is written to ${database.id} although it is ${entry.outcome}`);
    }
    if (entry.wasWritten) return;
    entry.wasWritten = true;
    // A hedge does not keep the order: it is no matter of the active database.
    if (isRead && database.id !== this.#route.database?.id) return;
    // A transaction has a connection of its own, and waits for it.
    if (entry.kind === 'transaction') return;
    const { caller, number } = entry;
    if (this.world.options.replicas !== undefined && !isWrite(entry.kind)) {
      if (number < (caller.lastFirstRead ?? 0)) {
        this.report('P2', `${token} is written after ${caller.lastFirstRead}, which came later`);
      }
      caller.lastFirstRead = Math.max(caller.lastFirstRead ?? 0, number);
      return;
    }
    if (number < caller.lastFirstWrite) {
      this.report('P2', `${token} is written after ${caller.lastFirstWrite}, which came later`);
    }
    caller.lastFirstWrite = Math.max(caller.lastFirstWrite, number);
  }

  onExecution(database: FakeDatabase, execution: Execution): void {
    const entry = this.#entries.get(String(execution.args[1]));
    if (entry === undefined) return;
    if (entry.kind === 'batch' && execution.args[0] === 'ECHO') return;
    if (entry.kind === 'transaction' && execution.args[0] === 'SET') return;
    entry.executions += 1;
    if (entry.executions > 1 && !this.#mayRepeat(entry.kind)) {
      this.report('P2', `${entry.token} is executed again, on ${database.id}`);
    }
    if (entry.maybeExecuted === false) {
      this.report('P2', `${entry.token} is executed, but its caller was told that it was not`);
    }
  }

  /** At the end: everything must have settled. */
  close(): void {
    for (const entry of this.pending) this.report('P3', `${entry.token} never settled`);
  }

  #mayRepeat(kind: Kind): boolean {
    if (kind === 'read' || kind === 'read of a key' || kind === 'cursor' || kind === 'wrong')
      return true;
    return kind === 'last-write-wins' && this.world.options.safety === 'last-write-wins';
  }

  /**
   * What one event on a database that is healthy may do to a command: an old connection is silent, cut
   * or leads to a replica, and a new one is healthy. Reads never fail for it, and a refusal, which
   * proves that nothing was executed, reaches no caller.
   */
  #judgeCalm(entry: Entry, error: unknown, code: string | undefined): void {
    const { calm, kind, token, caller, closedBefore } = entry;
    const { options, awake } = this.world;
    if (calm === undefined || caller.closed > closedBefore || code === 'OVERLOADED') return;
    const { place, generation, disturbances } = calm;
    const isOver =
      place.doubtfulUntil >= entry.sentAt ||
      this.#route.generation !== generation ||
      place.disturbances > disturbances + 1;
    if (isOver || kind === 'wrong' || this.#isReadOnly(entry, place)) return;
    // A failure that the budget does not allow to repeat is the caller's.
    if (options.budget !== undefined) return;
    const isRefusal = error instanceof FakeErrorReply;
    if (isRefusal && kind !== 'transaction' && !place.isRepeated) {
      this.report('P5', `${token} was refused although ${place.id} is healthy: ${error.message}`);
    }
    const hasTime = options.commandTimeoutMs > options.suspectAfterMs + options.timeoutMs + 300;
    const isRead = kind === 'read' || kind === 'read of a key';
    if (!isRead || !hasTime || awake - entry.sentAt < 1) return;
    this.report('P5', `the read ${token} failed although ${place.id} is healthy: ${String(error)}`);
  }

  #onReply(entry: Entry, reply: unknown): void {
    this.#settle(entry, 'acknowledged');
    if (entry.executions === 0) {
      this.report('P2', `${entry.token} was acknowledged, but never executed`);
    }
    const expected = JSON.stringify(expectedReply(entry.kind, entry.token));
    if (JSON.stringify(reply) !== expected) {
      this.report('P2', `${entry.token} answered ${JSON.stringify(reply)} instead of ${expected}`);
    }
  }

  #onError(entry: Entry, error: unknown): void {
    const isReply = error instanceof FakeErrorReply;
    this.#settle(entry, isReply ? 'refused' : 'failed');
    const { token, kind } = entry;
    const code = isMultiDbError(error) ? error.code : undefined;
    this.note(`${token}: ${code ?? (error as Error).message}`);
    this.#judgeCalm(entry, error, code);
    if (isReply) {
      if (kind === 'wrong' && error.message.startsWith('ERR')) return;
    } else if (error instanceof FakeConflictError) {
      return;
    } else if (code === undefined) {
      this.report('P3', `${token} failed with an untyped error: ${String(error)}`);
    } else {
      entry.maybeExecuted = (error as { maybeExecuted?: boolean }).maybeExecuted;
      if (entry.maybeExecuted === false && entry.executions > 0) {
        this.report('P2', `${token} was executed, but its caller was told that it was not`);
      }
      // Of a transaction it may be what was read over its connection.
      if (entry.maybeExecuted && !entry.wasWritten && kind !== 'transaction') {
        this.report('P2', `${token} was never written, but its caller was told "maybe executed"`);
      }
    }
    const wasClosed = entry.caller.closed > entry.closedBefore;
    const isExcused = wasClosed || code === 'OVERLOADED' || code === 'DATABASE_SWITCHED';
    if (entry.knownWell !== undefined && !isExcused) {
      const place = this.world.find(entry.knownWell);
      const stayedWell = place.wellSince !== undefined && place.wellSince < entry.sentAt;
      if (
        stayedWell &&
        !this.#isReadOnly(entry, place) &&
        this.#route.generation === entry.generation
      ) {
        this.report(
          'P7',
          `${token} failed although ${entry.knownWell} is healthy: ${String(error)}`,
        );
      }
    }
  }

  #settle(entry: Entry, outcome: 'acknowledged' | 'refused' | 'failed'): void {
    this.pending.delete(entry);
    if (entry.outcome !== 'pending') this.report('P3', `${entry.token} settled twice`);
    entry.outcome = outcome;
    const { awake, options } = this.world;
    const tookMs = awake - entry.sentAt;
    if (tookMs > options.commandDeadlineMs + SLACK_MS) {
      this.report('P3', `${entry.token} settled after ${Math.round(tookMs)} ms`);
    }
    if (entry.knownDown && (outcome !== 'failed' || tookMs > 0)) {
      const what = `${outcome} after ${tookMs.toFixed(1)} ms`;
      this.report('P7', `every database is down, but ${entry.token} did not fail at once: ${what}`);
    }
  }

  /** A write to a database that refused writes when it was sent, or until a moment before. */
  #isReadOnly({ kind, sentAt }: Entry, { readOnlyUntil, fake }: Place): boolean {
    if (!isWrite(kind)) return false;
    // Over an old connection, a replica may have answered.
    const isStale = this.world.options.replicas !== undefined && fake.staleConnections > 0;
    return isStale || readOnlyUntil + PROMOTION_MS >= sentAt;
  }

  #isKnownDown(): boolean {
    const { allFatalSince: since, awake, bounds } = this.world;
    return since !== undefined && awake - since > bounds.noticeMs + bounds.verdictMs + 1500;
  }

  get #route() {
    return this.callers[0]!.client.session.group.coordinator.route;
  }

  #calm(): Calm | undefined {
    const { database, generation } = this.#route;
    if (database === undefined) return undefined;
    const place = this.world.find(database.id);
    const { awake, bounds } = this.world;
    const isCalm = place.doubtfulUntil + bounds.aftermathMs + bounds.recoverMs < awake;
    return isCalm ? { place, generation, disturbances: place.disturbances } : undefined;
  }

  #knownWell(): string | undefined {
    const id = this.#route.database?.id;
    if (id === undefined) return undefined;
    const { fake, wellSince } = this.world.find(id);
    const { awake, bounds } = this.world;
    const isWell = wellSince !== undefined && awake - wellSince > bounds.recoverMs;
    // A command over a connection that is not known to be silent yet is lost, and its caller learns it.
    if (fake.lostConnections > 0 || fake.staleConnections > 0) return undefined;
    return isWell ? id : undefined;
  }
}

/** By a promotion at the latest, the client finds out after this long. */
const PROMOTION_MS = 6000;
