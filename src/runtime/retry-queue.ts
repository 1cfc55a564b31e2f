import type { Clock, Timer } from '../clock.js';
import type { Command } from './command.js';

interface Group {
  readonly commands: Set<Command>;
  readonly timer: Timer;
}

/**
 * Commands that wait before their next attempt. Those that failed in the same turn at the same
 * attempt wait together, with one timer and one draw of the jitter, so that their order is kept.
 */
export class RetryQueue {
  readonly #groups = new Map<Command, Group>();
  /** Groups that still take commands, by attempt; void when the turn is over. */
  #open: { turn: number; byAttempt: Map<number, Group> } = { turn: 0, byAttempt: new Map() };

  constructor(
    private readonly clock: Clock,
    private readonly waitMs: (attempt: number) => number,
    private readonly wake: (commands: Command[]) => void,
  ) {}

  get size(): number {
    return this.#groups.size;
  }

  /** `turn` tells commands that failed together from others. */
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

  /** False: it was not waiting. */
  remove(command: Command): boolean {
    const group = this.#groups.get(command);
    if (group === undefined) return false;
    this.#groups.delete(command);
    group.commands.delete(command);
    return true;
  }

  /** Ends all waits; answers who waited. */
  takeAll(): Command[] {
    const commands = [...this.#groups.keys()];
    for (const group of new Set(this.#groups.values())) group.timer.cancel();
    this.#groups.clear();
    this.#open = { turn: -1, byAttempt: new Map() };
    return commands;
  }

  [Symbol.iterator](): Iterator<Command> {
    return this.#groups.keys();
  }
}
