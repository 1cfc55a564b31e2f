import { isTimingCommands, operationOf } from '../diagnostics/command-channel.js';
import type { CommandTrace } from '../runtime/command/command-trace.js';
import { TimedCall } from './timed-call.js';
import type { TraceSource } from './traced-call.js';
import {
  commandName,
  isTracingBatches,
  isTracingCommands,
  traceBatch,
  traceCommand,
  UNNAMED,
} from './tracing.js';

type Arguments = readonly unknown[];

/** Sends a command or a batch, whose attempts `trace` observes. */
type Issue = (trace: CommandTrace | undefined) => PromiseLike<unknown>;

/** Whether anybody listens to the traces or the durations of commands. */
export const isObservingCommands = (): boolean => isTracingCommands() || isTimingCommands();

/** Issues a command of a client without an id, for those who listen. To be awaited exactly once. */
export function observeCommand(
  issue: Issue,
  args: Arguments,
  source: TraceSource,
): PromiseLike<unknown> {
  const timed = timing(issue, () => commandName(args), source);
  return isTracingCommands() ? traceCommand(timed, args, UNNAMED, source) : timed(undefined);
}

/** Issues a transaction of a client without an id. To be awaited exactly once. */
export function observeTransaction(
  issue: Issue,
  commands: readonly Arguments[],
  source: TraceSource,
): PromiseLike<unknown> {
  const timed = timing(issue, () => operationOf('MULTI', commands.map(commandName)), source);
  if (!isTracingBatches()) return timed(undefined);
  const shape = { batchMode: 'MULTI' as const, batchSize: commands.length };
  return traceBatch(timed, shape, commands, UNNAMED, source);
}

function timing(issue: Issue, name: () => string, source: TraceSource): Issue {
  return (trace) => {
    if (!isTimingCommands()) return issue(trace);
    const timed = new TimedCall(source, name(), trace);
    return timed.untilAwaited(issue(timed));
  };
}
