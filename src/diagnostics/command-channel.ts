import { channel } from 'node:diagnostics_channel';
import { diagnosticsChannelName } from './channels.js';

/** What subscribers of `redis-multidb:command` get when a command of a caller has settled. */
export interface CommandMessage {
  /** The client's name in metrics and diagnostics. */
  readonly client: string;
  /** As in `client.stats()`. */
  readonly group: number;
  /** `GET`; of a batch `MULTI` or `PIPELINE`, with the command if all are the same: `MULTI SET`. */
  readonly command: string;
  /** Id of the database that answered, or was tried last; undefined: the command was never sent. */
  readonly id: string | undefined;
  /** Host of the server, or path of its Unix socket; of a cluster the node. */
  readonly serverAddress: string | undefined;
  /** Port of the server. */
  readonly serverPort: number | undefined;
  /** Index of the Redis database. */
  readonly database: number | undefined;
  /** From the call until the command has settled, with all attempts and waits. */
  readonly durationMs: number;
  /** The error that the caller got; undefined if the command succeeded. */
  readonly failure: { readonly error: unknown } | undefined;
}

export const commandChannelName = diagnosticsChannelName('command');

const commandChannel = channel(commandChannelName);

/** Whether the end of commands is to be published: a look at one field. */
export const isTimingCommands = (): boolean => commandChannel.hasSubscribers;

export function publishCommand(message: CommandMessage): void {
  commandChannel.publish(message);
}

/** The name of a batch: its kind, with the command if all are the same. */
export function operationOf(kind: 'MULTI' | 'PIPELINE', commands: readonly string[]): string {
  const [first] = commands;
  const isUniform = first !== undefined && commands.every((each) => each === first);
  return isUniform ? `${kind} ${first}` : kind;
}
