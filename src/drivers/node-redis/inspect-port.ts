import { connect } from 'node:net';
import { ANSWERS_HTTP, ANSWERS_PLAIN } from '../../core/connect-diagnosis.js';
import { withDiagnosis } from '../../foreign/foreign-error.js';
import { ownError } from '../../foreign/own-error.js';
import { NamesInUse } from './names-in-use.js';
import { type NodeRedisOptions, usesTls } from './options.js';

/**
 * Finds out whether a server on a TLS port speaks plain text. A server without TLS does not reply
 * to the start of a TLS handshake, because it waits for the rest of what it takes for a command.
 * Sends PING in plain text, and nothing else. Resolves to `undefined` if the options do not ask for
 * TLS, or if no plain text came back before `signal` aborted.
 */
export function inspectPort(
  { host, port }: { readonly host: string; readonly port: number | undefined },
  options: NodeRedisOptions,
  signal: AbortSignal,
): Promise<Error | undefined> {
  if (!usesTls(options) || port === undefined || signal.aborted) return Promise.resolve(undefined);
  const { lookup } = (options.names ?? new NamesInUse()).hook(options.socket?.lookup, signal);
  return new Promise((resolve) => {
    const socket = connect({ host, port, lookup, signal });
    socket.unref();
    const end = (diagnosis?: string) => {
      socket.destroy();
      resolve(diagnosis === undefined ? undefined : withDiagnosis(ownError(diagnosis), diagnosis));
    };
    socket.on('connect', () => socket.write('PING\r\n'));
    socket.on('error', () => end());
    socket.on('close', () => end());
    socket.on('data', (chunk) => {
      const text = chunk.toString('latin1', 0, 5);
      if (/^[+-]/.test(text)) end(ANSWERS_PLAIN);
      else end(text === 'HTTP/' ? ANSWERS_HTTP : undefined);
    });
  });
}
