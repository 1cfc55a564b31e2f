import type { Clock, Timer } from '../../clock.js';
import type { Command } from './command.js';

interface Group {
  readonly commands: Set<Command>;
  readonly timer: Timer;
}

/** Commands that wait until they are released. */
export interface HeldGroup {
  readonly commands: Set<Command>;
  timer: Timer;
}

/**
 * Commands that wait before their next attempt. Commands that failed in the same turn at the same
 * attempt wait together, with one timer and one random delay, so that their order is kept.
 */
export class RetryQueue {
  readonly #groups = new Map<Command, Group>();
  /** Groups of the current turn that still take commands, by attempt number. */
  #open: { turn: number; byAttempt: Map<number, Group> } = { turn: 0, byAttempt: new Map() };

  /** The group that waits until it is released. */
  #held: HeldGroup | undefined;

  constructor(
    private readonly clock: Clock,
    private readonly waitMs: (attempt: number) => number,
    private readonly wake: (commands: Command[]) => void,
  ) {}

  get size(): number {
    return this.#groups.size;
  }

  /** Adds a command. `turn` identifies the commands that failed together. */
  add(command: Command, turn: number): void {
    if (this.#open.turn !== turn) this.#open = { turn, byAttempt: new Map() };
    const attempt = command.attempts + 1;
    let group = this.#open.byAttempt.get(attempt);
    if (group === undefined) {
      const commands = new Set<Command>();
      const timer = this.clock.after(Math.ceil(this.waitMs(attempt)), () => {
        if (this.#open.byAttempt.get(attempt)?.commands === commands) {
          this.#open.byAttempt.delete(attempt);
        }
        for (const each of commands) this.#groups.delete(each);
        this.wake([...commands]);
      });
      group = { commands, timer };
      this.#open.byAttempt.set(attempt, group);
    }
    group.commands.add(command);
    this.#groups.set(command, group);
  }

  /**
   * Keeps commands whose wait is over waiting until they are released. Returns a new group for the
   * caller to release, or `undefined` if the commands joined an existing one.
   */
  hold(commands: readonly Command[]): HeldGroup | undefined {
    const isNew = this.#held === undefined;
    this.#held ??= { commands: new Set(), timer: { cancel() {} } };
    for (const command of commands) {
      this.#held.commands.add(command);
      this.#groups.set(command, this.#held);
    }
    return isNew ? this.#held : undefined;
  }

  /** Ends the wait of a group and returns its commands; empty if all waits were ended meanwhile. */
  release(group: HeldGroup): Command[] {
    if (this.#held !== group) return [];
    this.#held = undefined;
    group.timer.cancel();
    for (const command of group.commands) this.#groups.delete(command);
    return [...group.commands];
  }

  /** Removes a command. Returns false if it was not waiting. */
  remove(command: Command): boolean {
    const group = this.#groups.get(command);
    if (group === undefined) return false;
    this.#groups.delete(command);
    group.commands.delete(command);
    return true;
  }

  /** Ends all waits and returns the commands. */
  takeAll(): Command[] {
    const commands = [...this.#groups.keys()];
    for (const group of new Set(this.#groups.values())) group.timer.cancel();
    this.#groups.clear();
    this.#held?.timer.cancel();
    this.#held = undefined;
    this.#open = { turn: -1, byAttempt: new Map() };
    return commands;
  }

  [Symbol.iterator](): Iterator<Command> {
    return this.#groups.keys();
  }
}
