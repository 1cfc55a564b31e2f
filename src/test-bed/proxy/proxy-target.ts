/** The server behind a proxy. */
import { connect, type Socket } from 'node:net';

/** The server behind a proxy; a `RedisServer` fits. */
export type ProxyTarget =
  | { readonly port: number; readonly host?: string; readonly password?: string | undefined }
  | { readonly path: string; readonly password?: string | undefined };

export function connectTo(target: ProxyTarget): Socket {
  if ('path' in target) return connect({ path: target.path, allowHalfOpen: true });
  const { port, host = '127.0.0.1' } = target;
  return connect({ port, host, allowHalfOpen: true, noDelay: true });
}
