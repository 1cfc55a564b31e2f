import type { FailureKind } from '../../core/command-failure.js';
import type { CommandTraits } from '../../core/command-risk.js';
import { ClientClosedError, OverloadedError } from '../../errors.js';
import { commandOptionFlaw } from '../../options/command-options.js';
import { abortError } from './abort-signal.js';
import type { BlockingCommands } from './blocking-commands.js';
import type { ClientContext } from './client-context.js';
import type { CommandOptions } from './command-options.js';

export interface Refusal {
  readonly error: Error;
  /** How the refusal is counted. */
  readonly kind?: FailureKind;
}

/**
 * Returns the reason to refuse a command, or an operation that counts as one; `undefined` if it is
 * accepted.
 */
export function refusalOf(
  client: ClientContext,
  options: CommandOptions | undefined,
): Refusal | undefined {
  const { route, runtime, search } = client.coordinator;
  if (!client.isOpen) return { error: new ClientClosedError() };
  if (route.state === 'down' && options?.outage !== 'wait') {
    return { error: search.error({ cause: undefined, maybeExecuted: false }) };
  }
  if (client.pending >= runtime.options.maxPendingCommands) {
    const message = `${client.pending} commands are pending (maxPendingCommands)`;
    return { error: new OverloadedError(message) };
  }
  if (options === undefined) return undefined;
  const flaw = commandOptionFlaw(options);
  if (flaw !== undefined) return { error: flaw };
  if (!options.abortSignal?.aborted) return undefined;
  return { error: abortError(client), kind: 'aborted' };
}

/** How long a command may take, in milliseconds, without its block time. */
export function limitMs(client: ClientContext, options: CommandOptions | undefined): number {
  const { commandDeadlineMs } = client.coordinator.runtime.options;
  const timeoutMs = options?.timeout;
  return timeoutMs ? Math.min(Math.ceil(timeoutMs), commandDeadlineMs) : commandDeadlineMs;
}

/** Loop time by which a command settles that is accepted now. */
export function deadlineOf(
  client: ClientContext,
  blocking: BlockingCommands,
  { blockMs }: CommandTraits,
  options: CommandOptions | undefined,
): number {
  const { time, tickMs } = client.loop;
  const endMs = time + tickMs + limitMs(client, options);
  return blockMs === undefined ? endMs : endMs + blockMs + blocking.pendingMs;
}
