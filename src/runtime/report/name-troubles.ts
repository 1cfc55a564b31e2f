import { foreignText } from '../../foreign/foreign-text.js';
import type { LookupTrouble } from '../../name-lookup/host-name.js';
import type { Database } from '../database.js';

/** Descriptions of the problems with lookups of a database's host names. */
export function nameTroubles({ driver }: Pick<Database, 'driver'>): string[] {
  return (driver.names?.troubles ?? []).map(describe);
}

function describe({ host, pendingForMs, error, usesLastKnown }: LookupTrouble): string {
  const code = foreignText(
    (error as NodeJS.ErrnoException | undefined)?.code ?? error?.message ?? '',
  );
  const what =
    pendingForMs === undefined
      ? `name lookup of ${host} failed (${code})`
      : `name lookup of ${host} has been pending for ${Math.floor(pendingForMs / 1000)} s`;
  return `${what}, ${usesLastKnown ? 'using the last known address' : 'no address is known'}`;
}
