import { isMultiDbError, UnsupportedError } from '../../errors.js';
import type { CommandOptions } from '../../runtime/command/command-options.js';
import { argumentFlaw } from '../argument-flaw.js';
import type { DecodingOfCommand } from './decoding.js';
import { closed, type Face } from './face.js';
import type { IoredisClass, IoredisCommand, PipelineStream } from './library.js';
import { refusal } from './refused-commands.js';
import { Transactions } from './transaction.js';

type Arguments = readonly (string | Buffer)[];
type Kind = 'plain' | 'multi' | 'quit' | 'select' | 'client' | 'pubsub';

/** Names that take another way than into the engine. */
const KINDS: ReadonlyMap<string, Kind> = new Map<string, Kind>([
  ['MULTI', 'multi'],
  ['QUIT', 'quit'],
  ['SELECT', 'select'],
  ['CLIENT', 'client'],
  ...['SUBSCRIBE', 'PSUBSCRIBE', 'SSUBSCRIBE', 'UNSUBSCRIBE', 'PUNSUBSCRIBE', 'SUNSUBSCRIBE'].map(
    (name): [string, Kind] => [name, 'pubsub'],
  ),
]);

const PUBLICATIONS: ReadonlySet<string> = new Set(['publish', 'spublish']);

/** Number of names whose kind is remembered: more than there are commands. */
const MAX_NAMES = 1000;

/** Options of the commands of one view of a client, by the kind of decoding. */
export type ViewOptions = Map<DecodingOfCommand['kind'], CommandOptions | undefined>;

/**
 * `sendCommand` of an ioredis client: every command of the library, of scripts, pipelines and streams
 * ends there. It hands raw arguments to the engine, and the reply back to the command.
 */
export class CommandSender {
  readonly #kinds = new Map<string, Kind>();
  readonly #transactions: Transactions;
  readonly #encodePlain: IoredisCommand['toWritable'];
  /** Commands that were issued between a `disconnect(true)` and the connect that follows it. */
  #waiting: (() => void)[] = [];

  constructor(
    private readonly face: Face,
    { Command }: IoredisClass,
  ) {
    this.#encodePlain = Command.prototype.toWritable;
    face.onConnecting = () => this.#resume();
    this.#transactions = new Transactions({
      decoding: face.decoding,
      errors: face.errors,
      encode: (command, socket) => this.#encode(command, socket),
    });
  }

  /** `base` and `views` are the options of the view that the command was issued on. */
  send(
    command: IoredisCommand,
    stream: PipelineStream | undefined,
    base: CommandOptions,
    views: ViewOptions,
  ): Promise<unknown> {
    const { face } = this;
    command.setReplyContext?.(face.decoding.context);
    if (face.status.current === 'wait') face.connect().catch(() => {});
    if (stream?.isPipeline === true && this.#gather(command, stream, base)) return command.promise;
    const kind = this.#kinds.get(command.name) ?? this.#classify(command.name);
    if (kind === 'plain') this.#send(command, base, views);
    else this.#perform(kind, command, base, views);
    return command.promise;
  }

  /** The connect that commands wait for has begun. */
  #resume(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const send of waiting) send();
  }

  #classify(name: string): Kind {
    const kind = KINDS.get(name.toUpperCase()) ?? 'plain';
    if (this.#kinds.size < MAX_NAMES) this.#kinds.set(name, kind);
    return kind;
  }

  #send(command: IoredisCommand, base: CommandOptions, views: ViewOptions): void {
    const { face } = this;
    const { executor } = face.session;
    if (executor === undefined) {
      if (face.status.current === 'reconnecting') {
        this.#waiting.push(() => this.#send(command, base, views));
      } else this.#refuse(command, closed());
      return;
    }
    const args = this.#encode(command, face.scriptCache);
    const refused = refusal(args) ?? argumentFlaw(args);
    if (refused !== undefined) {
      this.#refuse(command, refused);
      return;
    }
    const { decoding } = face;
    const decoder = decoding.of(command);
    let options = views.get(decoder.kind);
    if (options === undefined && !views.has(decoder.kind)) {
      options = withMapping(base, decoder.mapping);
      views.set(decoder.kind, options);
    }
    executor
      .answer(args, options)
      .then(
        decoder.kind === 'unfinished'
          ? (reply) => command.resolve(decoding.finish(reply))
          : command.resolve,
        (error) => this.#fail(command, error),
      );
  }

  #perform(kind: Kind, command: IoredisCommand, base: CommandOptions, views: ViewOptions): void {
    const { face } = this;
    switch (kind) {
      case 'pubsub':
        if (face.status.current === 'end') this.#refuse(command, closed());
        else this.#settleBy(command, face.pubsub.perform(command));
        return;
      case 'quit':
        this.#settleBy(
          command,
          face.close().then(() => Buffer.from('OK')),
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
    this.#send(command, base, views);
  }

  /** Returns true if the command belongs to a transaction in its pipeline. */
  #gather(command: IoredisCommand, stream: PipelineStream, base: CommandOptions): boolean {
    if (this.#transactions.takes(stream)) {
      this.#transactions.add(stream, command);
      return true;
    }
    if (command.name !== 'multi' && command.name !== 'MULTI') return false;
    this.#transactions.begin(stream, command, (commands) => this.#sendBatch(commands, base));
    return true;
  }

  async #sendBatch(commands: readonly Arguments[], base: CommandOptions): Promise<unknown> {
    const { executor } = this.face.session;
    if (executor === undefined) {
      if (this.face.status.current !== 'reconnecting') {
        return this.face.shared.rejections.reject(closed());
      }
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
      });
      return this.#sendBatch(commands, base);
    }
    const { buffers } = this.face.decoding;
    return executor.send(['MULTI'], base, { kind: 'multi', commands, execTypeMapping: buffers });
  }

  /** After a turn of the event loop, so that a caller that retries at once does not block it. */
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

  #settleBy(command: IoredisCommand, reply: Promise<unknown>): void {
    reply.then(command.resolve, (error) => this.#fail(command, error));
  }

  #encode(command: IoredisCommand, socket: object): Arguments {
    // The command of a script, which becomes EVAL or EVALSHA.
    if (command.toWritable !== this.#encodePlain) command.toWritable(socket);
    return [command.name, ...command.args];
  }
}

/** Whether SELECT would select the database in use. */
function isDatabase(args: Arguments, db: unknown): boolean {
  return args.length === 1 && String(args[0]) === String(db ?? 0);
}

function withMapping(base: CommandOptions, typeMapping: unknown): CommandOptions | undefined {
  if (typeMapping !== undefined) return { ...base, typeMapping };
  return Object.keys(base).length === 0 ? undefined : base;
}
