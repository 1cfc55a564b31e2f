import type { Timer } from '../clock.js';
import type { Channel } from './channel.js';
import type { Command, SentAttempt } from './command.js';
import type { Executor } from './executor.js';

/**
 * Watches, at every look of the loop clock while commands are pending, for what is late: silence
 * that raises suspicion, attempts past their deadline, commands that wait too long. No timer per
 * command.
 *
 * Nothing is late before a full turn of the event loop has passed in which its connection
 * delivered nothing: after a stall the replies may lie in the socket.
 */
export class Deadlines {
  #watching = false;
  /** No waiting command is due before this loop time. */
  #earliestWaiting = Number.POSITIVE_INFINITY;
  readonly #turns = new Set<Timer>();

  constructor(private readonly executor: Executor) {}

  watch(): void {
    if (this.#watching) return;
    this.#watching = true;
    this.executor.loop.watch(this.#look);
  }

  noteWaiting(command: Command): void {
    this.#earliestWaiting = Math.min(this.#earliestWaiting, command.deadline);
  }

  end(): void {
    this.executor.loop.unwatch(this.#look);
    for (const turn of this.#turns) turn.cancel();
    this.#turns.clear();
  }

  readonly #look = (time: number): void => {
    const { executor } = this;
    if (executor.pending === 0 && executor.draining.size === 0) {
      this.#watching = false;
      executor.loop.unwatch(this.#look);
      return;
    }
    for (const channel of executor.channels.values()) this.#lookAt(channel, time);
    for (const channel of executor.draining) this.#lookAt(channel, time);
    if (time >= this.#earliestWaiting) this.#expireWaiting(time);
  };

  #lookAt(channel: Channel, time: number): void {
    if (channel.size === 0 || channel.checking) return;
    channel.look(time);
    if (!this.#isSuspect(channel, time) && time < channel.earliestDeadline) return;
    channel.checking = true;
    const turn = this.executor.coordinator.runtime.clock.afterTurn(() => {
      this.#turns.delete(turn);
      channel.checking = false;
      if (!channel.look(this.executor.loop.time)) this.#judge(channel);
    });
    this.#turns.add(turn);
  }

  #isSuspect(channel: Channel, time: number): boolean {
    const { suspectAfterMs } = this.executor.coordinator.runtime.options;
    return time - channel.suspectedAt >= suspectAfterMs && this.#isSilent(channel, time);
  }

  /** Headed by a command that should have been answered, and nothing came for `suspectAfterMs`. */
  #isSilent(channel: Channel, time: number): boolean {
    const { oldest } = channel;
    if (oldest === undefined || time < channel.relaxedUntil) return false;
    const expectedAt = oldest.sentAt + (oldest.command.traits.blockMs ?? 0);
    const { suspectAfterMs } = this.executor.coordinator.runtime.options;
    return time - Math.max(channel.lastProgress, expectedAt) >= suspectAfterMs;
  }

  #judge(channel: Channel): void {
    const { time } = this.executor.loop;
    const { coordinator } = this.executor;
    if (this.#isSuspect(channel, time)) {
      channel.suspectedAt = time;
      if (!channel.draining) coordinator.suspect(channel.database, {});
    }
    if (time < channel.earliestDeadline) return;

    const isRelaxed = time < channel.relaxedUntil;
    const overdue = channel
      .attempts()
      .filter(({ deadline, command }) => (isRelaxed ? command.deadline : deadline) <= time);
    let drop = this.#isUseless(channel, time);
    const takenBack: Command[] = [];
    // First of all: what is settled is not repeated by what the failures below lead to.
    for (const { command, written } of overdue) {
      if (!written || command.deadline > time) continue;
      command.maybeExecuted = true;
      this.executor.reject(command, this.#expired(command));
    }
    for (const attempt of overdue) if (attempt.written) this.#giveUp(attempt, time);
    if (overdue.some((attempt) => !attempt.written)) {
      // All that is unwritten, or what is late would go behind what came later.
      for (const attempt of channel.attempts()) {
        if (attempt.written) continue;
        if (channel.connection.withdraw(attempt)) takenBack.push(this.#takeBack(attempt));
        // Half of a transaction: only without its connection does the rest never go out.
        else if (attempt.deadline <= time) drop = true;
      }
    }
    this.#noteEarliest(channel, isRelaxed);
    const error = new Error(`${channel.database.id} did not answer within the deadline`);
    if (overdue.length > 0 && channel.draining) this.executor.endDraining(channel, error);
    else if (overdue.length > 0 && drop) channel.link.drop(error);
    for (const command of takenBack) {
      if (command.deadline <= time) this.executor.reject(command, this.#expired(command));
    }
    this.executor.resend(takenBack.filter((command) => command.outstanding === 0));
  }

  #takeBack(attempt: SentAttempt): Command {
    const { channel, command } = attempt;
    channel.remove(attempt);
    command.outstanding -= 1;
    command.attempts -= 1;
    return command;
  }

  /**
   * Nothing has arrived for long, or only so slowly that a reply has been owed for as long as an
   * attempt may take. A short timeout of one call alone says nothing against the connection.
   */
  #isUseless(channel: Channel, time: number): boolean {
    if (time < channel.relaxedUntil) return false;
    if (this.#isSilent(channel, time)) return true;
    if (channel.owed === 0) return false;
    const { commandTimeoutMs, suspectAfterMs } = this.executor.coordinator.runtime.options;
    const owedForMs = time - channel.owedSince;
    const isQuiet = channel.lastProgress <= channel.owedSince;
    return owedForMs >= commandTimeoutMs || (isQuiet && owedForMs >= suspectAfterMs);
  }

  /** Its reply may still come; nobody waits for it any more. */
  #giveUp(attempt: SentAttempt, time: number): void {
    const { command } = attempt;
    const { coordinator } = this.executor;
    const { suspectAfterMs } = coordinator.runtime.options;
    command.maybeExecuted = true;
    attempt.onError(this.#timedOut(command));
    attempt.channel.owe(attempt, time);
    const { channel } = attempt;
    if (!channel.draining && attempt.hadItsTime(suspectAfterMs)) {
      coordinator.suspect(channel.database, {});
    }
  }

  #noteEarliest(channel: Channel, isRelaxed: boolean): void {
    let earliest = Number.POSITIVE_INFINITY;
    for (const { deadline, command } of channel.attempts()) {
      const due = isRelaxed ? Math.min(command.deadline, channel.relaxedUntil) : deadline;
      earliest = Math.min(earliest, due);
    }
    channel.earliestDeadline = earliest;
  }

  #expireWaiting(time: number): void {
    const { executor } = this;
    this.#earliestWaiting = Number.POSITIVE_INFINITY;
    const expired: Command[] = [];
    const keep = (command: Command) => {
      if (command.state === 'settled') return false;
      if (command.deadline > time) this.noteWaiting(command);
      else expired.push(command);
      return command.deadline > time;
    };
    executor.backlog = executor.backlog.filter(keep);
    for (const command of [...executor.retries]) {
      if (!keep(command)) executor.retries.remove(command);
    }
    for (const command of [...executor.blocking.held]) {
      if (!keep(command)) executor.blocking.held.delete(command);
    }
    for (const command of expired) executor.reject(command, this.#expired(command));
  }

  #expired(command: Command): Error {
    const { commandDeadlineMs } = this.executor.coordinator.runtime.options;
    return this.executor.timeoutError(command, `commandDeadlineMs (${commandDeadlineMs} ms)`);
  }

  #timedOut(command: Command): Error {
    const { commandTimeoutMs } = this.executor.coordinator.runtime.options;
    const timeoutMs = command.options?.timeout || commandTimeoutMs;
    return this.executor.timeoutError(command, `commandTimeoutMs (${timeoutMs} ms)`);
  }
}
