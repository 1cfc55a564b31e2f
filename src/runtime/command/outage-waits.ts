import { deadlineOf } from './admission.js';
import type { BlockingCommands } from './blocking-commands.js';
import type { ClientContext } from './client-context.js';
import type { Command } from './command.js';
import type { CommandOptions } from './command-options.js';

/**
 * Whether a command with these options waits while no database can serve. A client that is closing
 * waits for no database.
 */
export function waitsInOutage(client: ClientContext, options: CommandOptions | undefined): boolean {
  return options?.outage === 'wait' && client.isOpen;
}

/** Keeps a command in the backlog until there is a connection to the active database. */
export function waitInBacklog(client: ClientContext, command: Command): void {
  if (client.coordinator.route.state === 'down') suspendDeadline(client, command);
  client.waiting.addToBacklog(command);
}

/**
 * The time until a database can execute the command does not count towards its deadline, unless the
 * command has a timeout of its own.
 */
export function suspendDeadline(client: ClientContext, command: Command): void {
  const { options } = command;
  if (!waitsInOutage(client, options) || options?.timeout) return;
  command.deadline = Number.POSITIVE_INFINITY;
}

/** The deadlines of commands begin again after a wait in which they were suspended. */
export function restartDeadlines(
  client: ClientContext,
  blocking: BlockingCommands,
  commands: readonly Command[],
): readonly Command[] {
  for (const command of commands) {
    if (command.deadline !== Number.POSITIVE_INFINITY) continue;
    command.deadline = deadlineOf(client, blocking, command.traits, command.options);
  }
  return commands;
}

/** An outage begins: the commands wait for its end, or are rejected. */
export function beginOutage(client: ClientContext, commands: Iterable<Command>): void {
  for (const command of new Set(commands)) {
    if (!waitsInOutage(client, command.options)) rejectInOutage(client, command);
    // The end of an attempt in flight decides whether the command may be sent again.
    else if (command.outstanding === 0) client.resend([command]);
  }
}

/** A database serves again. */
export function endOutage(client: ClientContext, blocking: BlockingCommands): void {
  for (const command of restartDeadlines(client, blocking, client.waiting.takeBacklog())) {
    if (command.state !== 'settled') client.waiting.addToBacklog(command);
  }
}

/** The client is closing: its commands wait for no database any longer than their deadlines. */
export function endOutageWaits(client: ClientContext, blocking: BlockingCommands): void {
  const { waiting, coordinator } = client;
  if (coordinator.route.state === 'down') beginOutage(client, waiting.takeBacklog());
  for (const command of restartDeadlines(client, blocking, waiting.takeWrites())) {
    waiting.holdWrite(command);
  }
}

/** Rejects a command because no database can serve. */
function rejectInOutage(client: ClientContext, command: Command): void {
  const { lastError: cause, maybeExecuted } = command;
  client.reject(command, client.coordinator.search.error({ cause, maybeExecuted }));
}
