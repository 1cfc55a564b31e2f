import { isUsable } from '../../core/selection.js';
import { ClientClosedError, DatabaseUnavailableError, InvalidOptionError } from '../../errors.js';
import type { ResolvedDatabase } from '../../options/types.js';
import type { Database } from '../database.js';
import type { Group } from './group.js';

/**
 * Puts another database in the place of `old`, under the same id. It is tried beside the old one,
 * which serves on meanwhile; once it is healthy, the two change in one step. Rejects, and keeps the
 * old one, when the new one can't serve, when the old one is removed meanwhile, and when the client
 * is closed.
 */
export async function replaceInPlace(
  group: Group,
  old: Database,
  options: ResolvedDatabase,
): Promise<Database> {
  const { coordinator } = group;
  const { id } = old;
  if ([...group.candidates].some((candidate) => candidate.id === id)) {
    throw new InvalidOptionError('id', 'an id that is not being replaced', id);
  }
  const candidate = group.try(options, old);
  await coordinator.health.firstVerdict(candidate);
  let release = () => {};
  if (coordinator.route.database === old && isUsable(candidate)) {
    // What rests until it is needed is needed.
    release = group.hold(candidate);
    await coordinator.health.whenConnected(candidate);
  }
  try {
    if (coordinator.phase === 'ended') throw new ClientClosedError('the client was closed');
    const reason = whyNot(group, old, candidate);
    if (reason !== undefined) {
      group.remove(candidate);
      throw new DatabaseUnavailableError(reason, { databaseId: id, cause: candidate.lastError });
    }
    group.replace(old, candidate);
  } finally {
    // There may have been a switch meanwhile.
    release();
  }
  return candidate;
}

function whyNot({ coordinator }: Group, old: Database, candidate: Database): string | undefined {
  const { id, cause, unconnected } = candidate;
  if (coordinator.databases.get(id) !== old) return `${id} was removed while it was being replaced`;
  if (isUsable(candidate)) return undefined;
  const reason = cause ?? unconnected;
  return `the new ${id} can't serve: ${reason}; the old one was kept`;
}
