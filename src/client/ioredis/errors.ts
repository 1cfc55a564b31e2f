import { ErrorReply } from '@redis/client';
import { isMultiDbError, type MultiDbErrorCode } from '../../errors.js';
import type { Command } from '../../runtime/command/command.js';
import type { IoredisClass, IoredisCommand } from './library.js';

/** The text of ioredis for commands that a closed or lost connection ended; libraries compare it. */
export const CONNECTION_CLOSED = 'Connection is closed.';

/** The text of ioredis for the same event, by `code`. */
const TEXTS: Partial<Record<MultiDbErrorCode, string>> = {
  CLIENT_CLOSED: CONNECTION_CLOSED,
  CONNECTION_LOST: CONNECTION_CLOSED,
  TEMPORARILY_UNAVAILABLE: CONNECTION_CLOSED,
  PERMANENTLY_UNAVAILABLE: CONNECTION_CLOSED,
  COMMAND_TIMEOUT: 'Command timed out',
};

/** An error of the engine as an application that uses ioredis expects it. */
export class IoredisErrors {
  readonly #ReplyError: new (
    message: string,
  ) => Error;

  constructor({ ReplyError = PlainReplyError }: IoredisClass) {
    this.#ReplyError = ReplyError;
  }

  /**
   * Converts the error of a command: an error reply becomes a `ReplyError` of ioredis with the
   * command; an error of this package keeps its class and properties, and has ioredis's text where
   * libraries compare it. Its own text stays in `detail`.
   */
  of(error: unknown, command?: Pick<IoredisCommand, 'name' | 'args'>): unknown {
    if (!(error instanceof ErrorReply)) return withText(error);
    const converted = this.reply(error);
    if (command === undefined) return converted;
    const { name, args } = command;
    return Object.assign(converted, { command: { name, args } });
  }

  /**
   * The same for an error of a command of the engine. Errors of a transaction are converted later,
   * because they belong to several commands.
   */
  readonly ofEngine = (error: unknown, command?: Command): unknown => {
    const { batch, args: all } = command ?? {};
    if (batch !== undefined && batch.kind !== 'single') return error;
    if (all === undefined) return withText(error);
    const [name, ...args] = all;
    return this.of(error, { name: String(name), args });
  };

  /** An error reply inside the reply of EXEC, or inside that of a script. */
  reply(error: ErrorReply): Error {
    const { maybeExecuted, databaseId } = error as { maybeExecuted?: boolean; databaseId?: string };
    const converted = new this.#ReplyError(error.message);
    return maybeExecuted === undefined
      ? converted
      : Object.assign(converted, { maybeExecuted, databaseId });
  }

  /** The error of a command that the server refuses to execute after an earlier one. */
  aborted({ name, args }: IoredisCommand): Error {
    const error = new this.#ReplyError(
      'EXECABORT Transaction discarded because of previous errors.',
    );
    return Object.assign(error, { command: { name, args } });
  }
}

/** Gives an error of this package the text of ioredis. */
export function withText<E>(error: E): E {
  if (!isMultiDbError(error)) return error;
  const text = TEXTS[error.code];
  if (text === undefined || error.message === text) return error;
  return Object.assign(error, { detail: error.message, message: text });
}

class PlainReplyError extends Error {
  override readonly name = 'ReplyError';
}
