import { type TracingChannelSubscribers, tracingChannel } from 'node:diagnostics_channel';
import type { CommandReport } from '../client/traced-call.js';
import { operationOf } from '../diagnostics/command-channel.js';
import { type CallFailure, failureOf } from './call-failure.js';

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
export class ObservedCall {
  /** `GET`, `MULTI`, `PIPELINE SET`. */
  readonly operation: string;

  constructor(
    private readonly message: Message,
    readonly report: CommandReport,
  ) {
    const { command, batchMode = 'PIPELINE' } = message;
    this.operation = command ?? operationOf(batchMode, report.commands);
  }

  /** Number of commands of a batch; undefined for a single command. */
  get batchSize(): number | undefined {
    return this.message.batchSize;
  }

  /** The arguments as node-redis shows them; empty for a batch. */
  get args(): readonly string[] {
    return this.message.args ?? [];
  }

  /** Id of the database that answered or was tried last. */
  get id(): string | undefined {
    return this.report.databaseId;
  }

  /** The server that answered or was tried last. */
  get serverAddress(): string | undefined {
    return this.message.serverAddress;
  }

  get serverPort(): number | undefined {
    return this.message.serverPort;
  }

  /** Index of the Redis database. */
  get database(): number | undefined {
    return this.message.database;
  }

  /** Why it failed; undefined: it is not over, or it succeeded. */
  get failure(): CallFailure | undefined {
    return 'error' in this.message ? failureOf(this.message.error) : undefined;
  }
}

export interface CallListener<Observation> {
  /** Returns what `onEnd` gets; undefined: the call is not observed. */
  onStart(call: ObservedCall): Observation | undefined;
  onEnd(call: ObservedCall, observation: Observation): void;
}

/**
 * Observes each command and each batch of every client of this process, through the tracing
 * channels of node-redis. Commands of plain node-redis clients are left out. The returned function
 * ends it.
 */
export function observeCalls<Observation>(listener: CallListener<Observation>): () => void {
  /** In flight, by message. A `WeakMap` would cost the garbage collector more; every call ends. */
  const calls = new Map<object, { call: ObservedCall; observation: Observation }>();
  const finish = (message: object) => {
    const observed = calls.get(message);
    if (observed === undefined) return;
    calls.delete(message);
    listener.onEnd(observed.call, observed.observation);
  };
  const handlers: TracingChannelSubscribers<object> = {
    start(message) {
      const { multiDb, command, batchMode } = message as Message;
      if (multiDb === undefined) return;
      // The batch is reported as a whole, on the other channel.
      if (command !== undefined && batchMode !== undefined) return;
      const call = new ObservedCall(message as Message, multiDb);
      const observation = listener.onStart(call);
      if (observation !== undefined) calls.set(message, { call, observation });
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
    calls.clear();
  };
}
