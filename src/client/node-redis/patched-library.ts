import { EventEmitter } from 'node:events';
import type { CommandArgument } from '../../core/command-argument.js';
import { isPatched } from '../../drivers/node-redis/patched-method.js';
import type { CommandTrace } from '../../runtime/command/command-trace.js';
import { TracedCall, type TraceSource } from '../traced-call.js';
import { commandName, reportedBy } from '../tracing.js';
import type { Internals } from './internals.js';

type Method = (this: unknown, ...args: unknown[]) => Promise<unknown>;

/** A command in node-redis's queue. */
interface Queued {
  resolve(reply: unknown): void;
  reject(error: unknown): void;
}

/** The parts of a node-redis client that are used. */
interface Library {
  readonly options?: { socket?: unknown };
  sendCommand: Method;
  _getQueue?(): Queue;
  _ejectSocket?(): unknown;
  _insertSocket?(socket: object): void;
}

interface Queue {
  addCommand: Method;
  extractAllCommands?(): Queued[];
}

/**
 * Sends commands through methods of node-redis that an instrumentation has replaced:
 * `sendCommand` of the client (OpenTelemetry), or `addCommand` of its queue (Datadog). node-redis
 * then leaves each command in the queue of the facade, which never writes it. The engine takes it
 * from there, executes it, and settles it.
 */
export interface PatchedLibrary {
  /** `run` executes the command in the engine. */
  send(
    view: Internals,
    args: readonly CommandArgument[],
    run: (trace: CommandTrace) => PromiseLike<unknown>,
  ): Promise<unknown>;
  /** Like `send`, for the commands of a batch, which the instrumentation sees one by one. */
  sendBatch(
    kind: 'multi' | 'pipeline',
    commands: readonly (readonly CommandArgument[])[],
    run: () => Promise<unknown>,
  ): Promise<unknown>;
}

/** Returns `undefined` if no method is replaced, or this version of node-redis can't be used so. */
export function patchedLibrary(facade: Internals, source: TraceSource): PatchedLibrary | undefined {
  const client = facade._self as unknown as Library;
  const queue = client._getQueue?.();
  if (queue === undefined) return undefined;
  const { sendCommand } = client;
  const isQueuePatched = isPatched(queue.addCommand);
  if (!isQueuePatched && !isPatched(sendCommand)) return undefined;
  if (typeof queue.extractAllCommands !== 'function') return undefined;
  if (typeof client._ejectSocket !== 'function' || typeof client._insertSocket !== 'function') {
    return undefined;
  }
  client._ejectSocket();
  client._insertSocket(new OpenSocket());
  tellPlace(client, queue, source);
  const take = () => queue.extractAllCommands?.() ?? [];

  return {
    send(view, args, run) {
      // Deadlines and abort signals are the engine's: node-redis must not see the options.
      const bare = Object.create(view, { _commandOptions: { value: {} } });
      const call = new TracedCall(source, [commandName(args)]);
      const promise = reportedBy(call, () => sendCommand.call(bare, args));
      for (const queued of take()) settle(run(call), (reply) => queued.resolve(reply), queued);
      return promise;
    },

    sendBatch(kind, commands, run) {
      const sent = run();
      if (!isQueuePatched) return sent;
      const all = kind === 'multi' ? [['MULTI'], ...commands, ['EXEC']] : commands;
      for (const [index, args] of all.entries()) {
        queue.addCommand(args, {}).catch(() => {});
        for (const queued of take()) {
          const replyOf = (replies: unknown) => {
            if (kind === 'pipeline') return (replies as unknown[])[index];
            return index === all.length - 1 ? replies : 'QUEUED';
          };
          settle(sent, (replies) => queued.resolve(replyOf(replies)), queued);
        }
      }
      return sent;
    },
  };
}

function settle(
  sent: PromiseLike<unknown>,
  resolve: (reply: unknown) => void,
  queued: Queued,
): void {
  sent.then(resolve, (error: unknown) => queued.reject(error));
}

/** Instrumentations read the address from here, when a command is called. */
function tellPlace(client: Library, queue: Queue, source: TraceSource): void {
  const address = {
    get host() {
      return source.place().serverAddress;
    },
    get port() {
      return source.place().serverPort;
    },
  };
  if (client.options !== undefined) client.options.socket = address;
  Object.defineProperty(queue, 'connection_options', { value: address });
}

/** In place of the socket of a facade: node-redis accepts commands, and nothing is written. */
class OpenSocket extends EventEmitter {
  readonly isOpen = true;
  readonly isReady = true;
  write(): void {}
  destroy(): void {}
}
