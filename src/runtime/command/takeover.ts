import { mayRepeat } from '../../core/command-risk.js';
import type { Database } from '../database.js';
import type { RouteChange } from '../failover/router.js';
import type { Command } from './command.js';
import type { Channel } from './data-connection.js';
import type { Executor } from './executor.js';

/**
 * Moves a client's commands to the new route, in order of acceptance.
 *
 * What was not written, and what waits for a retry, goes at once. What is in flight on a database
 * that was left while well finishes there. On one that failed, a read is sent to the new one as
 * well and the first reply counts; the rest goes on until its reply or its deadline, or is cut
 * with `fastFailover`. With nowhere to go, everything fails at once.
 */
export function takeOver(executor: Executor, { from, to, failed }: RouteChange): void {
  const moving = new Set<Command>();
  if (from.database !== undefined) executor.connections.endHandover(from.database);
  const link =
    from.database === undefined ? undefined : executor.connections.links.get(from.database);
  const channel = link === undefined ? undefined : executor.connections.channels.get(link);
  if (channel !== undefined) {
    withdrawUnwritten(channel, moving);
    if (failed) {
      repeatInFlight(executor, channel, moving);
      for (const command of executor.blocking.takeFrom(channel)) moving.add(command);
    } else if (from.database !== to.database) executor.blocking.unblock(channel);
  }
  if (failed) {
    for (const old of executor.connections.draining) {
      if (!old.superseded || old.database !== from.database) continue;
      repeatInFlight(executor, old, moving);
      for (const command of executor.blocking.takeFrom(old)) moving.add(command);
    }
  }
  for (const command of executor.retries.takeAll()) moving.add(command);
  for (const command of executor.blocking.takeHeld()) moving.add(command);

  if (to.state === 'down') {
    failAll(executor, [...moving, ...executor.backlog]);
    executor.backlog = [];
    for (const old of [...executor.connections.draining]) {
      failInFlight(executor, old);
      executor.connections.endDraining(old, new Error(`${old.database.id} was left as failed`));
    }
  } else {
    executor.resend([...moving]);
  }

  if (link === undefined || !(failed || executor.lazy)) return;
  if (channel === undefined) {
    if (executor.lazy && from.database !== to.database) {
      link.rest(new Error('no longer active'));
      executor.coordinator.health.onResting(from.database as Database);
    }
    return;
  }
  const { fastFailover } = executor.coordinator.runtime.options;
  if (failed && (to.state === 'down' || fastFailover)) {
    const error = new Error(`${channel.database.id} was left as failed`);
    if (to.state === 'down') failInFlight(executor, channel);
    executor.connections.channels.delete(link);
    link.drop(error);
    if (executor.lazy) {
      link.rest(error);
      executor.coordinator.health.onResting(channel.database);
    }
  } else {
    executor.connections.drain(link);
    if (executor.lazy) executor.coordinator.health.onResting(channel.database);
    else executor.coordinator.health.connectivity.await(channel.database);
  }
}

/** Takes back what `channel` has not written; whoever calls sends it elsewhere. */
export function withdrawUnwritten(channel: Channel, moving: Set<Command>): void {
  for (const attempt of channel.attempts()) {
    if (attempt.written || !channel.connection.withdraw(attempt)) continue;
    attempt.lane.remove(attempt);
    const { command } = attempt;
    command.outstanding -= 1;
    command.attempts -= 1;
    if (command.state !== 'settled') moving.add(command);
  }
}

function repeatInFlight(executor: Executor, channel: Channel, moving: Set<Command>): void {
  const { commandRetry, retryOnFailover } = executor.coordinator.runtime.options;
  for (const attempt of channel.attempts()) {
    const { command } = attempt;
    if (command.state === 'settled' || command.attempts >= commandRetry.maxAttempts) continue;
    if (command.traits.blockMs !== undefined || command.deadline <= executor.loop.time) continue;
    const safety = command.options?.retrySafety ?? commandRetry.safety;
    const { category } = command.traits;
    const harmless = mayRepeat(category, 'read') && mayRepeat(category, safety);
    if (!harmless && !(retryOnFailover && mayRepeat(category, safety))) continue;
    command.maybeExecuted = true;
    moving.add(command);
  }
}

function failInFlight(executor: Executor, channel: Channel): void {
  for (const attempt of channel.attempts()) attempt.command.maybeExecuted ||= attempt.written;
  failAll(
    executor,
    channel.attempts().map((attempt) => attempt.command),
  );
}

function failAll(executor: Executor, commands: readonly Command[]): void {
  for (const command of commands) {
    const { lastError: cause, maybeExecuted } = command;
    executor.reject(command, executor.coordinator.search.error({ cause, maybeExecuted }));
  }
}
