import type { Command } from './command.js';
import type { RetryQueue } from './retry-queue.js';

/**
 * One client's waiting commands: in the backlog for a connection, between two attempts, or, for
 * blocking commands that were cut off, for the verdict on their database. Tracks when the first of
 * them is due.
 */
export class WaitingCommands {
  /** No waiting command is due before this loop time. */
  earliestDeadline = Number.POSITIVE_INFINITY;
  /** In order of acceptance once sorted. */
  #backlog: Command[] = [];
  /** Blocking commands that were cut off. */
  readonly #held = new Set<Command>();
  /** Writes while the active database serves reads only. */
  readonly #writes = new Set<Command>();

  constructor(
    /** Commands between two attempts. */
    readonly retries: RetryQueue,
  ) {}

  addToBacklog(command: Command): void {
    command.state = 'backlog';
    this.#backlog.push(command);
    this.#note(command);
  }

  /** Adds a command that waits for a retry. `turn` identifies the commands that failed together. */
  addRetry(command: Command, turn: number): void {
    command.state = 'waiting';
    this.retries.add(command, turn);
    this.#note(command);
  }

  /** Keeps a blocking command until it is known whether its database failed. */
  hold(command: Command): void {
    command.state = 'waiting';
    this.#held.add(command);
    this.#note(command);
  }

  /** Commands that wait for a connection or for a retry. */
  *commands(): Iterable<Command> {
    yield* this.#backlog;
    yield* this.retries;
  }

  /** Number of these commands, with those of the backlog that have settled. */
  get size(): number {
    return this.#backlog.length + this.retries.size;
  }

  takeBacklog(): Command[] {
    const commands = this.#backlog;
    this.#backlog = [];
    return commands;
  }

  /** Keeps a write until the active database takes writes. */
  holdWrite(command: Command): void {
    command.state = 'waiting';
    this.#writes.add(command);
    this.#note(command);
  }

  takeWrites(): Command[] {
    const commands = [...this.#writes];
    this.#writes.clear();
    return commands;
  }

  takeHeld(): Command[] {
    const commands = [...this.#held];
    this.#held.clear();
    return commands;
  }

  takeAll(): Command[] {
    return [
      ...this.takeBacklog(),
      ...this.retries.takeAll(),
      ...this.takeHeld(),
      ...this.takeWrites(),
    ];
  }

  /**
   * Ends the wait of a command. A command in the backlog stays there and is skipped once it has
   * settled.
   */
  remove(command: Command): void {
    this.retries.remove(command);
    this.#held.delete(command);
    this.#writes.delete(command);
  }

  /** Removes and returns overdue commands, and drops settled ones. */
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
    for (const command of [...this.#writes]) if (!keep(command)) this.#writes.delete(command);
    return expired;
  }

  #note(command: Command): void {
    if (command.deadline < this.earliestDeadline) this.earliestDeadline = command.deadline;
  }
}
