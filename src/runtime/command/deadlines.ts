import type { Timer } from '../../clock.js';
import { CommandTimeoutError, firstCause } from '../../errors.js';
import { BlockedLanes } from './blocked-lanes.js';
import type { ClientContext } from './client-context.js';
import type { Command } from './command.js';
import type { DataConnections } from './data-connections.js';
import { observeReplies } from './reply-waits.js';
import type { AttemptQueue, InFlightConnection, SentAttempt } from './sent-attempt.js';
import { Silence } from './silence.js';

/**
 * Detects overdue commands at every tick of the loop clock while commands are pending: silence that
 * raises suspicion, attempts past their deadline, and commands that wait too long. There is no
 * timer per command.
 *
 * A command only counts as overdue after a full turn of the event loop in which its connection
 * delivered nothing: after a stall the replies may be in the socket.
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
    // Comes first: it throws if the stack of the caller is full, and the next command watches then.
    this.client.loop.watch(this.#look);
    this.#watching = true;
  }

  end(): void {
    this.client.loop.unwatch(this.#look);
    for (const turn of this.#turns) turn.cancel();
    this.#turns.clear();
  }

  readonly #look = (time: number): void => {
    const { client, connections } = this;
    client.hedging?.look(time);
    for (const channel of connections.channels.values()) observeReplies(channel, client);
    for (const channel of connections.draining) observeReplies(channel, client);
    if (this.#isIdle) {
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

  /**
   * Whether nothing can be late. A read that a standby has answered is not pending any more, but the
   * silence of the database that has not answered it counts.
   */
  get #isIdle(): boolean {
    const { client, connections } = this;
    if (client.pending > 0 || connections.draining.size > 0) return false;
    if (client.hedging === undefined) return true;
    for (const channel of connections.channels.values()) if (!channel.isEmpty) return false;
    return true;
  }

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
   * Whether a lane of several is blocked by a reply that no caller waits for. On a plain connection
   * the next command shows whether the connection is usable.
   */
  #isIdlyOrphaned(lane: AttemptQueue): boolean {
    return lane.size === 0 && lane.orphaned > 0 && lane !== lane.channel;
  }

  #isSuspect(lane: AttemptQueue, time: number): boolean {
    const { options, clock } = this.client.coordinator.runtime;
    const { suspectAfterMs } = options;
    const { responseTimes, options: own } = lane.channel.database;
    if (!own.adaptiveSuspicion || responseTimes === undefined) {
      return time - lane.suspectedAt >= suspectAfterMs && this.#isSilent(lane, time);
    }
    // Probes that start more often than they may end add nothing.
    const pauseMs = Math.min(responseTimes.patienceMs(clock.now()), suspectAfterMs);
    if (time - lane.suspectedAt < pauseMs) return false;
    return this.#isSilent(lane, time, responseTimes.suspectAfterMs);
  }

  /** Whether the oldest command of the lane is overdue and nothing arrived for `afterMs`. */
  #isSilent(
    lane: AttemptQueue,
    time: number,
    afterMs = this.client.coordinator.runtime.options.suspectAfterMs,
  ): boolean {
    const { oldest } = lane;
    if (oldest === undefined || lane.isWaitingRoom || time < lane.channel.relaxedUntil)
      return false;
    return time - this.#silentSince(lane, time) >= afterMs;
  }

  /** Loop time since which something should have arrived. */
  #silentSince({ oldest, lastProgress }: AttemptQueue, time: number): number {
    const { sentAt, command } = oldest ?? {};
    // A blocking command behind another one begins to block when that one has been answered.
    return Math.max(lastProgress, sentAt ?? time) + (command?.traits.blockMs ?? 0);
  }

  #judge(lane: AttemptQueue): void {
    const { time } = this.client.loop;
    const { coordinator } = this.client;
    const { channel } = lane;
    // They could not be handed to the connection.
    for (const attempt of lane.listed()) if (attempt.state !== 'under-way') lane.remove(attempt);
    if (this.#isSuspect(lane, time)) {
      lane.suspectedAt = time;
      const silentForMs = time - this.#silentSince(lane, time);
      const since = coordinator.now - silentForMs;
      // An adaptive suspicion comes early and often: a new connection is opened only if the probe
      // is not answered either, and this connection is not in doubt yet.
      const doubtSince = this.#isSilent(lane, time) ? since : undefined;
      if (!channel.draining) {
        coordinator.health.suspect(channel.database, { doubtSince, silentForMs });
      }
      if (doubtSince !== undefined && (!channel.draining || channel.superseded)) {
        void this.#silence.examine(lane, since);
      }
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
    // Comes first: settled commands must not be retried by the failures below.
    for (const { command, written } of overdue) {
      if (!written || command.deadline > time) continue;
      command.maybeExecuted = true;
      this.client.reject(command, this.#expired(command));
    }
    for (const attempt of overdue) if (attempt.written) this.#giveUp(attempt, time);
    if (overdue.some((attempt) => !attempt.written)) {
      // Takes back all unwritten attempts, or the late ones would go behind newer ones.
      for (const attempt of lane.listed()) {
        if (attempt.written) continue;
        if (lane.isWaitingRoom && attempt.command.deadline > time) continue;
        if (attempt.takeBack()) {
          if (!attempt.isHedge) takenBack.push(attempt.command);
        }
        // A partly written transaction: only without its connection will the rest never be sent.
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
   * Whether the lane is dead: nothing has arrived for long, or so slowly that a reply is overdue by
   * the time that an attempt may take. A short timeout of a single call does not count against the
   * connection.
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

  /**
   * During announced maintenance, and for attempts that wait for a lane (it has its own timeout),
   * only whole commands can be overdue.
   */
  #onlyCommandsAreLate(lane: AttemptQueue, time: number): boolean {
    return lane.isWaitingRoom || time < lane.channel.relaxedUntil;
  }

  /**
   * The deadline that applies now: during announced maintenance a timeout of the call itself is
   * relaxed as well.
   */
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

  /** The error for the deadline of the whole command. */
  #expired(command: Command): Error {
    const { commandDeadlineMs } = this.client.coordinator.runtime.options;
    const own = command.options?.timeout || Number.POSITIVE_INFINITY;
    const limit =
      own < commandDeadlineMs
        ? `timeout (${own} ms)`
        : `commandDeadlineMs (${commandDeadlineMs} ms)`;
    // A command that was never sent has waited for a connection.
    const { connectionError } = this.client.coordinator.route.database ?? {};
    if (command.state === 'backlog') command.lastError ??= connectionError;
    return timeoutError(command, limit);
  }

  /** The error for the timeout of one attempt. */
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
