import { ANSWERS_HTTP, ANSWERS_TLS } from '../../core/connect-diagnosis.js';
import { foreignError, foreignReason, withDiagnosis } from '../../foreign/foreign-error.js';
import type { InnerClient } from './inner-client.js';

/** The parts of node-redis's command queue and decoder that are used. */
interface Queue {
  readonly isPubSubActive: boolean;
  isEmpty(): boolean;
  readonly decoder: {
    write(chunk: Buffer): void;
    getTypeMapping(): unknown;
    onErrorReply(error: Error): void;
  };
}

/** The server sent data that is not RESP, or a reply to no command. The connection is lost. */
export class BrokenStreamError extends Error {
  override readonly name = 'BrokenStreamError';
}

/**
 * Turns every fault in the data from a server into a `BrokenStreamError`. node-redis emits whatever
 * its decoder throws: a TypeError for a reply without a command, a RangeError for an impossible
 * length. Those look like a caller's invalid argument.
 *
 * `pushes`: the server may send unrequested messages (RESP 3).
 */
export function guardStream(client: InnerClient, pushes: boolean): void {
  const queue = client._getQueue() as unknown as Queue;
  const { decoder } = queue;
  const { write, getTypeMapping, onErrorReply } = decoder;

  decoder.write = (chunk) => {
    // With RESP 2 every byte belongs to a reply: half a reply without a command would become the
    // start of the next caller's reply.
    if (!pushes && queue.isEmpty() && !queue.isPubSubActive && !isErrorLine(chunk)) {
      throw unasked();
    }
    try {
      write.call(decoder, chunk);
    } catch (error) {
      if (error instanceof BrokenStreamError) throw error;
      const words = otherProtocol(chunk);
      throw words === undefined ? undecodable(error) : withDiagnosis(undecodable(error), words);
    }
  };
  decoder.onErrorReply = (error) => {
    if (!queue.isEmpty()) return onErrorReply(error);
    throw new BrokenStreamError(
      `the server sent an error without a command: ${foreignReason(error)}`,
      {
        cause: foreignError(error),
      },
    );
  };
  if (!pushes) return;
  // Called at the start of each reply, but not for push messages. Without a waiting command version
  // 5 throws by itself, and version 6 returns the value that it returns now.
  const mappingOfNone = attempt(getTypeMapping);
  if (mappingOfNone === undefined) return;
  decoder.getTypeMapping = () => {
    const mapping = getTypeMapping();
    if (mapping === mappingOfNone && queue.isEmpty()) throw unasked();
    return mapping;
  };
}

function attempt(call: () => unknown): unknown {
  try {
    return call();
  } catch {
    return undefined;
  }
}

/** Whether the chunk is an error reply, whose text says why the server closes the connection. */
function isErrorLine(chunk: Buffer): boolean {
  return chunk[0] === 0x2d;
}

/** The protocol of a server that does not speak RESP, by its first bytes. */
function otherProtocol(chunk: Buffer): string | undefined {
  if (chunk.toString('latin1', 0, 5) === 'HTTP/') return ANSWERS_HTTP;
  const isTlsRecord = (chunk[0] === 0x15 || chunk[0] === 0x16) && chunk[1] === 0x03;
  return isTlsRecord ? ANSWERS_TLS : undefined;
}

function unasked(): BrokenStreamError {
  return new BrokenStreamError('the server sent a reply without a command');
}

function undecodable(cause: unknown): BrokenStreamError {
  return new BrokenStreamError(
    `the server sent data that cannot be decoded: ${foreignReason(cause)}`,
    {
      cause: foreignError(cause),
    },
  );
}
