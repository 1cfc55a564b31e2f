import type { CommandArgument } from '../../core/command-argument.js';
import type { Attempt, Connection } from '../../drivers/driver.js';
import { FunctionLoadError } from '../../errors.js';
import { foreignError, foreignReason } from '../../foreign/foreign-error.js';
import { libraryName } from '../../options/library-name.js';

/** Loads libraries over a connection before it takes commands; never rejects. */
export type Preload = (connection: Connection) => Promise<void>;

/**
 * Loads function libraries that are missing or differ, so that a database that was restarted empty
 * has them before its first command. A library that can't be loaded is reported with `tell`, and
 * the connection is used all the same. A read-only replica gets libraries from its master.
 */
export function functionPreload(
  libraries: readonly string[],
  databaseId: string,
  tell: (error: FunctionLoadError) => void,
): Preload {
  return async (connection) => {
    for (const code of libraries) {
      const name = libraryName(code) ?? '';
      try {
        const list = ['FUNCTION', 'LIST', 'LIBRARYNAME', name, 'WITHCODE'];
        if (holds(await ask(connection, list), code)) continue;
        await ask(connection, ['FUNCTION', 'LOAD', 'REPLACE', code]);
      } catch (cause) {
        // The connection was lost: the next one loads the libraries.
        if (!connection.ready) return;
        const reason = foreignReason(cause);
        if (reason.startsWith('READONLY')) continue;
        const message = `the functions of ${name} could not be loaded on ${databaseId}: ${reason}`;
        tell(new FunctionLoadError(message, { databaseId, cause: foreignError(cause) }));
      }
    }
  };
}

/** Whether a reply of any protocol version contains `code`. */
function holds(reply: unknown, code: string): boolean {
  if (typeof reply === 'string') return reply === code;
  if (Buffer.isBuffer(reply)) return reply.toString() === code;
  if (reply instanceof Map) return [...reply.values()].some((part) => holds(part, code));
  if (typeof reply !== 'object' || reply === null) return false;
  return Object.values(reply).some((part) => holds(part, code));
}

function ask(connection: Connection, args: readonly CommandArgument[]): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const attempt: Attempt = {
      args,
      batch: undefined,
      options: undefined,
      written: false,
      handle: undefined,
      onReply: resolve,
      onError: reject,
    };
    connection.send(attempt);
  });
}
