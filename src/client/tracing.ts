import { AsyncLocalStorage } from 'node:async_hooks';
import { tracingChannel } from 'node:diagnostics_channel';
import { shownArguments } from '../drivers/node-redis/library-internals.js';
import type { CommandTrace } from '../runtime/command/command-trace.js';
import {
  type CommandReport,
  type DatabaseInUse,
  placeOf,
  type ServerPlace,
  TracedCall,
  type TraceMessage,
  type TraceSource,
} from './traced-call.js';

/**
 * node-redis's own tracing channels. Each call of an application is reported there once, whether it
 * is refused, sent, or retried. The engine's own commands are not reported.
 */
const COMMANDS = tracingChannel<object>('node-redis:command');
const BATCHES = tracingChannel<object>('node-redis:batch');
const CONNECTS = tracingChannel<object>('node-redis:connect');

/** The parts of the engine that are used. */
interface Databases {
  readonly route: { readonly database: DatabaseInUse | undefined };
  all(): readonly DatabaseInUse[];
}

/**
 * Returns the place of the active database; while there is none, of the one with the highest
 * weight.
 */
export function activePlace(databases: Databases): ServerPlace {
  return placeOf(
    databases.route.database ??
      databases.all().reduce((best, each) => (each.weight > best.weight ? each : best)),
  );
}

/** The client that is traced. */
export interface Traced {
  readonly _clientId?: string;
}

/** A client without an id in traces. */
export const UNNAMED: Traced = Object.freeze({});

export interface BatchShape {
  readonly batchMode: 'MULTI' | 'PIPELINE';
  readonly batchSize: number;
}

export const isTracingCommands = (): boolean => COMMANDS.hasSubscribers;
export const isTracingBatches = (): boolean => BATCHES.hasSubscribers || COMMANDS.hasSubscribers;

export function traceCommand<T>(
  send: (trace: CommandTrace) => PromiseLike<T>,
  args: readonly unknown[],
  client: Traced,
  source: TraceSource,
): Promise<T> {
  const { command, args: shown } = commandShown(args);
  const call = new TracedCall(source, [command]);
  const message = commandMessage(command, shown, client, call, source.place());
  call.report(message);
  return trace(COMMANDS, () => send(call), message);
}

/** As in node-redis, a pipeline reports each of its commands, a transaction only itself. */
export function traceBatch<T>(
  send: (trace: CommandTrace) => PromiseLike<T>,
  shape: BatchShape,
  commands: readonly (readonly unknown[])[],
  client: Traced,
  source: TraceSource,
): Promise<T> {
  const call = new TracedCall(
    source,
    commands.map((args) => commandName(args)),
  );
  const message = { ...shape, ...source.place(), clientId: client._clientId };
  call.report(message);
  return trace(
    BATCHES,
    () => {
      const sent = Promise.resolve(send(call));
      if (shape.batchMode !== 'PIPELINE' || !COMMANDS.hasSubscribers) return sent;
      for (const [index, args] of commands.entries()) {
        const reply = sent.then((replies) => (replies as unknown[])[index]);
        const { command, args: shown } = commandShown(args);
        const one = { ...commandMessage(command, shown, client, call, source.place()), ...shape };
        call.report(one);
        trace(COMMANDS, () => reply, one).catch(() => {});
      }
      return sent;
    },
    message,
  );
}

const ADOPTED = new AsyncLocalStorage<object>();

/**
 * Runs `run`, in which node-redis itself publishes the start of the command: its message reports
 * `call`. A bound store gets the message before every subscriber.
 */
export function reportedBy<T>(call: TracedCall, run: () => T): T {
  const { start } = COMMANDS;
  if (!isTracingCommands()) return run();
  start.bindStore(ADOPTED, (message) => {
    call.report(message);
    return message;
  });
  try {
    return run();
  } finally {
    start.unbindStore(ADOPTED);
  }
}

export function traceConnect<T>(
  connect: () => Promise<T>,
  client: Traced,
  source: TraceSource,
): Promise<T> {
  if (!CONNECTS.hasSubscribers) return connect();
  const { serverAddress, serverPort } = source.place();
  return trace(CONNECTS, connect, { serverAddress, serverPort, clientId: client._clientId });
}

function trace<T>(
  tracing: typeof COMMANDS,
  run: () => PromiseLike<T>,
  message: object,
): Promise<T> {
  return tracing.tracePromise(run as () => Promise<T>, message);
}

type CommandMessage = TraceMessage & {
  readonly command: string;
  readonly args: readonly string[];
  readonly clientId: string | undefined;
};

/** One literal with every member: messages of one shape are read and changed fast. */
function commandMessage(
  command: string,
  args: readonly string[],
  { _clientId: clientId }: Traced,
  multiDb: CommandReport,
  { serverAddress, serverPort, database }: ServerPlace,
): CommandMessage {
  return { command, args, serverAddress, serverPort, database, clientId, multiDb };
}

/** Arguments that can't be read are rejected later, when they are sent. */
function commandShown(args: readonly unknown[]): { command: string; args: readonly string[] } {
  try {
    return { command: commandName(args), args: shownArguments(args) };
  } catch {
    return { command: 'UNKNOWN', args: [] };
  }
}

/** As node-redis shows it. */
export function commandName(args: readonly unknown[]): string {
  return String(args[0]).toUpperCase();
}
