import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';

/** Node.js tells of every socket that `net.connect` makes, in the moment in which it makes it. */
const CHANNEL = 'net.client.socket';

/**
 * Runs `open` and answers the socket that it made, if it made one: node-redis opens its socket
 * within the call to `connect()`. It is only looked at (for the bytes that arrived) and destroyed.
 * Undefined for TLS, whose sockets are not told.
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
