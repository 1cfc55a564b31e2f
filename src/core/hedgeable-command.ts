import { type CommandArguments, upperCase } from './command-arguments.js';
import { firstKey } from './command-keys.js';
import type { CommandTraits } from './command-risk.js';

/**
 * Whether a second database may answer the command as well: a read of keys that does not block, that
 * no earlier command of the connection matters to, and whose reply means the same on every database.
 * Commands without a key describe a server (INFO, TIME, DBSIZE), and a cursor belongs to the server
 * that returned it.
 */
export function isHedgeable(args: CommandArguments, traits: CommandTraits): boolean {
  if (traits.category !== 'read' || traits.blockMs !== undefined) return false;
  if (traits.concerns !== undefined || firstKey(args) === undefined) return false;
  return !startsCursor(args);
}

/** HSCAN, SSCAN, ZSCAN, CLUSTERSCAN, BLESS SCAN. ARSCAN has no cursor. */
function startsCursor(args: CommandArguments): boolean {
  const name = upperCase(args[0]);
  return (name.endsWith('SCAN') && name !== 'ARSCAN') || name === 'BLESS';
}
