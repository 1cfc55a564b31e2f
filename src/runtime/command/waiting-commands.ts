import type { Command } from './command.js';
import type { RetryQueue } from './retry-queue.js';

/**
 * One client's commands that wait: in the backlog for a connection, between two attempts, or, cut
 * off while they blocked, for the verdict on their database. Knows when the first of them is late.
 */
export class WaitingCommands {
  /** No command that waits is due before this loop time. */
  earliestDeadline = Number.POSITIVE_INFINITY;
  /** In order of acceptance once sorted. */
  #backlog: Command[] = [];
  /** Blocking commands that were cut off. */
  readonly #held = new Set<Command>();

  constructor(
    /** Commands between two attempts. */
    readonly retries: RetryQueue,
  ) {}

  addToBacklog(command: Command): void {
    command.state = 'backlog';
    this.#backlog.push(command);
    this.#note(command);
  }

  /** `turn` tells commands that failed together from others. */
  addRetry(command: Command, turn: number): void {
    command.state = 'waiting';
    this.retries.add(command, turn);
    this.#note(command);
  }

  /** Whether the database of a blocking command failed is not known yet. */
  hold(command: Command): void {
    command.state = 'waiting';
    this.#held.add(command);
    this.#note(command);
  }

  takeBacklog(): Command[] {
    const commands = this.#backlog;
    this.#backlog = [];
    return commands;
  }

  takeHeld(): Command[] {
    const commands = [...this.#held];
    this.#held.clear();
    return commands;
  }

  takeAll(): Command[] {
    return [...this.takeBacklog(), ...this.retries.takeAll(), ...this.takeHeld()];
  }

  /** Its wait is over. One of the backlog stays there: it is skipped once it has settled. */
  remove(command: Command): void {
    this.retries.remove(command);
    this.#held.delete(command);
  }

  /** Takes out what is late, and drops what has settled. */
  expire(time: number): Command[] {
    this.earliestDeadline = Number.POSITIVE_INFINITY;
    const expired: Command[] = [];
    const keep = (command: Command) => {
      if (command.state === 'settled') return false;
      if (command.deadline > time) this.#note(command);
      else expired.push(command);
      return command.deadline > time;
    };
    this.#backlog = this.#backlog.filter(keep);
    for (const command of [...this.retries]) if (!keep(command)) this.retries.remove(command);
    for (const command of [...this.#held]) if (!keep(command)) this.#held.delete(command);
    return expired;
  }

  #note(command: Command): void {
    if (command.deadline < this.earliestDeadline) this.earliestDeadline = command.deadline;
  }
}
