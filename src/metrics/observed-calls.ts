import { type TracingChannelSubscribers, tracingChannel } from 'node:diagnostics_channel';
import type { CommandReport } from '../client/node-redis/traced-call.js';
import { systemClock } from '../clock.js';
import { isMultiDbError } from '../errors.js';

/** A message on node-redis's tracing channels. */
interface Message {
  readonly command?: string;
  readonly args?: readonly string[];
  readonly batchMode?: 'MULTI' | 'PIPELINE';
  readonly batchSize?: number;
  readonly serverAddress?: string;
  readonly serverPort?: number;
  readonly database?: number;
  readonly error?: unknown;
  readonly multiDb?: CommandReport;
}

/** One command or batch of a client, from its call until it has settled. */
export interface ObservedCall {
  readonly report: CommandReport;
  /** `GET`, `MULTI`, `PIPELINE SET`. */
  readonly operation: string;
  /** Number of commands of a batch; undefined for a single command. */
  readonly batchSize: number | undefined;
  /** The arguments as node-redis shows them; empty for a batch. */
  readonly args: readonly string[];
  /** Monotonic milliseconds. */
  readonly startedAt: number;
  /** The server that answered or was tried last. */
  readonly server: {
    readonly address: string | undefined;
    readonly port: number | undefined;
    readonly database: number | undefined;
  };
  /** Why it failed; undefined: it is not over, or it succeeded. */
  readonly failure: CallFailure | undefined;
}

/** Why a call failed, in words of low cardinality: the text of an error may contain arguments. */
export interface CallFailure {
  /** Code of the error, first word of an error reply, or name of the error. */
  readonly type: string;
  /** First word of an error reply. */
  readonly statusCode: string | undefined;
}

export interface CallListener {
  onStart?(call: ObservedCall): void;
  onEnd(call: ObservedCall): void;
}

/**
 * Observes each command and each batch of every client of this process, through the tracing
 * channels of node-redis. Commands of plain node-redis clients are left out. The returned function
 * ends it.
 */
export function observeCalls(listener: CallListener): () => void {
  const calls = new WeakMap<object, ObservedCall>();
  const finish = (message: object) => {
    const call = calls.get(message);
    if (call === undefined || !calls.delete(message)) return;
    listener.onEnd(call);
  };
  const handlers: TracingChannelSubscribers<object> = {
    start(message) {
      const call = callOf(message as Message);
      if (call === undefined) return;
      calls.set(message, call);
      listener.onStart?.(call);
    },
    // A call that throws at once has no asynchronous end.
    end(message) {
      if ('error' in message) finish(message);
    },
    asyncStart() {},
    asyncEnd: finish,
    error() {},
  };
  const channels = ['node-redis:command', 'node-redis:batch'].map((name) =>
    tracingChannel<object>(name),
  );
  for (const each of channels) each.subscribe(handlers);
  return () => {
    for (const each of channels) each.unsubscribe(handlers);
  };
}

function callOf(message: Message): ObservedCall | undefined {
  const { multiDb: report, command, args = [], batchMode, batchSize } = message;
  if (report === undefined) return undefined;
  // The batch is reported as a whole, on the other channel.
  if (command !== undefined && batchMode !== undefined) return undefined;
  const operation = command ?? operationOf(batchMode ?? 'PIPELINE', report.commands);
  return {
    report,
    operation,
    batchSize,
    args,
    startedAt: systemClock.now(),
    get server() {
      const { serverAddress: address, serverPort: port, database } = message;
      return { address, port, database };
    },
    get failure() {
      return 'error' in message ? failureOf(message.error) : undefined;
    },
  };
}

function operationOf(batchMode: string, commands: readonly string[]): string {
  const [first] = commands;
  const isUniform = first !== undefined && commands.every((each) => each === first);
  return isUniform ? `${batchMode} ${first}` : batchMode;
}

const REPLY = /^([A-Z][A-Z0-9_]{2,})(?= |$)/;

function failureOf(error: unknown): CallFailure {
  if (!(error instanceof Error)) return { type: 'Error', statusCode: undefined };
  const { code } = error as { code?: unknown };
  if (isMultiDbError(error) || typeof code === 'string') {
    return { type: String(code), statusCode: undefined };
  }
  const statusCode = REPLY.exec(error.message)?.[1];
  return { type: statusCode ?? error.constructor.name, statusCode };
}
