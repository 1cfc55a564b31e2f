import { isUsable } from '../../core/selection.js';
import { ClientClosedError, DatabaseUnavailableError, InvalidOptionError } from '../../errors.js';
import type { ResolvedDatabase } from '../../options/types.js';
import type { Database } from '../database.js';
import type { Group } from './group.js';

/**
 * Replaces `old` by another database with the same id. The new one is tried beside the old one,
 * which continues to serve; once it is healthy, the two are exchanged in one step. Rejects, and
 * keeps the old one, if the new one can't serve, if the old one is removed meanwhile, or if the
 * client is closed.
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
  await coordinator.health.conditions.firstVerdict(candidate);
  let release = () => {};
  if (coordinator.route.database === old && isUsable(candidate)) {
    // Lazy connections are needed now.
    release = group.hold(candidate);
    await coordinator.health.conditions.whenConnected(candidate);
  }
  try {
    if (coordinator.phase === 'ended') throw new ClientClosedError();
    const reason = whyNot(group, old, candidate);
    if (reason !== undefined) {
      group.remove(candidate);
      throw new DatabaseUnavailableError(reason, { databaseId: id, cause: candidate.lastError });
    }
    group.replace(old, candidate);
  } finally {
    // A switch may have happened meanwhile.
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
