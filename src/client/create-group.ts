import { systemClock, systemRandom } from '../clock.js';
import { publishProbe } from '../diagnostics/channels.js';
import { clientName } from '../diagnostics/client-name.js';
import { diagnose } from '../diagnostics/diagnose.js';
import { createDriver } from '../drivers/node-redis/create-driver.js';
import { requireAddress } from '../options/require-address.js';
import { resolveOptions } from '../options/validate.js';
import { warnAbout } from '../options/warnings.js';
import type { ManagedClient } from '../runtime/group/managed-client.js';
import { type SharedDependencies, SharedGroup } from '../runtime/group/shared-group.js';

export interface CreatedGroup {
  /** The name of the client in metrics and diagnostics. */
  readonly name: string;
  readonly shared: SharedGroup;
}

/** What a group runs on. */
export type GroupParts = Pick<SharedDependencies, 'clock' | 'random' | 'createDriver'>;

const REAL: GroupParts = Object.freeze({ clock: systemClock, random: systemRandom, createDriver });

/**
 * The group of a new client, by default over node-redis as the driver. `instance` is the client; it
 * is asked for once the group runs. Throws `InvalidOptionError`.
 */
export function createGroup(
  options: unknown,
  instance: () => ManagedClient,
  parts: GroupParts = REAL,
): CreatedGroup {
  const resolved = resolveOptions(options);
  for (const [index, each] of resolved.databases.entries())
    requireAddress(each, `databases[${index}]`);
  warnAbout(resolved.databases);
  const name = clientName(resolved.group.client);
  const shared: SharedGroup = new SharedGroup(resolved, {
    ...parts,
    onProbe: (id, probe, { group }) => publishProbe(name, group, id, probe),
    observe: diagnose(name, { instance, isOpen: () => shared.current.members.size > 0 }),
  });
  return { name, shared };
}
