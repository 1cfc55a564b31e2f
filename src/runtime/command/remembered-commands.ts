import type { CommandArgument } from '../../core/command-argument.js';
import { upperCase } from '../../core/command-arguments.js';
import { commandTraits } from '../../core/command-category.js';
import type { CommandTraits } from '../../core/command-risk.js';
import type { ConnectionSettings } from '../../drivers/connection-settings.js';
import type { Batch } from '../../drivers/driver.js';
import { isError } from '../../is-error.js';
import type { ScriptSources } from '../script-sources.js';

type Arguments = readonly CommandArgument[];

/** What outlives the connection of a command. */
export interface Memory {
  /** The settings of the client. */
  readonly settings: ConnectionSettings;
  /** The scripts of the group. */
  readonly scripts: ScriptSources;
}

export interface Prepared {
  /** With the sources of the scripts that are called; `undefined` for a plain command. */
  readonly batch: Batch | undefined;
  /** Must be called with the reply; absent if nothing is remembered. */
  readonly note?: ((reply: unknown) => void) | undefined;
}

/**
 * Prepares a batch, or a command that concerns scripts or settings. A setting is remembered when the
 * server has accepted its value, a script at once, because commands that call it may be sent before
 * the reply.
 */
export function prepare(
  memory: Memory,
  args: Arguments,
  { concerns }: CommandTraits,
  batch: Batch | undefined,
): Prepared {
  const { scripts } = memory;
  if (batch === undefined) {
    if (concerns === 'script') return { batch: scripts.callOf(args) };
    return { batch, note: noteOf(args, memory) };
  }
  const notes: [index: number, note: () => void][] = [];
  for (const [index, each] of batch.commands.entries()) {
    const note = noteOf(each, memory);
    if (note !== undefined) notes.push([index, note]);
  }
  const withScripts = scripts.withScripts(batch);
  if (notes.length === 0) return { batch: withScripts };
  const noteAll = (replies: unknown) => {
    for (const [index, note] of notes) {
      const reply = Array.isArray(replies) ? replies[index] : undefined;
      if (!isError(reply)) note();
    }
  };
  return { batch: withScripts, note: noteAll };
}

function noteOf(args: Arguments, { settings, scripts }: Memory): (() => void) | undefined {
  // CLIENT or SCRIPT
  if (args[0]?.length !== 6) return undefined;
  const { concerns } = commandTraits(args);
  if (concerns === 'connection-setting') {
    const key = settingOf(args);
    return () => settings.set(key, args);
  }
  if (concerns !== 'script-cache') return undefined;
  if (upperCase(args[1]) === 'LOAD') {
    scripts.remember(args[2]);
    return undefined;
  }
  // Calls over other connections may be executed before or after the scripts are flushed.
  scripts.invalidate();
  return () => scripts.invalidate();
}

/** Each attribute of SETINFO is a setting of its own. */
function settingOf(args: Arguments): string {
  const name = upperCase(args[1]);
  return name === 'SETINFO' ? `${name} ${upperCase(args[2])}` : name;
}
