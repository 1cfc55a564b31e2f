import { mayRepeat } from '../../core/command-risk.js';
import type { Database } from '../database.js';
import type { RouteChange } from '../route.js';
import type { BlockingCommands } from './blocking-commands.js';
import type { ClientContext } from './client-context.js';
import type { Command } from './command.js';
import type { DataConnections } from './data-connections.js';
import { beginOutage, endOutage, restartDeadlines } from './outage-waits.js';
import type { InFlightConnection } from './sent-attempt.js';

/**
 * Moves a client's commands to the new route, in order of acceptance.
 *
 * Unwritten commands, and commands that wait for a retry, move at once. Commands in flight on a
 * database that was left while healthy finish there. On a database that failed, reads are also sent
 * to the new one and the first reply counts; other commands wait for their reply or their deadline,
 * or lose their connection at once with `fastFailover`. If no database can serve, everything fails
 * at once.
 */
export function takeOver(
  client: ClientContext,
  connections: DataConnections,
  blocking: BlockingCommands,
  { from, to, failed }: RouteChange,
): void {
  const moving = new Set<Command>();
  if (to.database !== undefined) client.hedging?.adopt(to.database, moving);
  if (from.database !== undefined) connections.endHandover(from.database);
  const link = from.database === undefined ? undefined : connections.links.get(from.database);
  const channel = link === undefined ? undefined : connections.channels.get(link);
  if (channel !== undefined) {
    channel.takeBackUnwritten(moving);
    if (failed) {
      repeatInFlight(client, channel, moving);
      for (const command of blocking.takeFrom(channel)) moving.add(command);
    } else if (from.database !== to.database) blocking.unblock(channel);
  }
  if (failed) {
    for (const old of connections.draining) {
      if (!old.superseded || old.database !== from.database) continue;
      repeatInFlight(client, old, moving);
      for (const command of blocking.takeFrom(old)) moving.add(command);
    }
  }
  for (const command of client.waiting.retries.takeAll()) moving.add(command);
  for (const command of client.waiting.takeHeld()) moving.add(command);
  for (const command of restartDeadlines(client, blocking, client.waiting.takeWrites())) {
    moving.add(command);
  }

  if (to.state === 'down') {
    const hedged = client.hedging?.commands ?? [];
    beginOutage(client, [...moving, ...client.waiting.takeBacklog(), ...hedged]);
    for (const old of [...connections.draining]) {
      failInFlight(client, old);
      connections.endDraining(old, new Error(`${old.database.id} was left as failed`));
    }
  } else {
    if (from.state === 'down') endOutage(client, blocking);
    client.resend([...moving]);
  }

  if (link === undefined || !(failed || client.lazy)) return;
  if (channel === undefined) {
    if (client.lazy && from.database !== to.database) {
      link.rest(new Error('no longer active'));
      client.coordinator.health.connections.onResting(from.database as Database);
    }
    return;
  }
  const { fastFailover } = client.coordinator.runtime.options;
  if (failed && (to.state === 'down' || fastFailover)) {
    const error = new Error(`${channel.database.id} was left as failed`);
    if (to.state === 'down') failInFlight(client, channel);
    connections.channels.delete(link);
    link.drop(error);
    if (client.lazy) {
      link.rest(error);
      client.coordinator.health.connections.onResting(channel.database);
    }
  } else {
    connections.drain(link);
    if (client.lazy) client.coordinator.health.connections.onResting(channel.database);
    else client.coordinator.health.connectivity.await(channel.database);
  }
}

function repeatInFlight(
  client: ClientContext,
  channel: InFlightConnection,
  moving: Set<Command>,
): void {
  const { route, runtime } = client.coordinator;
  const { commandRetry, retryOnFailover } = runtime.options;
  for (const attempt of channel.attempts()) {
    const { command } = attempt;
    // A hedge of the command is in flight on the new database already.
    if (command.latest !== attempt && command.database === route.database) continue;
    if (command.state === 'settled' || command.attempts >= commandRetry.maxAttempts) continue;
    if (command.traits.blockMs !== undefined || command.deadline <= client.loop.time) continue;
    const safety = command.options?.retrySafety ?? commandRetry.safety;
    const { category } = command.traits;
    const harmless = mayRepeat(category, 'read') && mayRepeat(category, safety);
    if (!harmless && !(retryOnFailover && mayRepeat(category, safety))) continue;
    // One that moves already was paid for as a hedge, or was never written.
    if (!moving.has(command) && !client.takeFromBudget(command)) continue;
    command.maybeExecuted = true;
    moving.add(command);
  }
}

function failInFlight(client: ClientContext, channel: InFlightConnection): void {
  for (const attempt of channel.attempts()) attempt.command.maybeExecuted ||= attempt.written;
  beginOutage(
    client,
    channel.attempts().map((attempt) => attempt.command),
  );
}
