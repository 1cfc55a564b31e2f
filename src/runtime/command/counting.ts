/** Counts outcomes of commands other than success. */
import {
  commandFailureOf,
  type FailureKind,
  leavesOutcomeOpen,
} from '../../core/command-failure.js';
import type { Coordinator } from '../failover/coordinator.js';
import type { Command } from './command.js';

/**
 * Counts a failure for the database of the last attempt. Without `command`: the command was refused
 * before it was accepted.
 */
export function countFailure(
  coordinator: Coordinator,
  error: unknown,
  kind?: FailureKind,
  command?: Command,
): void {
  const counters = command?.database?.counters ?? coordinator.runtime.counters.undirected;
  const failure = commandFailureOf(error, kind);
  counters.failed[failure] += 1;
  if (leavesOutcomeOpen(failure, command?.maybeExecuted === true)) counters.outcomeUnknown += 1;
}

export function countRetry({ database }: Command): void {
  if (database !== undefined) database.counters.retries += 1;
}

export function countSuppressed({ database }: Command): void {
  if (database !== undefined) database.counters.retriesSuppressed += 1;
}

/** Counts commands that move to the active database and were sent to another one before. */
export function countMoved(coordinator: Coordinator, commands: readonly Command[]): void {
  const active = coordinator.route.database;
  for (const command of commands) {
    const isBound = command.traits.category === 'database-bound';
    if (command.state === 'settled' || command.database === active || isBound) continue;
    const counters = command.database?.counters;
    if (counters === undefined) continue;
    counters.moved += 1;
    if (command.outstanding > 0) counters.sentTwice += 1;
  }
}
