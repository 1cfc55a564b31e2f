/**
 * How risky it is to repeat a command whose outcome is unknown, and for how long it may block.
 *
 * The names stand in `command-table.ts`; where the arguments decide, the rules stand in
 * `command-arguments.ts`; how long one blocks stands in `command-block-time.ts`.
 */

import { ARGUMENT_RULES, type CommandArguments, upperCase } from './command-arguments.js';
import { BLOCK_TIMES } from './command-block-time.js';
import { type CommandCategory, type CommandTraits, RISK } from './command-risk.js';
import { COMMAND_TABLE } from './command-table.js';

/** WAIT or WAITAOF: asks what became of the writes of its own connection. */
export function asksForReplicas(args: CommandArguments): boolean {
  const length = args[0]?.length;
  if (length !== 4 && length !== 7) return false;
  const name = upperCase(args[0]);
  return name === 'WAIT' || name === 'WAITAOF';
}

/**
 * Category and block time of one command with its arguments. Upper, lower and mixed case,
 * strings and Buffers. A command that is not known counts as `accumulating`.
 *
 * Constant time without allocation for a command in upper or lower case whose arguments don't
 * matter; a command whose options matter is read as far as its options reach.
 */
export function commandTraits(args: CommandArguments): CommandTraits {
  const name = args[0];
  const entry = (typeof name === 'string' ? ENTRIES.get(name) : undefined) ?? find(name);
  return entry.argumentsMatter ? traitsByArguments(entry, args) : entry.traits;
}

/** Whether the command stands in the table, whatever its subcommand is. */
export function isKnownCommand(args: CommandArguments): boolean {
  return find(args[0]) !== UNKNOWN;
}

interface Entry {
  readonly argumentsMatter: boolean;
  readonly traits: CommandTraits;
  readonly subcommands: Map<string, Entry> | undefined;
  readonly rule: ((args: CommandArguments) => CommandCategory) | undefined;
  readonly blockTime: ((args: CommandArguments) => number | undefined) | undefined;
}

function traitsByArguments(entry: Entry, args: CommandArguments): CommandTraits {
  if (entry.subcommands !== undefined) {
    const subcommand = entry.subcommands.get(upperCase(args[1]));
    if (subcommand !== undefined) {
      return subcommand.argumentsMatter ? traitsByArguments(subcommand, args) : subcommand.traits;
    }
  }
  const traits = entry.rule === undefined ? entry.traits : TRAITS[entry.rule(args)];
  const blockMs = entry.blockTime?.(args);
  return blockMs === undefined ? traits : { category: traits.category, blockMs };
}

function find(name: string | Buffer | undefined): Entry {
  return ENTRIES.get(upperCase(name)) ?? UNKNOWN;
}

const TRAITS = Object.freeze(
  Object.fromEntries(
    (Object.keys(RISK) as CommandCategory[]).map((category) => [
      category,
      Object.freeze({ category, blockMs: undefined }),
    ]),
  ) as Record<CommandCategory, CommandTraits>,
);

const UNKNOWN = makeEntry('', 'accumulating', undefined);

/** By name in upper case and in lower case. */
const ENTRIES = indexTable();

function indexTable(): ReadonlyMap<string, Entry> {
  const categories = new Map<string, CommandCategory>();
  const containers = new Map<string, Map<string, Entry>>();
  for (const [category, names] of COMMAND_TABLE) {
    for (const name of names.split(' ')) {
      if (categories.has(name)) throw new Error(`${name} stands in the command table twice`);
      categories.set(name, category);
    }
  }
  for (const [name, category] of categories) {
    const [container = '', subcommand] = name.split('|');
    if (subcommand === undefined) continue;
    if (!categories.has(container)) categories.set(container, 'accumulating');
    let subcommands = containers.get(container);
    if (subcommands === undefined) {
      subcommands = new Map([['HELP', makeEntry('', 'read', undefined)]]);
      containers.set(container, subcommands);
    }
    subcommands.set(subcommand, makeEntry(name, category, undefined));
  }
  const entries = new Map<string, Entry>();
  for (const [name, category] of categories) {
    if (name.includes('|')) continue;
    const entry = makeEntry(name, category, containers.get(name));
    entries.set(name, entry);
    entries.set(name.toLowerCase(), entry);
  }
  return entries;
}

function makeEntry(
  name: string,
  category: CommandCategory,
  subcommands: Map<string, Entry> | undefined,
): Entry {
  const rule = ARGUMENT_RULES.get(name);
  const blockTime = BLOCK_TIMES.get(name);
  return {
    argumentsMatter: (subcommands ?? rule ?? blockTime) !== undefined,
    traits: TRAITS[category],
    subcommands,
    rule,
    blockTime,
  };
}
