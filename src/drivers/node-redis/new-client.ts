import { ClientClosedError, ClientOfflineError, createClient } from '@redis/client';
import { StreamedCredentials } from './credentials.js';
import type { InnerClient } from './inner-client.js';
import { unregisterClient } from './library-internals.js';
import { type ClientOptions, respOf } from './options.js';
import { isPatched } from './patched-method.js';
import { guardStream } from './stream-guard.js';

/** Per copy, because another copy may use another `@redis/client`. By RESP version. */
const templates = new Map<unknown, InnerClient>();

/**
 * Creates a client for one connection, in well under a millisecond. `createClient` builds a class
 * with every command, which blocks the event loop for 20 ms, whenever its options differ from those
 * of the call before. A duplicate of a client that never connects reuses the class.
 */
export function newClient(options: ClientOptions): InnerClient {
  const { RESP } = options;
  let template = templates.get(RESP);
  if (template === undefined) {
    template = createClient(RESP === undefined ? {} : { RESP }) as unknown as InnerClient;
    templates.set(RESP, template);
    unregisterClient(template);
  }
  const client = untraced(template.duplicate(options as never) as unknown as InnerClient);
  guardStream(client, respOf(options) !== 2);
  const { credentialsProvider } = options;
  if (credentialsProvider instanceof StreamedCredentials) {
    client.on('ready', () => credentialsProvider.ready());
  }
  return client;
}

/** Ends a client and its socket in any state. */
export function discardClient(client: InnerClient, abort: AbortController): void {
  try {
    client.destroy();
  } catch {
    // Version 5 throws when the client isn't open; nothing is left to destroy then.
  }
  unregisterClient(client);
  abort.abort();
}

interface Queue {
  addCommand(args: unknown, options: object): Promise<unknown>;
  prependCommandsToWrite?(commands: readonly object[]): void;
}

/** The steps of `sendCommand` and `connect` around which node-redis traces. */
interface Steps {
  readonly isOpen: boolean;
  readonly isReady: boolean;
  readonly _commandOptions: object | undefined;
  _getQueue(): Queue;
  _unpause?(): void;
  _ejectSocket?(): { connect(): Promise<void> };
  _insertSocket?(socket: object): void;
}

/**
 * Keeps the engine's own commands and connects out of node-redis's traces and metrics: the facade
 * reports what callers asked for, once. A version that lacks these steps keeps tracing.
 */
function untraced(client: InnerClient): InnerClient {
  const steps = client as unknown as Steps;
  if (typeof steps._unpause === 'function') {
    const add = addToQueue(steps._getQueue(), () => steps._unpause?.());
    Object.assign(client, {
      sendCommand(args: unknown, options?: object): Promise<unknown> {
        if (!steps.isOpen) return Promise.reject(new ClientClosedError());
        if (!steps.isReady) return Promise.reject(new ClientOfflineError());
        return add(args, { ...steps._commandOptions, ...options });
      },
    });
  }
  if (typeof steps._ejectSocket === 'function' && typeof steps._insertSocket === 'function') {
    const socket = steps._ejectSocket();
    steps._insertSocket(socket);
    Object.assign(client, {
      async connect() {
        await socket.connect();
        return client;
      },
    });
  }
  return client;
}

/** Not through `addCommand` if an instrumentation has replaced it. */
function addToQueue(queue: Queue, write: () => void): Queue['addCommand'] {
  if (!isPatched(queue.addCommand) || queue.prependCommandsToWrite === undefined) {
    return (args, options) => {
      const reply = queue.addCommand(args, options);
      write();
      return reply;
    };
  }
  let added: object[] = [];
  return (args, options) =>
    new Promise((resolve, reject) => {
      const { typeMapping } = options as { typeMapping?: unknown };
      const unused = { chainId: undefined, abort: undefined, timeout: undefined };
      added.push({ ...unused, channelsCounter: undefined, args, resolve, reject, typeMapping });
      if (added.length > 1) return;
      // In one step, so that the commands of a turn keep their order.
      queueMicrotask(() => {
        queue.prependCommandsToWrite?.(added);
        added = [];
        write();
      });
    });
}
