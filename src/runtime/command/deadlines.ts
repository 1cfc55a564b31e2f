import type { Timer } from '../../clock.js';
import { CommandTimeoutError, firstCause } from '../../errors.js';
import type { Command, SentAttempt } from './command.js';
import type { Channel } from './data-connection.js';
import type { Executor } from './executor.js';
import type { LaneRecord } from './in-flight-queue.js';
import { Silence } from './silence.js';

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
  readonly #silence: Silence;

  constructor(private readonly executor: Executor) {
    this.#silence = new Silence(executor);
  }

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
    if (executor.pending === 0 && executor.connections.draining.size === 0) {
      this.#watching = false;
      executor.loop.unwatch(this.#look);
      return;
    }
    for (const channel of executor.connections.channels.values()) this.#lookAtAll(channel, time);
    for (const channel of executor.connections.draining) this.#lookAtAll(channel, time);
    if (time >= this.#earliestWaiting) this.#expireWaiting(time);
    executor.loop.lookAt(this.#earliestWaiting);
  };

  #lookAtAll(channel: Channel, time: number): void {
    this.#lookAt(channel, time);
    for (const lane of channel.lanes) {
      if (lane.size === 0 && lane.owed === 0) channel.lanes.delete(lane);
      else this.#lookAt(lane, time);
    }
  }

  #lookAt(lane: LaneRecord, time: number): void {
    if (lane.checking || (lane.size === 0 && !this.#isIdlyOwed(lane))) return;
    lane.look(time);
    const isDue = time >= lane.earliestDeadline || this.#isIdlyOwed(lane);
    if (!isDue) this.executor.loop.lookAt(lane.earliestDeadline);
    if (!isDue && !this.#isSuspect(lane, time)) return;
    lane.checking = true;
    const turn = this.executor.coordinator.runtime.clock.afterTurn(() => {
      this.#turns.delete(turn);
      lane.checking = false;
      if (!lane.look(this.executor.loop.time)) this.#judge(lane);
    });
    this.#turns.add(turn);
  }

  /**
   * A reply that nobody waits for keeps a lane of several from being used. On a plain connection
   * what is sent next finds out whether it is of any use.
   */
  #isIdlyOwed(lane: LaneRecord): boolean {
    return lane.size === 0 && lane.owed > 0 && lane !== lane.channel;
  }

  #isSuspect(lane: LaneRecord, time: number): boolean {
    const { suspectAfterMs } = this.executor.coordinator.runtime.options;
    return time - lane.suspectedAt >= suspectAfterMs && this.#isSilent(lane, time);
  }

  /** Headed by a command that should have been answered, and nothing came for `suspectAfterMs`. */
  #isSilent(lane: LaneRecord, time: number): boolean {
    const { oldest } = lane;
    if (oldest === undefined || lane.isWaitingRoom || time < lane.channel.relaxedUntil)
      return false;
    const { suspectAfterMs } = this.executor.coordinator.runtime.options;
    return time - this.#silentSince(lane, time) >= suspectAfterMs;
  }

  /** Loop time since which something should have arrived. */
  #silentSince({ oldest, lastProgress }: LaneRecord, time: number): number {
    const { sentAt, command } = oldest ?? {};
    // Behind another one, a blocking command begins to block when that has been answered.
    return Math.max(lastProgress, sentAt ?? time) + (command?.traits.blockMs ?? 0);
  }

  #judge(lane: LaneRecord): void {
    const { time } = this.executor.loop;
    const { coordinator } = this.executor;
    const { channel } = lane;
    if (this.#isSuspect(lane, time)) {
      lane.suspectedAt = time;
      const silentForMs = time - this.#silentSince(lane, time);
      const since = coordinator.now - silentForMs;
      if (!channel.draining) coordinator.health.suspect(channel.database, { doubtSince: since });
      if (!channel.draining || channel.superseded) void this.#silence.examine(lane, since);
    }
    const error = new Error(`${channel.database.id} did not answer within the deadline`);
    if (this.#isIdlyOwed(lane) && this.#isUseless(lane, time)) lane.drop(error);
    if (time < lane.earliestDeadline) return;

    const onlyCommands = this.#onlyCommandsAreLate(lane, time);
    const overdue = lane
      .listed()
      .filter(({ deadline, command }) =>
        onlyCommands ? this.#lastDeadline(lane, command) <= time : deadline <= time,
      );
    let drop = this.#isUseless(lane, time);
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
      for (const attempt of lane.listed()) {
        if (attempt.written) continue;
        if (lane.isWaitingRoom && attempt.command.deadline > time) continue;
        if (channel.connection.withdraw(attempt)) takenBack.push(this.#takeBack(attempt));
        // Half of a transaction: only without its connection does the rest never go out.
        else if (attempt.deadline <= time) drop = true;
      }
    }
    this.#noteEarliest(lane, onlyCommands);
    if (overdue.length > 0 && channel.draining && (drop || !channel.superseded))
      this.executor.connections.endDraining(channel, error);
    else if (channel.draining) this.executor.connections.finishDraining(channel);
    else if (overdue.length > 0 && drop) lane.drop(error);
    for (const command of takenBack) {
      if (command.deadline <= time) this.executor.reject(command, this.#expired(command));
    }
    this.executor.resend(takenBack.filter((command) => command.outstanding === 0));
  }

  #takeBack(attempt: SentAttempt): Command {
    const { lane, command } = attempt;
    lane.remove(attempt);
    command.outstanding -= 1;
    command.attempts -= 1;
    return command;
  }

  /**
   * Nothing has arrived for long, or only so slowly that a reply has been owed for as long as an
   * attempt may take. A short timeout of one call alone says nothing against the connection.
   */
  #isUseless(lane: LaneRecord, time: number): boolean {
    if (time < lane.channel.relaxedUntil) return false;
    if (this.#isSilent(lane, time)) return true;
    const { owedSince } = lane;
    if (owedSince === undefined) return false;
    const { commandTimeoutMs, suspectAfterMs } = this.executor.coordinator.runtime.options;
    const owedForMs = time - owedSince;
    const isQuiet = lane.lastProgress <= owedSince;
    return owedForMs >= commandTimeoutMs || (isQuiet && owedForMs >= suspectAfterMs);
  }

  /** Its reply may still come; no caller waits for the command. */
  #giveUp(attempt: SentAttempt, time: number): void {
    const { command } = attempt;
    const { coordinator } = this.executor;
    const { suspectAfterMs } = coordinator.runtime.options;
    const { channel, lane } = attempt;
    const isBlocked = lane.isBlocked(attempt);
    command.maybeExecuted = true;
    attempt.onError(this.#timedOut(command));
    lane.owe(attempt, time);
    if (!channel.draining && !isBlocked && attempt.hadItsTime(suspectAfterMs)) {
      coordinator.health.suspect(channel.database, {});
    }
  }

  /** While maintenance is announced, and for what waits for a lane: it has its own timeout. */
  #onlyCommandsAreLate(lane: LaneRecord, time: number): boolean {
    return lane.isWaitingRoom || time < lane.channel.relaxedUntil;
  }

  /** While maintenance is announced a timeout of the call itself is relaxed as well. */
  #lastDeadline(lane: LaneRecord, { deadline, options }: Command): number {
    const { commandDeadlineMs } = this.executor.coordinator.runtime.options;
    const timeoutMs = options?.timeout;
    if (lane.isWaitingRoom || !timeoutMs) return deadline;
    return deadline + Math.max(0, commandDeadlineMs - timeoutMs);
  }

  #noteEarliest(lane: LaneRecord, onlyCommands: boolean): void {
    const { relaxedUntil } = lane.channel;
    const until = lane.isWaitingRoom ? Number.POSITIVE_INFINITY : relaxedUntil;
    let earliest = Number.POSITIVE_INFINITY;
    for (const { deadline, command } of lane.listed()) {
      const due = onlyCommands ? Math.min(this.#lastDeadline(lane, command), until) : deadline;
      earliest = Math.min(earliest, due);
    }
    lane.earliestDeadline = earliest;
    this.executor.loop.lookAt(earliest);
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

  /** Of the whole command. */
  #expired(command: Command): Error {
    const { commandDeadlineMs } = this.executor.coordinator.runtime.options;
    const own = command.options?.timeout || Number.POSITIVE_INFINITY;
    const limit =
      own < commandDeadlineMs
        ? `timeout (${own} ms)`
        : `commandDeadlineMs (${commandDeadlineMs} ms)`;
    return timeoutError(command, limit);
  }

  /** Of one attempt. */
  #timedOut(command: Command): Error {
    const { commandTimeoutMs } = this.executor.coordinator.runtime.options;
    const own = command.options?.timeout;
    const limit = own ? `timeout (${own} ms)` : `commandTimeoutMs (${commandTimeoutMs} ms)`;
    return timeoutError(command, limit);
  }
}

function timeoutError(command: Command, what: string): CommandTimeoutError {
  const { maybeExecuted, databaseId, lastError } = command;
  const cause = firstCause(lastError, 'COMMAND_TIMEOUT');
  return new CommandTimeoutError(`no reply within ${what}`, { maybeExecuted, databaseId, cause });
}
