import type { MultiDbClient } from '../../client-type.js';
import { systemClock, systemRandom, type Timer } from '../../clock.js';
import { isMultiDbError } from '../../errors.js';
import { every } from '../wire/wait.js';
import type { Caller, Load, Operation } from './commands.js';
import type { Ledger, Outcome } from './ledger.js';
import type { Recorder } from './recorder.js';

const UNAVAILABLE = new Set(['TEMPORARILY_UNAVAILABLE', 'PERMANENTLY_UNAVAILABLE']);
const TICK_MS = 2;

/**
 * Concurrent callers, each with one command at a time and a steady pace. A caller whose command
 * hangs issues no other, as in an application; one that gets an error goes on.
 */
export class Traffic {
  reads = 0;
  writes = 0;
  readonly pending = new Set<Operation>();
  readonly #callers: { caller: Caller; nextAt: number; busy: boolean }[];
  readonly #periodMs: number;
  #timer: Timer | undefined;

  constructor(
    private readonly client: MultiDbClient,
    private readonly load: Load,
    private readonly ledger: Ledger,
    private readonly recorder: Recorder,
    { callers, ratePerSecond }: { callers: number; ratePerSecond: number },
  ) {
    this.#periodMs = (1000 * callers) / ratePerSecond;
    this.#callers = Array.from({ length: callers }, (_, id) => ({
      caller: { id, sequence: 0 },
      nextAt: (id / callers) * this.#periodMs,
      busy: false,
    }));
  }

  start(): void {
    const beganAt = this.recorder.now();
    for (const each of this.#callers) each.nextAt += beganAt;
    this.#timer = every(TICK_MS, () => this.#tick());
  }

  /** Issues nothing more. */
  stop(): void {
    this.#timer?.cancel();
  }

  #tick(): void {
    const now = this.recorder.now();
    for (const each of this.#callers) {
      if (each.busy || each.nextAt > now) continue;
      // After a pause it goes on in its own rhythm: it neither catches up nor joins the others.
      const periods = Math.floor((now - each.nextAt) / this.#periodMs) + 1;
      each.nextAt += periods * this.#periodMs;
      each.busy = true;
      void this.#run(each.caller).finally(() => {
        each.busy = false;
      });
    }
  }

  async #run(caller: Caller): Promise<void> {
    const { recorder } = this;
    const beganAt = recorder.now();
    const began = recorder.mark();
    const operation = this.load.issue(this.client, caller, this.ledger, began.step, systemRandom());
    if (operation.isWrite) this.writes += 1;
    else this.reads += 1;
    this.pending.add(operation);
    if (began.down) this.#watchForWaiting(operation);
    try {
      const reply = await operation.reply;
      operation.settle?.('acknowledged', recorder.stepOf(began));
      recorder.onSuccess(recorder.now() - beganAt, began);
      if (operation.tellsWhere) recorder.onServed(String(reply), began);
    } catch (error) {
      operation.settle?.(outcomeOf(error), recorder.stepOf(began));
      const unavailable = isMultiDbError(error) && UNAVAILABLE.has(error.code);
      recorder.onError(began, { isWrite: operation.isWrite, kind: kindOf(error), unavailable });
    } finally {
      this.pending.delete(operation);
    }
  }

  /** "At once" without a clock: settled before the event loop has turned twice. */
  #watchForWaiting(operation: Operation): void {
    systemClock.afterTurn(() => {
      if (this.pending.has(operation)) this.recorder.waitedWhileDown += 1;
    });
  }
}

function outcomeOf(error: unknown): Outcome {
  return isMultiDbError(error) && !error.maybeExecuted ? 'unexecuted' : 'unknown';
}

/** A stable word for an error: its code, the first word of an error reply, or its name. */
function kindOf(error: unknown): string {
  if (isMultiDbError(error)) return error.code;
  if (!(error instanceof Error)) return String(error);
  return /^[A-Z]{3,}\b/.exec(error.message)?.[0] ?? error.name;
}
