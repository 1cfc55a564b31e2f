import { invalid, join, type Values } from '../validation/check.js';
import type { ClientOptions } from './client.js';

const TLS_OPTIONS = [
  'ca',
  'cert',
  'key',
  'passphrase',
  'pfx',
  'rejectUnauthorized',
  'servername',
  'checkServerIdentity',
];

/**
 * Rejects TLS options of a database whose connections are in plain text: TLS was meant. A socket
 * that says `tls: false` is accepted. `merged` is `own` over the shared options, with a valid URL.
 */
export function rejectUnusedTls(own: ClientOptions, merged: ClientOptions, at: string): void {
  const socket = (own.socket ?? {}) as Values;
  const name = TLS_OPTIONS.find((option) => socket[option] !== undefined);
  if (name === undefined || socket.tls === false) return;
  const { tls } = (merged.socket ?? {}) as Values;
  const isTls = merged.url === undefined ? tls === true : /^rediss:/i.test(String(merged.url));
  if (isTls) return;
  const expected =
    '`tls: true` or a rediss:// URL beside it, because the connection is in plain text';
  throw invalid(join(at, `socket.${name}`), expected, socket[name]);
}
