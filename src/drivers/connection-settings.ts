import type { CommandArgument } from '../core/command-argument.js';

type Arguments = readonly CommandArgument[];

/** One connection that follows the settings. */
interface Follower {
  /** Sends a command whose reply does not matter, ahead of everything that is sent later. */
  readonly send: (args: Arguments) => void;
}

/**
 * What one client tells servers about itself: its name, its library, and whether its connections
 * may be evicted or affect the access times of keys. Each setting is a command that the client has
 * sent once. Every connection of the client sends the settings again before its first command, and
 * open connections receive a setting when it changes.
 */
export class ConnectionSettings {
  /** The latest command of each setting. */
  readonly #commands = new Map<string, Arguments>();
  readonly #followers = new Set<Follower>();

  /** Remembers the setting named `key`, and sends it over all open connections. */
  set(key: string, args: Arguments): void {
    // Arguments may change in the hands of the caller.
    const copy = Object.freeze([...args]);
    this.#commands.set(key, copy);
    for (const { send } of this.#followers) send(copy);
  }

  /**
   * Sends the settings over a connection that is ready, now and whenever they change. The returned
   * function ends this. Nothing is sent for a client without settings.
   */
  follow(send: Follower['send']): () => void {
    for (const args of this.#commands.values()) send(args);
    const follower = { send };
    this.#followers.add(follower);
    return () => this.#followers.delete(follower);
  }
}

/** Ends nothing. */
export const NOT_FOLLOWING = (): void => {};
