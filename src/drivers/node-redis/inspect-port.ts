import { connect } from 'node:net';
import { ANSWERS_HTTP, ANSWERS_PLAIN } from '../../core/connect-diagnosis.js';
import { withDiagnosis } from '../../foreign/foreign-error.js';
import { ownError } from '../../foreign/own-error.js';
import { NamesInUse } from './names-in-use.js';
import { type NodeRedisOptions, usesTls } from './options.js';

/**
 * A server without TLS does not answer the beginning of a TLS handshake: it waits for the rest of
 * what it takes for a command. Asks it in plain text, and sends nothing but PING. `undefined`: the
 * options do not ask for TLS, or nothing in plain text came back before `signal` aborted.
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
