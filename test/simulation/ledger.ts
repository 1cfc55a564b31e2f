import { isMultiDbError } from '../../src/errors.js';
import {
  type Execution,
  type FakeDatabase,
  FakeErrorReply,
  type SimulatedClient,
} from '../../src/testing/index.js';
import type { Draw } from './draw.js';
import type { World } from './world.js';

type Kind = 'read' | 'last-write-wins' | 'accumulating' | 'batch' | 'cursor' | 'wrong';

interface Entry {
  readonly token: string;
  readonly number: number;
  readonly kind: Kind;
  readonly sentAt: number;
  /** The truth at the call: nothing could serve, and the engine has had the time to know. */
  readonly knownDown: boolean;
  /** The truth at the call: the active database has been well for long. */
  readonly knownWell: string | undefined;
  executions: number;
  wasWritten: boolean;
  outcome: 'pending' | 'acknowledged' | 'refused' | 'failed';
  maybeExecuted: boolean | undefined;
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
  #lastFirstWrite = 0;

  constructor(
    private readonly world: World,
    private readonly client: SimulatedClient,
    private readonly draw: Draw,
    private readonly report: (promise: string, text: string) => void,
    private readonly note: (text: string) => void,
  ) {}

  send(): void {
    const number = ++this.sent;
    const kind = this.draw.one(KINDS);
    const token = `${kind}:${number}`;
    const entry: Entry = {
      token,
      number,
      kind,
      sentAt: this.world.awake,
      knownDown: this.#isKnownDown(),
      knownWell: this.#knownWell(),
      executions: 0,
      wasWritten: false,
      outcome: 'pending',
      maybeExecuted: undefined,
    };
    this.#entries.set(token, entry);
    this.pending.add(entry);
    const args = argumentsOf(kind, token, this.draw);
    const batch =
      kind === 'batch'
        ? {
            kind: 'multi' as const,
            commands: [
              ['INCR', token],
              ['ECHO', token],
            ],
          }
        : undefined;
    this.client.send(args, undefined, batch).then(
      (reply) => this.#onReply(entry, reply),
      (error) => this.#onError(entry, error),
    );
  }

  /** Commands that are late. */
  look(): void {
    const { awake, options } = this.world;
    for (const entry of this.pending) {
      if (awake - entry.sentAt <= options.commandDeadlineMs + SLACK_MS) break;
      this.report('P3', `${entry.token} is pending for ${Math.round(awake - entry.sentAt)} ms`);
    }
  }

  onWritten(database: FakeDatabase, token: string): void {
    const entry = this.#entries.get(token);
    if (entry === undefined) return;
    // A repeated read whose first answer came meanwhile does no harm.
    if (entry.outcome !== 'pending' && (entry.kind !== 'read' || entry.outcome === 'failed')) {
      this.report('P2', `${token} is written to ${database.id} although it is ${entry.outcome}`);
    }
    if (entry.wasWritten) return;
    entry.wasWritten = true;
    if (entry.number < this.#lastFirstWrite) {
      this.report('P2', `${token} is written after ${this.#lastFirstWrite}, which came later`);
    }
    this.#lastFirstWrite = Math.max(this.#lastFirstWrite, entry.number);
  }

  onExecution(database: FakeDatabase, execution: Execution): void {
    const entry = this.#entries.get(String(execution.args[1]));
    if (entry === undefined) return;
    if (entry.kind === 'batch' && execution.args[0] === 'ECHO') return;
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
    if (kind === 'read' || kind === 'cursor' || kind === 'wrong') return true;
    return kind === 'last-write-wins' && this.world.options.safety === 'last-write-wins';
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
    if (isReply) {
      if (kind === 'wrong' && error.message.startsWith('ERR')) return;
    } else if (code === undefined) {
      this.report('P3', `${token} failed with an untyped error: ${String(error)}`);
    } else {
      entry.maybeExecuted = (error as { maybeExecuted?: boolean }).maybeExecuted;
      if (entry.maybeExecuted === false && entry.executions > 0) {
        this.report('P2', `${token} was executed, but its caller was told that it was not`);
      }
      if (entry.maybeExecuted && !entry.wasWritten) {
        this.report('P2', `${token} was never written, but its caller was told "maybe executed"`);
      }
    }
    if (entry.knownWell !== undefined && code !== 'OVERLOADED' && code !== 'DATABASE_SWITCHED') {
      const place = this.world.find(entry.knownWell);
      const stayedWell = place.wellSince !== undefined && place.wellSince < entry.sentAt;
      if (stayedWell && this.client.activeDatabase === entry.knownWell) {
        this.report('P7', `${token} failed although ${entry.knownWell} is well: ${String(error)}`);
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

  #isKnownDown(): boolean {
    const { allFatalSince: since, awake, bounds } = this.world;
    return since !== undefined && awake - since > bounds.noticeMs + bounds.verdictMs + 1500;
  }

  #knownWell(): string | undefined {
    const id = this.client.activeDatabase;
    if (id === undefined) return undefined;
    const { wellSince } = this.world.find(id);
    const { awake, bounds } = this.world;
    const isWell = wellSince !== undefined && awake - wellSince > bounds.recoverMs;
    return isWell ? id : undefined;
  }
}

const KINDS: readonly Kind[] = [
  'read',
  'read',
  'read',
  'last-write-wins',
  'accumulating',
  'accumulating',
  'batch',
  'cursor',
  'wrong',
];

function argumentsOf(kind: Kind, token: string, draw: Draw): string[] {
  switch (kind) {
    case 'read':
      return ['ECHO', token];
    case 'last-write-wins':
      return ['SET', token, '1'];
    case 'accumulating':
      return [draw.one(['INCR', 'LPUSH']), token, '1'];
    case 'batch':
      return ['MULTI'];
    case 'cursor':
      return ['HSCAN', token, '17'];
    case 'wrong':
      return ['NOSUCHCOMMAND', token];
  }
}

function expectedReply(kind: Kind, token: string): unknown {
  switch (kind) {
    case 'read':
      return token;
    case 'last-write-wins':
      return 'OK';
    case 'accumulating':
      return 1;
    case 'batch':
      return [1, token];
    case 'cursor':
      return ['0', []];
    case 'wrong':
      return undefined;
  }
}
