import type { MultiDbClient } from '../../client/node-redis/client-type.js';
import { systemClock, systemRandom } from '../../clock.js';
import { isMultiDbError } from '../../errors.js';
import type { Caller, Load, Operation } from './commands.js';
import type { Ledger, Outcome } from './ledger.js';
import { Pace, type Rate } from './pace.js';
import type { Recorder } from './recorder.js';

const UNAVAILABLE = new Set(['TEMPORARILY_UNAVAILABLE', 'PERMANENTLY_UNAVAILABLE']);
/** The load of a drill: commands of concurrent callers through one client. */
export class Traffic {
  reads = 0;
  writes = 0;
  readonly pending = new Set<Operation>();
  readonly #pace: Pace;

  constructor(
    private readonly client: MultiDbClient,
    private readonly load: Load,
    private readonly ledger: Ledger,
    private readonly recorder: Recorder,
    rate: Rate,
  ) {
    const callers = Array.from({ length: rate.callers }, (_, id): Caller => ({ id, sequence: 0 }));
    const turn = (id: number) => this.#run(callers[id] as Caller);
    this.#pace = new Pace(() => recorder.now(), rate, turn);
  }

  start(): void {
    this.#pace.start();
  }

  /** Issues no more commands. */
  stop(): void {
    this.#pace.stop();
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

  /**
   * Detects a command that does not fail at once, that is, before the event loop has turned twice.
   */
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
