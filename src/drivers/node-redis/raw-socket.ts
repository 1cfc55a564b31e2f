import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';

/** Node.js publishes every socket that `net.connect` creates, at the moment of its creation. */
const CHANNEL = 'net.client.socket';

/**
 * Runs `open` and returns the socket that it created, if any: node-redis opens its socket within
 * the call to `connect()`. The socket is only read (bytes received, address), referenced and
 * destroyed. Undefined for TLS, whose sockets are not published.
 */
export function captureSocket(open: () => void): Socket | undefined {
  let socket: Socket | undefined;
  const capture = (message: unknown) => {
    socket = (message as { socket: Socket }).socket;
  };
  subscribe(CHANNEL, capture);
  try {
    open();
  } finally {
    unsubscribe(CHANNEL, capture);
  }
  return socket;
}
