import { ErrorReply } from '@redis/client';
import type { CommandArgument } from '../../core/command-argument.js';
import type { ProbeConnection } from '../driver.js';
import { diagnosedError } from './diagnosed-error.js';
import { discardClient, newClient } from './new-client.js';
import { connectionOptions, type NodeRedisOptions } from './options.js';
import { captureSocket } from './raw-socket.js';

/** Opens a connection for health checks. It never keeps the process alive. */
export async function openProbeConnection(
  options: NodeRedisOptions,
  signal: AbortSignal,
): Promise<ProbeConnection> {
  let alive = true;
  let wasReady = false;
  let fail = (_cause: Error) => {};
  const setting = connectionOptions(options, (_retries, cause) => {
    destroy();
    // Version 5 leaves connect() pending when the server refuses and closes.
    fail(cause);
    return false;
  });
  const client = newClient(setting.options);
  const destroy = () => {
    alive = false;
    signal.removeEventListener('abort', destroy);
    discardClient(client, setting.abort);
  };

  const ended = new Promise<never>((_, reject) => {
    fail = reject;
    client.on('error', (error: Error) => {
      if (!wasReady) reject(diagnosedError(error, setting.context));
      destroy();
    });
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
  ended.catch(() => {});
  signal.addEventListener('abort', destroy, { once: true });
  if (signal.aborted) {
    destroy();
    throw signal.reason;
  }
  client.unref();
  let connected: Promise<unknown> = ended;
  const socket = captureSocket(() => {
    connected = client.connect();
  });
  try {
    await Promise.race([connected, ended]);
    wasReady = true;
    setting.connectedTo(socket?.remoteAddress);
  } catch (error) {
    destroy();
    throw diagnosedError(error, setting.context);
  }
  signal.removeEventListener('abort', destroy);
  const ready = { ...setting.context, wasConnected: true };

  return {
    get alive() {
      return alive;
    },
    send: (args: readonly CommandArgument[]) =>
      client.sendCommand(args as string[]).catch((error: unknown) => {
        // With RESP 2 the first command is the first to be refused for a missing password.
        throw error instanceof ErrorReply ? diagnosedError(error, ready) : error;
      }),
    subscribe: async (channel, onMessage) => {
      await client.subscribe(channel, onMessage);
    },
    unsubscribe: (channel, onMessage) => {
      client.unsubscribe(channel, onMessage).catch(() => {});
    },
    destroy,
  };
}
