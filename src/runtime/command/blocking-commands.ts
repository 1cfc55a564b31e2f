import { backoffMs } from '../../core/backoff.js';
import { withBlockTime } from '../../core/command-block-time.js';
import { UNBLOCK_LIMIT_MS } from '../../drivers/driver.js';
import { ConnectionLostError } from '../../errors.js';
import type { Database } from '../database.js';
import { orAborted } from '../health/probe-target.js';
import { SharedProbeConnection } from '../health/shared-probe-connection.js';
import type { ClientContext } from './client-context.js';
import type { Command } from './command.js';
import type { AttemptQueue, InFlightConnection, SentAttempt } from './sent-attempt.js';

const BACKOFF = { firstMs: 10, longestMs: 500 };

/**
 * Blocking commands never outlive their database's turn, or a worker would wait on the old one for
 * ever. They go on with the block time that is left:
 *
 * - left while healthy: `CLIENT UNBLOCK` over another connection; a nil proves that nothing was taken
 * - left as failed, cut by the failure, or not to be called back: an element popped there meanwhile
 *   may be lost
 *
 * When a connection breaks and its database is healthy all the same, the caller is told.
 */
export class BlockingCommands {
  /** Commands whose block is being ended: a nil reply means that nothing was taken. */
  readonly #unblocking = new WeakSet<SentAttempt>();

  constructor(
    private readonly client: ClientContext,
    /** Lets a connection only finish its attempts in flight. */
    private readonly leave: (channel: InFlightConnection) => void,
  ) {}

  /** Prepares a blocking command for an attempt over `channel`; answers how long it may still block. */
  prepare(command: Command, channel: InFlightConnection): number {
    const { blockMs } = command.traits;
    if (blockMs === undefined) return 0;
    // Asks for it ahead of the command, for `BlockedLanes`.
    if (!channel.isWaitingRoom) void channel.server;
    const { time } = this.client.loop;
    if (command.blockEndsAt === undefined) {
      command.blockEndsAt = time + blockMs;
      return blockMs;
    }
    const leftMs = Math.max(command.blockEndsAt - time, 0);
    command.args = withBlockTime(command.args, leftMs);
    return leftMs;
  }

  /** The database was left as failed: abandons its blocking commands and returns them. */
  takeFrom(channel: InFlightConnection): Command[] {
    const taken: Command[] = [];
    for (const attempt of channel.attempts()) {
      const { command } = attempt;
      if (command.traits.blockMs === undefined || command.state === 'settled') continue;
      attempt.abandon();
      command.attempts -= 1;
      command.maybeExecuted = true;
      taken.push(command);
    }
    return taken;
  }

  /** The database was left while healthy: asks it to end blocking commands. */
  unblock(channel: InFlightConnection): void {
    for (const lane of channel.records()) {
      let blocks = false;
      for (const attempt of lane.listed()) {
        if (attempt.command.traits.blockMs === undefined) continue;
        this.#unblocking.add(attempt);
        blocks = true;
      }
      if (blocks) this.#unblockNow(lane, 0);
    }
  }

  /**
   * Returns true if the reply is the nil of an unblocked command that has moved to the new
   * database.
   */
  goesOn(attempt: SentAttempt, reply: unknown): boolean {
    const { command } = attempt;
    // An unblock for another command may have hit this one.
    const wasAsked = this.#unblocking.has(attempt) || attempt.lane.unblockedAt >= attempt.sentAt;
    if (!wasAsked || reply !== null) return false;
    const { blockEndsAt = 0 } = command;
    if (blockEndsAt <= this.client.loop.time || command.state === 'settled') return false;
    command.attempts -= 1;
    this.client.resend([command]);
    return true;
  }

  /** A blocking command whose connection broke waits for the verdict on its database. */
  hold({ command, channel, lane }: SentAttempt): void {
    this.client.waiting.hold(command);
    if (!lane.lost && !channel.superseded) return;
    // No new connection will be opened, because the other lanes live.
    const { coordinator } = this.client;
    coordinator.health.whenSettled(channel.database).then(() => {
      if (coordinator.route.database === channel.database) this.rejectHeld();
    });
  }

  /** The database is healthy, only the connection was cut. */
  rejectHeld(): void {
    for (const command of this.client.waiting.takeHeld()) {
      const { maybeExecuted, databaseId, lastError: cause } = command;
      const message = `the connection to ${databaseId} was lost while the command was blocking`;
      const error = new ConnectionLostError(message, { maybeExecuted, databaseId, cause });
      this.client.reject(command, error);
    }
  }

  #unblockNow(lane: AttemptQueue, tries: number): void {
    const { coordinator } = this.client;
    const { channel, path } = lane;
    const blocks = () => lane.listed().some((attempt) => this.#unblocking.has(attempt));
    if (!this.client.isAlive || !blocks()) return;
    const { signal, end } = this.#limit(channel.database);
    const ask = async () => {
      const id = await path.identify();
      lane.unblockedAt = this.client.loop.time;
      if (path.askAnew !== undefined) await path.askAnew(['CLIENT', 'UNBLOCK', id]);
      else await this.#send(channel, ['CLIENT', 'UNBLOCK', id], signal);
    };
    const again = () => {
      // It may not have blocked yet, or another command behind it blocks now.
      coordinator.runtime.clock.after(backoffMs(BACKOFF, tries), () => {
        this.#unblockNow(lane, tries + 1);
      });
    };
    orAborted(ask(), signal)
      .finally(end)
      .then(again, () => {
        // Not permitted, unreachable or silent: treated like a failed database.
        if (!this.client.isAlive || !blocks()) return;
        this.client.resend(this.takeFrom(channel));
        this.leave(channel);
      });
  }

  /** What takes longer than it may take to connect there, or than `UNBLOCK_LIMIT_MS`, has failed. */
  #limit({ driver }: Database): { readonly signal: AbortSignal; readonly end: () => void } {
    const controller = new AbortController();
    const limitMs = Math.min(driver.connectTimeoutMs, UNBLOCK_LIMIT_MS);
    const timer = this.client.loop.after(limitMs, () => controller.abort());
    return { signal: controller.signal, end: () => timer.cancel() };
  }

  /**
   * Over the connection of the health checks; when they have ended with their database, over a new
   * one. Of a connection that was superseded over the probe connection of the same time: the next
   * one may lead to another server, where the id means another client.
   */
  async #send(
    { database, superseded }: InFlightConnection,
    args: readonly string[],
    signal: AbortSignal,
  ): Promise<void> {
    const { health, runtime } = this.client.coordinator;
    const shared = health.monitors.get(database)?.lines.commands;
    if (superseded) {
      if (shared?.former === undefined) throw new Error('no way to the server of the connection');
      await shared.former.send(args);
      return;
    }
    if (shared !== undefined) {
      try {
        await shared.use(signal, (each) => each.send(args));
        return;
      } catch (error) {
        if (health.monitors.has(database)) throw error;
      }
    }
    const line = new SharedProbeConnection(database.driver, runtime);
    const close = () => line.close();
    signal.addEventListener('abort', close, { once: true });
    await line.use(signal, (each) => each.send(args)).finally(close);
  }
}
