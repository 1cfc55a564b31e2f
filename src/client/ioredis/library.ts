/**
 * The parts of ioredis that are used, in the words of ioredis: versions 5 and 6, and iovalkey. The
 * application passes its own copy, so nothing of the library is imported here.
 */

import type { EventEmitter } from 'node:events';

/** A command of ioredis: arguments that are encoded already, a promise, and its settling. */
export interface IoredisCommand {
  /** Of a script: changes with the way in which the script is called. */
  name: string;
  readonly args: (string | Buffer)[];
  readonly promise: Promise<unknown>;
  /** `utf8` for methods such as `get`, `null` for `getBuffer`. */
  readonly replyEncoding: string | null | undefined;
  resolve(reply: unknown): void;
  reject(error: unknown): void;
  /** Encodes the command. That of a script chooses EVAL or EVALSHA by the identity of the socket. */
  toWritable(socket: object): unknown;
  /** Version 6: how the reply transformers of ioredis have to read the reply. */
  setReplyContext?(context: ReplyContext): void;
}

export interface ReplyContext {
  readonly protocol: 2 | 3;
  readonly replyMapping: 'legacy' | 'resp3';
}

/** Conversions of arguments and replies, by the name of the command. */
export interface Transformers {
  readonly argument: Readonly<Record<string, ((args: unknown[]) => unknown[]) | undefined>>;
  readonly reply: Readonly<
    Record<string, ((reply: unknown, context: object) => unknown) | undefined>
  >;
}

/** The stream that a pipeline of ioredis passes along with each of its commands. */
export interface PipelineStream {
  readonly isPipeline?: boolean;
}

/** Options of ioredis by their names. */
export type IoredisOptions = Readonly<Record<string, unknown>>;

/** A scan stream, with the options that it was created with. */
export interface IoredisScanStream {
  opt: { redis: unknown; readonly command: string };
}

/** An instance of ioredis's `Redis`. */
export interface IoredisInstance extends EventEmitter {
  options: Record<string, unknown>;
  status: string;
  condition: unknown;
  getBuiltinCommands(): readonly string[];
  silentEmit(name: string, argument?: unknown): boolean;
  createScanStream(command: string, options: object): IoredisScanStream;
}

/** The class `Redis` of ioredis. */
export interface IoredisClass {
  new (options: IoredisOptions): IoredisInstance;
  readonly prototype: IoredisInstance;
  readonly name: string;
  readonly Command: {
    new (
      name: string,
      args: readonly unknown[],
      options?: object,
      callback?: (error: unknown, reply?: unknown) => void,
    ): IoredisCommand;
    readonly prototype: IoredisCommand;
    /** The transformers of the library and those that the application has added. */
    readonly _transformer?: Transformers;
  };
  readonly ReplyError?: new (message: string) => Error;
}

/** Whether the library is version 6 of ioredis, or has the same decoder and reply transformers. */
export function isVersion6({ Command }: IoredisClass): boolean {
  return typeof Command.prototype.setReplyContext === 'function';
}
