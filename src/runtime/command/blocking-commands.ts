import { backoffMs } from '../../core/backoff.js';
import { withBlockTime } from '../../core/command-block-time.js';
import { runIdIn } from '../../drivers/ask-server-identity.js';
import { type ProbeConnection, UNBLOCK_LIMIT_MS } from '../../drivers/driver.js';
import type { ServerIdentity } from '../../drivers/server-identity.js';
import { ConnectionLostError } from '../../errors.js';
import { orAborted } from '../health/or-aborted.js';
import { SharedProbeConnection } from '../health/shared-probe-connection.js';
import type { ClientContext } from './client-context.js';
import type { Command } from './command.js';
import { aTurn } from './loop-turn.js';
import type { AttemptQueue, InFlightConnection, SentAttempt } from './sent-attempt.js';

const BACKOFF = { firstMs: 10, longestMs: 500 };

/** Progress of ending the blocking command on a lane; times in loop time. */
interface Call {
  readonly tries: number;
  readonly since: number;
  /** Nothing has arrived over the lane since then. */
  readonly quietSince: number;
  /** `bytesReceived` of the lane at the latest try. */
  readonly bytes: number;
}

/**
 * Blocking commands never outlive their database's time as the active one, or a worker would wait
 * on the old database indefinitely. They continue on the new one with the block time that is left:
 *
 * - left while healthy: `CLIENT UNBLOCK` over another connection; a nil reply proves that nothing
 *   was taken
 * - left as failed, cut by the failure, or impossible to unblock: an element popped there meanwhile
 *   may be lost
 *
 * When a connection breaks although its database is healthy, the command rejects.
 */
export class BlockingCommands {
  /** Commands whose block is being ended: a nil reply means that nothing was taken. */
  readonly #unblocking = new WeakSet<SentAttempt>();

  constructor(
    private readonly client: ClientContext,
    /** Ends a lane whose connection takes no further commands. */
    private readonly leave: (lane: AttemptQueue, error: Error) => void,
  ) {}

  /** Sum of the finite block times of pending commands, and number of those without end. */
  #finiteMs = 0;
  #endless = 0;

  /**
   * How long the pending blocking commands may block, one after another: a server begins with one
   * when the one before it on the connection has ended. A command that was abandoned because it waits
   * for them would still pop an element then, which nobody would get. The connections of a pool carry
   * one command each, so none waits behind another one.
   */
  get pendingMs(): number {
    const { active } = this.client;
    if (active?.isWaitingRoom && active.database.driver.shards === undefined) return 0;
    return this.#endless > 0 ? Number.POSITIVE_INFINITY : this.#finiteMs;
  }

  began(blockMs: number): void {
    if (Number.isFinite(blockMs)) this.#finiteMs += blockMs;
    else this.#endless += 1;
  }

  ended(blockMs: number): void {
    if (Number.isFinite(blockMs)) this.#finiteMs -= blockMs;
    else this.#endless -= 1;
  }

  /**
   * Prepares a blocking command for an attempt over `channel`; returns how long it may take longer
   * than another command, in milliseconds.
   */
  prepare(command: Command, channel: InFlightConnection): number {
    const { blockMs } = command.traits;
    if (blockMs === undefined) return 0;
    // Asks for the server's identity ahead of the command, for `BlockedLanes`.
    if (!channel.isWaitingRoom) void channel.server;
    const { time } = this.client.loop;
    const othersMs = Number.isFinite(blockMs) ? Math.max(this.pendingMs - blockMs, 0) : 0;
    if (command.blockEndsAt === undefined) {
      command.blockEndsAt = time + blockMs;
      return blockMs + othersMs;
    }
    const leftMs = Math.max(command.blockEndsAt - time, 0);
    command.args = withBlockTime(command.args, leftMs);
    return leftMs + othersMs;
  }

  /** The database was left as failed: abandons its blocking commands and returns them. */
  takeFrom(channel: InFlightConnection): Command[] {
    return channel.records().flatMap((lane) => this.#takeFrom(lane));
  }

  /** The database was left while healthy: asks it to end blocking commands. */
  unblock(channel: InFlightConnection): void {
    for (const lane of channel.records()) {
      if (lane.isWaitingRoom) {
        // A command without a lane was not sent, so it does not block.
        this.client.resend(this.#takeFrom(lane));
        continue;
      }
      let blocks = false;
      for (const attempt of lane.listed()) {
        if (attempt.command.traits.blockMs === undefined) continue;
        this.#unblocking.add(attempt);
        blocks = true;
      }
      if (blocks) this.#unblockNow(lane);
    }
  }

  /**
   * Returns true if the reply is the nil of an unblocked command that has moved to the new
   * database.
   */
  goesOn(attempt: SentAttempt, reply: unknown): boolean {
    const { command } = attempt;
    // A CLIENT UNBLOCK for another command may have hit this one.
    const { unblocksUnderWay, unblockedAt } = attempt.lane;
    const mayBeHit = unblocksUnderWay > 0 || unblockedAt >= attempt.sentAt;
    const wasAsked = mayBeHit || this.#unblocking.has(attempt);
    if (!wasAsked || reply !== null) return false;
    const { blockEndsAt = 0 } = command;
    if (blockEndsAt <= this.client.loop.time || command.state === 'settled') return false;
    command.attempts -= 1;
    this.client.resend([command]);
    return true;
  }

  /** Keeps a blocking command whose connection broke until the verdict on its database. */
  hold({ command, channel, lane }: SentAttempt): void {
    this.client.waiting.hold(command);
    if (channel.database.unchecked) {
      // No verdict will move it to another database.
      this.rejectHeld();
      return;
    }
    if (!lane.lost && !channel.superseded) return;
    // No new connection will be opened, because the other lanes are alive.
    const { coordinator } = this.client;
    coordinator.health.conditions.whenSettled(channel.database).then(() => {
      if (coordinator.route.database === channel.database) this.rejectHeld();
    });
  }

  /**
   * The database is healthy and only the connection was cut: rejects the commands that were kept.
   */
  rejectHeld(): void {
    for (const command of this.client.waiting.takeHeld()) {
      const { maybeExecuted, databaseId, lastError: cause } = command;
      const message = `the connection to ${databaseId} was lost while the command was blocking`;
      const error = new ConnectionLostError(message, { maybeExecuted, databaseId, cause });
      this.client.reject(command, error);
    }
  }

  #takeFrom(lane: AttemptQueue): Command[] {
    const taken: Command[] = [];
    for (const attempt of lane.listed()) {
      const { command } = attempt;
      if (command.traits.blockMs === undefined || command.state === 'settled') continue;
      attempt.abandon();
      command.attempts -= 1;
      command.maybeExecuted = true;
      taken.push(command);
    }
    return taken;
  }

  #unblockNow(lane: AttemptQueue, call?: Call): void {
    const { client } = this;
    const { driver } = lane.channel.database;
    if (!this.#mustUnblock(lane)) return;
    const limitMs = Math.min(driver.connectTimeoutMs, UNBLOCK_LIMIT_MS);
    const { signal, end } = this.#limit(limitMs);
    const { time: now } = client.loop;
    const { bytesReceived: bytes } = lane.path;
    const { tries, since, quietSince } = call ?? { tries: 0, since: now, quietSince: now };
    const isQuiet = call === undefined || bytes === call.bytes;
    const again = () => {
      client.coordinator.runtime.clock.after(backoffMs(BACKOFF, tries), () => {
        const quiet = isQuiet ? quietSince : now;
        this.#unblockNow(lane, { tries: tries + 1, since, quietSince: quiet, bytes });
      });
    };
    const onAnswer = () => {
      // The command may not have blocked yet, or another command behind it blocks now.
      if (!isQuiet || client.loop.time < quietSince + limitMs) again();
      else void this.#cut(lane, new Error('nothing has arrived over its connection'));
    };
    const onFailure = (error: unknown) => {
      const isRefused = driver.classify(error) === 'reply';
      const isLate = signal.aborted || client.loop.time >= since + limitMs;
      if (isRefused || isLate) void this.#cut(lane, error);
      else again();
    };
    lane.unblocksUnderWay += 1;
    orAborted(this.#ask(lane, signal), signal)
      .finally(() => {
        end();
        lane.unblocksUnderWay -= 1;
        lane.unblockedAt = client.loop.time;
      })
      .then(onAnswer, onFailure);
  }

  #mustUnblock(lane: AttemptQueue): boolean {
    return this.client.isAlive && lane.listed().some((attempt) => this.#unblocking.has(attempt));
  }

  async #ask(lane: AttemptQueue, signal: AbortSignal): Promise<void> {
    const { path } = lane;
    const args = ['CLIENT', 'UNBLOCK', await path.identify()];
    if (path.askAnew !== undefined) await path.askAnew(args);
    else await this.#send(lane, args, signal);
  }

  /**
   * Handles a CLIENT UNBLOCK that was not permitted, unreachable or unanswered, like a failed
   * database. Replies that have arrived count first: they may still be in the socket.
   */
  async #cut(lane: AttemptQueue, cause: unknown): Promise<void> {
    const { path, channel } = lane;
    for (let bytes = -1; bytes !== path.bytesReceived; ) {
      bytes = path.bytesReceived;
      await aTurn(this.client);
      if (!this.#mustUnblock(lane)) return;
    }
    const commands = this.#takeFrom(lane);
    const message = `${channel.database.id} did not end the commands that block there`;
    this.leave(lane, new Error(message, { cause }));
    this.client.resend(commands);
  }

  /** Returns a signal that aborts after `limitMs` in loop time; `end` cancels it. */
  #limit(limitMs: number): { readonly signal: AbortSignal; readonly end: () => void } {
    const controller = new AbortController();
    const timer = this.client.loop.after(limitMs, () => controller.abort());
    return { signal: controller.signal, end: () => timer.cancel() };
  }

  /**
   * Sends a command over the connection of the health checks, or over a new one if they have ended
   * with their database. For a superseded connection it uses the probe connection of the same time:
   * any other connection must prove that it leads to the same server, because the id means another
   * client elsewhere.
   */
  async #send(lane: AttemptQueue, args: readonly string[], signal: AbortSignal): Promise<void> {
    const { database, superseded } = lane.channel;
    const { health, runtime } = this.client.coordinator;
    const shared = health.monitors.get(database)?.lines.commands;
    const former = superseded ? shared?.former : undefined;
    if (former !== undefined) {
      await former.send(args);
      return;
    }
    const over = async (connection: ProbeConnection) => {
      if (superseded) await requireSameServer(connection, lane.server);
      await connection.send(args);
    };
    if (shared !== undefined) {
      try {
        await shared.use(signal, over);
        return;
      } catch (error) {
        if (health.monitors.has(database)) throw error;
      }
    }
    const line = new SharedProbeConnection(database.driver, runtime);
    const close = () => line.close();
    signal.addEventListener('abort', close, { once: true });
    await line.use(signal, over).finally(close);
  }
}

/** Rejects unless `connection` leads to the server `identity`. */
async function requireSameServer(
  connection: ProbeConnection,
  identity: ServerIdentity,
): Promise<void> {
  const runId = runIdIn(await connection.send(['INFO', 'server']));
  if (runId === undefined || runId !== identity.runId) {
    throw new Error('no way to the server of the connection');
  }
}
