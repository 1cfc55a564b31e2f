import type { Timer } from '../../clock.js';
import { CommandTimeoutError, firstCause } from '../../errors.js';
import { BlockedLanes } from './blocked-lanes.js';
import type { ClientContext } from './client-context.js';
import type { Command } from './command.js';
import type { DataConnections } from './data-connections.js';
import type { AttemptQueue, InFlightConnection, SentAttempt } from './sent-attempt.js';
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
  readonly #turns = new Set<Timer>();
  readonly #silence: Silence;
  readonly #blocked: BlockedLanes;

  constructor(
    private readonly client: ClientContext,
    private readonly connections: DataConnections,
  ) {
    this.#silence = new Silence(client, connections);
    this.#blocked = new BlockedLanes(client, connections);
  }

  watch(): void {
    if (this.#watching) return;
    this.#watching = true;
    this.client.loop.watch(this.#look);
  }

  end(): void {
    this.client.loop.unwatch(this.#look);
    for (const turn of this.#turns) turn.cancel();
    this.#turns.clear();
  }

  readonly #look = (time: number): void => {
    const { client, connections } = this;
    if (client.pending === 0 && connections.draining.size === 0) {
      this.#watching = false;
      client.loop.unwatch(this.#look);
      return;
    }
    for (const channel of connections.channels.values()) this.#lookAtAll(channel, time);
    for (const channel of connections.draining) this.#lookAtAll(channel, time);
    const { waiting } = client;
    if (time >= waiting.earliestDeadline) {
      for (const command of waiting.expire(time)) client.reject(command, this.#expired(command));
    }
    client.loop.lookAt(waiting.earliestDeadline);
  };

  #lookAtAll(channel: InFlightConnection, time: number): void {
    this.#lookAt(channel, time);
    for (const lane of channel.lanes) {
      if (lane.size === 0 && lane.orphaned === 0) channel.lanes.delete(lane);
      else this.#lookAt(lane, time);
    }
  }

  #lookAt(lane: AttemptQueue, time: number): void {
    if (!lane.channel.draining) this.#blocked.look(lane, time);
    if (lane.checking || (lane.size === 0 && !this.#isIdlyOrphaned(lane))) return;
    lane.look(time);
    const isDue = time >= lane.earliestDeadline || this.#isIdlyOrphaned(lane);
    if (!isDue) this.client.loop.lookAt(lane.earliestDeadline);
    if (!isDue && !this.#isSuspect(lane, time)) return;
    lane.checking = true;
    const turn = this.client.coordinator.runtime.clock.afterTurn(() => {
      this.#turns.delete(turn);
      lane.checking = false;
      if (!lane.look(this.client.loop.time)) this.#judge(lane);
    });
    this.#turns.add(turn);
  }

  /**
   * A reply that nobody waits for keeps a lane of several from being used. On a plain connection
   * what is sent next finds out whether it is of any use.
   */
  #isIdlyOrphaned(lane: AttemptQueue): boolean {
    return lane.size === 0 && lane.orphaned > 0 && lane !== lane.channel;
  }

  #isSuspect(lane: AttemptQueue, time: number): boolean {
    const { suspectAfterMs } = this.client.coordinator.runtime.options;
    return time - lane.suspectedAt >= suspectAfterMs && this.#isSilent(lane, time);
  }

  /** Headed by a command that should have been answered, and nothing came for `suspectAfterMs`. */
  #isSilent(lane: AttemptQueue, time: number): boolean {
    const { oldest } = lane;
    if (oldest === undefined || lane.isWaitingRoom || time < lane.channel.relaxedUntil)
      return false;
    const { suspectAfterMs } = this.client.coordinator.runtime.options;
    return time - this.#silentSince(lane, time) >= suspectAfterMs;
  }

  /** Loop time since which something should have arrived. */
  #silentSince({ oldest, lastProgress }: AttemptQueue, time: number): number {
    const { sentAt, command } = oldest ?? {};
    // Behind another one, a blocking command begins to block when that has been answered.
    return Math.max(lastProgress, sentAt ?? time) + (command?.traits.blockMs ?? 0);
  }

  #judge(lane: AttemptQueue): void {
    const { time } = this.client.loop;
    const { coordinator } = this.client;
    const { channel } = lane;
    if (this.#isSuspect(lane, time)) {
      lane.suspectedAt = time;
      const silentForMs = time - this.#silentSince(lane, time);
      const since = coordinator.now - silentForMs;
      if (!channel.draining) coordinator.health.suspect(channel.database, { doubtSince: since });
      if (!channel.draining || channel.superseded) void this.#silence.examine(lane, since);
    }
    const error = new Error(`${channel.database.id} did not answer within the deadline`);
    if (this.#isIdlyOrphaned(lane) && this.#isUseless(lane, time)) lane.drop(error);
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
      this.client.reject(command, this.#expired(command));
    }
    for (const attempt of overdue) if (attempt.written) this.#giveUp(attempt, time);
    if (overdue.some((attempt) => !attempt.written)) {
      // All that is unwritten, or what is late would go behind what came later.
      for (const attempt of lane.listed()) {
        if (attempt.written) continue;
        if (lane.isWaitingRoom && attempt.command.deadline > time) continue;
        if (attempt.takeBack()) takenBack.push(attempt.command);
        // Half of a transaction: only without its connection does the rest never go out.
        else if (attempt.deadline <= time) drop = true;
      }
    }
    this.#noteEarliest(lane, onlyCommands);
    if (overdue.length > 0 && channel.draining && (drop || !channel.superseded))
      this.connections.endDraining(channel, error);
    else if (channel.draining) this.connections.finishDraining(channel);
    else if (overdue.length > 0 && drop) lane.drop(error);
    for (const command of takenBack) {
      if (command.deadline <= time) this.client.reject(command, this.#expired(command));
    }
    this.client.resend(takenBack.filter((command) => command.outstanding === 0));
  }

  /**
   * Nothing has arrived for long, or only so slowly that a reply has been owed for as long as an
   * attempt may take. A short timeout of one call alone says nothing against the connection.
   */
  #isUseless(lane: AttemptQueue, time: number): boolean {
    if (time < lane.channel.relaxedUntil) return false;
    if (this.#isSilent(lane, time)) return true;
    const { orphanedSince } = lane;
    if (orphanedSince === undefined) return false;
    const { commandTimeoutMs, suspectAfterMs } = this.client.coordinator.runtime.options;
    const orphanedForMs = time - orphanedSince;
    const isQuiet = lane.lastProgress <= orphanedSince;
    return orphanedForMs >= commandTimeoutMs || (isQuiet && orphanedForMs >= suspectAfterMs);
  }

  /** Abandons the attempt: its reply may still come, but no caller waits for it. */
  #giveUp(attempt: SentAttempt, time: number): void {
    const { command } = attempt;
    const { coordinator } = this.client;
    const { suspectAfterMs } = coordinator.runtime.options;
    const { channel, lane } = attempt;
    const isBlocked = lane.isBlocked(attempt);
    command.maybeExecuted = true;
    attempt.onError(this.#timedOut(command));
    lane.orphan(attempt, time);
    if (!channel.draining && !isBlocked && attempt.hadItsTime(suspectAfterMs)) {
      coordinator.health.suspect(channel.database, {});
    }
  }

  /** While maintenance is announced, and for what waits for a lane: it has its own timeout. */
  #onlyCommandsAreLate(lane: AttemptQueue, time: number): boolean {
    return lane.isWaitingRoom || time < lane.channel.relaxedUntil;
  }

  /** While maintenance is announced a timeout of the call itself is relaxed as well. */
  #lastDeadline(lane: AttemptQueue, { deadline, options }: Command): number {
    const { commandDeadlineMs } = this.client.coordinator.runtime.options;
    const timeoutMs = options?.timeout;
    if (lane.isWaitingRoom || !timeoutMs) return deadline;
    return deadline + Math.max(0, commandDeadlineMs - timeoutMs);
  }

  #noteEarliest(lane: AttemptQueue, onlyCommands: boolean): void {
    const { relaxedUntil } = lane.channel;
    const until = lane.isWaitingRoom ? Number.POSITIVE_INFINITY : relaxedUntil;
    let earliest = Number.POSITIVE_INFINITY;
    for (const { deadline, command } of lane.listed()) {
      const due = onlyCommands ? Math.min(this.#lastDeadline(lane, command), until) : deadline;
      earliest = Math.min(earliest, due);
    }
    lane.earliestDeadline = earliest;
    this.client.loop.lookAt(earliest);
  }

  /** Of the whole command. */
  #expired(command: Command): Error {
    const { commandDeadlineMs } = this.client.coordinator.runtime.options;
    const own = command.options?.timeout || Number.POSITIVE_INFINITY;
    const limit =
      own < commandDeadlineMs
        ? `timeout (${own} ms)`
        : `commandDeadlineMs (${commandDeadlineMs} ms)`;
    return timeoutError(command, limit);
  }

  /** Of one attempt. */
  #timedOut(command: Command): Error {
    const { commandTimeoutMs } = this.client.coordinator.runtime.options;
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
