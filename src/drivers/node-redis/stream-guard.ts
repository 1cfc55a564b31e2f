import { ANSWERS_HTTP, ANSWERS_TLS } from '../../core/connect-diagnosis.js';
import { foreignError, foreignReason, withDiagnosis } from '../../foreign/foreign-error.js';
import type { InnerClient } from './inner-client.js';

/** What is used of node-redis's queue of commands and of its decoder. */
interface Queue {
  readonly isPubSubActive: boolean;
  isEmpty(): boolean;
  readonly decoder: {
    write(chunk: Buffer): void;
    getTypeMapping(): unknown;
    onErrorReply(error: Error): void;
  };
}

/** The server sent something that is not RESP, or that answers nothing. Its connection is lost. */
export class BrokenStreamError extends Error {
  override readonly name = 'BrokenStreamError';
}

/**
 * Makes every fault in what a server sends one kind of error. node-redis emits whatever its
 * decoder throws: a TypeError for a reply that nobody waits for, a RangeError for a length that no
 * buffer can have. Those look like a caller's bad argument.
 *
 * `pushes`: the server may send without being asked (RESP 3).
 */
export function guardStream(client: InnerClient, pushes: boolean): void {
  const queue = client._getQueue() as unknown as Queue;
  const { decoder } = queue;
  const { write, getTypeMapping, onErrorReply } = decoder;

  decoder.write = (chunk) => {
    // With RESP 2 every byte belongs to a reply: half a reply that nobody waits for would become
    // the beginning of the next caller's.
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
  // Asked for at the beginning of each reply, and not for pushes. Version 5 throws by itself when
  // nothing waits; version 6 answers what it answers now.
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

/** Its text says why the server closes the connection. */
function isErrorLine(chunk: Buffer): boolean {
  return chunk[0] === 0x2d;
}

/** What a server that does not speak RESP speaks, as far as its first bytes tell. */
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
