/** The fate of a command that reached the proxy. */
import type { Command } from './command-tracker.js';
import type { ProxyConnection } from './proxy-link.js';
import type { ProxyTarget } from './proxy-target.js';

/** A command that reached the proxy. */
export interface RecordedCommand {
  /** The `id` of its connection. */
  readonly connectionId: number;
  /** The server that this connection leads to. */
  readonly target: ProxyTarget;
  /** The command and its arguments. */
  readonly args: Command;
  /** Whether its bytes were handed to the server's socket: none, some or all of them. */
  readonly forwarded: 'no' | 'partly' | 'yes';
}

/** Compares where the command ends in the stream with how far the stream has been delivered. */
export class CommandRecord implements RecordedCommand {
  readonly connectionId: number;
  readonly target: ProxyTarget;
  readonly args: Command;
  readonly #forwarded: { end: number; length: number } | undefined;
  readonly #position: () => number;

  constructor(
    { id, target }: ProxyConnection,
    args: Command,
    forwarded: { end: number; length: number } | undefined,
    position: () => number,
  ) {
    this.connectionId = id;
    this.target = target;
    this.args = args;
    this.#forwarded = forwarded;
    this.#position = position;
  }

  get forwarded(): 'no' | 'partly' | 'yes' {
    if (!this.#forwarded) return 'no';
    const missing = this.#forwarded.end - this.#position();
    if (missing <= 0) return 'yes';
    return missing < this.#forwarded.length ? 'partly' : 'no';
  }
}
