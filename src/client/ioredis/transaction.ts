import { transactionErrors } from '../../drivers/batch-errors.js';
import { UnsupportedError } from '../../errors.js';
import { argumentFlaw } from '../argument-flaw.js';
import { batchRefusal } from '../refusals.js';
import type { Decoding } from './decoding.js';
import type { IoredisErrors } from './errors.js';
import type { IoredisCommand, PipelineStream } from './library.js';
import { refusalInMulti } from './refused-commands.js';

const OK = Buffer.from('OK');
const QUEUED = Buffer.from('QUEUED');

type Arguments = readonly (string | Buffer)[];

export type SendBatch = (commands: readonly Arguments[]) => Promise<unknown>;

interface Surroundings {
  readonly decoding: Decoding;
  readonly errors: IoredisErrors;
  /** Encodes a command; `called` has the digests of the scripts that the transaction has called. */
  readonly encode: (command: IoredisCommand, called: Set<string>) => Arguments;
}

interface Gathered {
  readonly multi: IoredisCommand;
  readonly commands: IoredisCommand[];
  readonly send: SendBatch;
}

/**
 * Gathers MULTI, the commands and EXEC of a pipeline, which ioredis sends one by one in one turn, and
 * sends them as one transaction.
 */
export class Transactions {
  readonly #open = new Map<PipelineStream, Gathered>();

  constructor(private readonly around: Surroundings) {}

  /** Whether a transaction takes the next command of the pipeline. */
  takes(stream: PipelineStream): boolean {
    return this.#open.has(stream);
  }

  /** MULTI in a pipeline. */
  begin(stream: PipelineStream, multi: IoredisCommand, send: SendBatch): void {
    this.#open.set(stream, { multi, commands: [], send });
    queueMicrotask(() => {
      const gathered = this.#open.get(stream);
      if (gathered?.multi !== multi) return;
      this.#open.delete(stream);
      const error = new UnsupportedError('MULTI: the pipeline has no EXEC; call `exec()` for it');
      for (const command of [multi, ...gathered.commands]) command.reject(error);
    });
  }

  /** The next command of a pipeline whose MULTI was gathered. */
  add(stream: PipelineStream, command: IoredisCommand): void {
    const gathered = this.#open.get(stream);
    if (gathered === undefined) return;
    const name = command.name.toLowerCase();
    if (name !== 'exec' && name !== 'discard') {
      gathered.commands.push(command);
      return;
    }
    this.#open.delete(stream);
    if (name === 'exec') void this.#send(gathered, command);
    else {
      queued(gathered);
      command.resolve(OK);
    }
  }

  async #send({ multi, commands, send }: Gathered, exec: IoredisCommand): Promise<void> {
    const { encode, decoding, errors } = this.around;
    const called = new Set<string>();
    const all = commands.map((command) => encode(command, called));
    const flaws = all.map((args) => refusalInMulti(args) ?? argumentFlaw(args));
    const refused = batchRefusal('multi', all);
    if (refused !== undefined || flaws.some((flaw) => flaw !== undefined)) {
      multi.resolve(OK);
      for (const [index, command] of commands.entries()) settle(command, flaws[index]);
      exec.reject(refused ?? errors.aborted(exec));
      return;
    }
    try {
      const replies = decoding.finish(await send(all));
      queued({ multi, commands });
      exec.resolve(replies);
    } catch (error) {
      const noted = transactionErrors(error, commands.length);
      multi.resolve(OK);
      for (const [index, command] of commands.entries()) {
        const own = noted?.commands[index];
        settle(command, own === undefined ? undefined : errors.of(own, command));
      }
      exec.reject(errors.of(noted?.exec ?? error, exec));
    }
  }
}

function queued({ multi, commands }: Pick<Gathered, 'multi' | 'commands'>): void {
  multi.resolve(OK);
  for (const command of commands) settle(command, undefined);
}

function settle(command: IoredisCommand, error: unknown): void {
  if (error === undefined) command.resolve(QUEUED);
  else command.reject(error);
}
