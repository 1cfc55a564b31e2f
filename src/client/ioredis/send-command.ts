import type { CommandArgument } from '../../core/command-argument.js';
import type { Batch } from '../../drivers/driver.js';
import { isMultiDbError, UnsupportedError } from '../../errors.js';
import type { CommandOptions } from '../../runtime/command/command-options.js';
import type { CommandTrace } from '../../runtime/command/command-trace.js';
import { argumentFlaw } from '../argument-flaw.js';
import { isObservingCommands, observeCommand, observeTransaction } from '../observed-command.js';
import { SUBSCRIPTION_COMMANDS } from '../refusals.js';
import { closed, type Face } from './face.js';
import type { IoredisClass, IoredisCommand, PipelineStream } from './library.js';
import { refusal } from './refused-commands.js';
import { Transactions } from './transaction.js';
import type { ViewOptions } from './view-options.js';

type Arguments = readonly CommandArgument[];
type Kind = 'plain' | 'multi' | 'quit' | 'select' | 'pubsub';

/** Names that take another way than into the engine. */
const KINDS: ReadonlyMap<string, Kind> = new Map<string, Kind>([
  ['MULTI', 'multi'],
  ['QUIT', 'quit'],
  ['SELECT', 'select'],
  ...SUBSCRIPTION_COMMANDS.map((name): [string, Kind] => [name, 'pubsub']),
]);

/** The names in `KINDS`. */
export const OWN_WAY: readonly string[] = [...KINDS.keys()];

/** Names of commands that publish. */
export const PUBLICATIONS: ReadonlySet<string> = new Set(['publish', 'spublish']);

/** Number of names whose kind is remembered: more than there are commands. */
const MAX_NAMES = 1000;

/** Takes raw commands: the engine, or the connection of a transaction. */
export interface Transport {
  send(args: Arguments, options?: CommandOptions, batch?: Batch): Promise<unknown>;
  /** To be awaited exactly once. */
  answer(args: Arguments, options?: CommandOptions): PromiseLike<unknown>;
}

/**
 * `sendCommand` of an ioredis client: every command of the library, of scripts, pipelines and streams
 * ends there. It hands raw arguments to the engine, and the reply back to the command.
 */
export class CommandSender {
  readonly #kinds = new Map<string, Kind>();
  readonly #transactions: Transactions;
  readonly #encodePlain: IoredisCommand['toWritable'];

  constructor(
    private readonly face: Face,
    { Command }: IoredisClass,
    /** The connection of a transaction. Default: the engine. */
    private readonly connection?: Transport,
  ) {
    this.#encodePlain = Command.prototype.toWritable;
    this.#transactions = new Transactions({
      decoding: face.decoding,
      errors: face.errors,
      encode: (command, called) =>
        this.#isScript(command)
          ? face.scripts.encodeInTransaction(command, called)
          : plain(command),
    });
  }

  /** `view` has the options of the view that the command was issued on. */
  send(
    command: IoredisCommand,
    stream: PipelineStream | undefined,
    view: ViewOptions,
  ): Promise<unknown> {
    const { face } = this;
    command.setReplyContext?.(face.decoding.context);
    if (command.reject === undefined) alreadyRejected(command);
    if (face.status.current === 'wait') face.connect().catch(() => {});
    if (stream?.isPipeline === true && this.#gather(command, stream, view)) return command.promise;
    const kind = this.#kinds.get(command.name) ?? this.#classify(command.name);
    if (kind === 'plain') this.#send(command, view);
    else this.#perform(kind, command, view);
    return command.promise;
  }

  get #transport(): Transport | undefined {
    return this.connection ?? this.face.session.executor;
  }

  get #isBetween(): boolean {
    return this.connection === undefined && this.face.isBetween;
  }

  #refusalOf(args: Arguments): Error | undefined {
    const refused = refusal(args);
    const isAllowed = this.connection !== undefined && /^(UN)?WATCH$/i.test(String(args[0]));
    return (isAllowed ? undefined : refused) ?? argumentFlaw(args);
  }

  #classify(name: string): Kind {
    const kind = KINDS.get(name.toUpperCase()) ?? 'plain';
    if (this.#kinds.size < MAX_NAMES) this.#kinds.set(name, kind);
    return kind;
  }

  #send(command: IoredisCommand, view: ViewOptions): void {
    const { face } = this;
    const transport = this.#transport;
    if (this.#isBetween) {
      face.whenDecided(() => this.#send(command, view));
      return;
    }
    const { decoding } = face;
    const kind = decoding.kindOf(command);
    const isScript = this.#isScript(command);
    const args = isScript ? face.scripts.encode(command) : plain(command);
    const issue = (trace?: CommandTrace): PromiseLike<unknown> => {
      const refused = transport === undefined ? closed() : this.#refusalOf(args);
      // After a turn of the event loop, so that a caller that retries at once does not block it.
      if (refused !== undefined) return face.shared.rejections.reject(refused);
      const options = trace === undefined ? view[kind] : { ...view[kind], trace };
      return (transport as Transport).answer(args, options);
    };
    const answered = isObservingCommands() ? observeCommand(issue, args, face.source) : issue();
    if (isScript) this.#settleScript(command, answered);
    else if (kind === 'unfinished') {
      this.#settle(command, answered, (reply) => command.resolve(decoding.finish(reply)));
    } else this.#settle(command, answered, command.resolve);
  }

  #settle(
    command: IoredisCommand,
    answered: PromiseLike<unknown>,
    resolve: (reply: unknown) => void,
  ): void {
    answered.then(resolve, (error) => this.#fail(command, error));
  }

  #settleScript(command: IoredisCommand, answered: PromiseLike<unknown>): void {
    const { scripts, decoding } = this.face;
    answered.then(
      (reply) => {
        scripts.onSuccess(command);
        command.resolve(decoding.finish(reply));
      },
      (error) => {
        // ioredis calls the script again, which is sent by its source then.
        if (String((error as Error)?.message).startsWith('NOSCRIPT')) scripts.onMissing(command);
        this.#fail(command, error);
      },
    );
  }

  #perform(kind: Kind, command: IoredisCommand, view: ViewOptions): void {
    const { face } = this;
    if (this.connection !== undefined && (kind === 'pubsub' || kind === 'quit')) {
      const why = 'not available in a transaction; call it on the client';
      this.#refuse(command, new UnsupportedError(`${command.name}: ${why}`));
      return;
    }
    if (this.#isBetween && (kind === 'pubsub' || (kind === 'quit' && face.hasWaiting))) {
      face.whenDecided(() => this.#perform(kind, command, view));
      return;
    }
    switch (kind) {
      case 'pubsub':
        if (face.status.current === 'end') this.#refuse(command, closed());
        else this.#settle(command, face.pubsub.perform(command), command.resolve);
        return;
      case 'quit':
        this.#settle(
          command,
          face.quit().then(() => Buffer.from('OK')),
          command.resolve,
        );
        return;
      case 'select':
        if (isDatabase(command.args, face.redis.options.db)) {
          command.resolve(Buffer.from('OK'));
          return;
        }
        break;
      case 'multi':
        this.#refuse(
          command,
          new UnsupportedError(
            'multi({ pipeline: false }): MULTI on a connection that is shared with other commands; ' +
              'use multi(), which sends the commands together',
          ),
        );
        return;
      default:
    }
    this.#send(command, view);
  }

  /** Returns true if the command belongs to a transaction in its pipeline. */
  #gather(command: IoredisCommand, stream: PipelineStream, view: ViewOptions): boolean {
    if (this.#transactions.takes(stream)) {
      this.#transactions.add(stream, command);
      return true;
    }
    if (command.name !== 'multi' && command.name !== 'MULTI') return false;
    this.#transactions.begin(stream, command, (commands) => this.#sendBatch(commands, view));
    return true;
  }

  #sendBatch(commands: readonly Arguments[], view: ViewOptions): Promise<unknown> {
    const { face } = this;
    if (this.#isBetween) {
      return new Promise((resolve) => {
        face.whenDecided(() => resolve(this.#sendBatch(commands, view)));
      });
    }
    const { base } = view;
    const transport = this.#transport;
    const { unfinished: execTypeMapping } = face.decoding.mappings;
    const issue = (trace?: CommandTrace): Promise<unknown> => {
      if (transport === undefined) return face.shared.rejections.reject(closed());
      const options = trace === undefined ? base : { ...base, trace };
      return transport.send(['MULTI'], options, { kind: 'multi', commands, execTypeMapping });
    };
    return Promise.resolve(observeTransaction(issue, commands, face.source));
  }

  #refuse(command: IoredisCommand, error: Error): void {
    const caller = { reject: (told: unknown) => this.#fail(command, told) };
    this.face.shared.rejections.add(caller, error);
  }

  #fail(command: IoredisCommand, error: unknown): void {
    // Programs and libraries publish without handling the promise, and Node.js ends a process after
    // an unhandled rejection. Pub/sub delivers at most once anyway.
    if (isMultiDbError(error) && PUBLICATIONS.has(command.name.toLowerCase())) {
      command.promise.catch(() => {});
    }
    command.reject(this.face.errors.of(error, command));
  }

  /** Whether the command calls a script of `defineCommand`. */
  #isScript(command: IoredisCommand): boolean {
    return command.toWritable !== this.#encodePlain;
  }
}

/** An argument could not be converted to text: ioredis has rejected the promise and stopped there. */
function alreadyRejected(command: IoredisCommand): void {
  command.resolve = () => {};
  command.reject = () => {};
}

function plain({ name, args }: IoredisCommand): Arguments {
  return [name, ...args];
}

/** Whether SELECT would select the database in use. */
function isDatabase(args: Arguments, db: unknown): boolean {
  return args.length === 1 && String(args[0]) === String(db ?? 0);
}
