/**
 * The risk of repeating a command whose outcome is unknown, and its block time.
 *
 * The names are in `command-table.ts`, the rules for arguments in `command-arguments.ts`, and the
 * block times in `command-block-time.ts`.
 */

import { ARGUMENT_RULES, type CommandArguments, upperCase } from './command-arguments.js';
import { BLOCK_TIMES } from './command-block-time.js';
import {
  type CommandCategory,
  type CommandConcern,
  type CommandTraits,
  RISK,
} from './command-risk.js';
import { COMMAND_TABLE } from './command-table.js';

/** WAIT and WAITAOF, which concern the earlier writes of their own connection. */
export function asksForReplicas(args: CommandArguments): boolean {
  const length = args[0]?.length;
  if (length !== 4 && length !== 7) return false;
  const name = upperCase(args[0]);
  return name === 'WAIT' || name === 'WAITAOF';
}

/**
 * Category and block time of one command with its arguments: upper, lower or mixed case, strings
 * and Buffers. An unknown command counts as `accumulating`.
 *
 * Constant time without allocation for a command in upper or lower case whose arguments do not
 * matter; otherwise the arguments are read as far as the options reach.
 */
export function commandTraits(args: CommandArguments): CommandTraits {
  const name = args[0];
  if (typeof name !== 'string') return traitsOf(find(name), args);
  if (name === latestName) return latestTraits;
  const entry = ENTRIES.get(name) ?? find(name);
  if (entry.argumentsMatter) return traitsByArguments(entry, args);
  latestName = name;
  latestTraits = entry.traits;
  return latestTraits;
}

function traitsOf(entry: Entry, args: CommandArguments): CommandTraits {
  return entry.argumentsMatter ? traitsByArguments(entry, args) : entry.traits;
}

/** Whether the table contains the command, regardless of its subcommand. */
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
    if (subcommand !== undefined) return traitsOf(subcommand, args);
  }
  const traits = entry.rule === undefined ? entry.traits : TRAITS[entry.rule(args)];
  const blockMs = entry.blockTime?.(args);
  return blockMs === undefined
    ? traits
    : { category: traits.category, blockMs, concerns: undefined };
}

function find(name: string | Buffer | undefined): Entry {
  const upper = upperCase(name);
  const entry = ENTRIES.get(upper) ?? addEntry(upper);
  // In mixed case a name has too many spellings to keep.
  if (entry !== UNKNOWN && name === upper.toLowerCase()) ENTRIES.set(name, entry);
  return entry;
}

const TRAITS = Object.freeze(
  Object.fromEntries(
    (Object.keys(RISK) as CommandCategory[]).map((category) => [
      category,
      Object.freeze({ category, blockMs: undefined, concerns: undefined }),
    ]),
  ) as Record<CommandCategory, CommandTraits>,
);

const CONCERNS: ReadonlyMap<string, CommandConcern> = new Map([
  ...['EVALSHA', 'EVALSHA_RO'].map((name) => [name, 'script'] as const),
  ...['SCRIPT|LOAD', 'SCRIPT|FLUSH'].map((name) => [name, 'script-cache'] as const),
  ...['CLIENT|SETNAME', 'CLIENT|SETINFO', 'CLIENT|NO-EVICT', 'CLIENT|NO-TOUCH'].map(
    (name) => [name, 'connection-setting'] as const,
  ),
]);

const UNKNOWN = makeEntry('', 'accumulating', undefined);

/**
 * Per copy: entries of the commands that were used, by name in upper case, and in lower case if it
 * was given so. Making all of them would take two milliseconds when the package is loaded.
 */
const ENTRIES = new Map<string, Entry>();

/** Per copy: the name of the latest command whose arguments did not matter. */
let latestName: string | undefined;
/** Per copy: the traits of that command. */
let latestTraits = UNKNOWN.traits;

/** Per copy: the table by name, made for the first command. */
let index: CommandIndex | undefined;

interface CommandIndex {
  readonly categories: ReadonlyMap<string, CommandCategory>;
  /** Subcommands by the name of their command. */
  readonly containers: ReadonlyMap<string, readonly string[]>;
}

function indexTable(): CommandIndex {
  const categories = new Map<string, CommandCategory>();
  const containers = new Map<string, string[]>();
  for (const [category, names] of COMMAND_TABLE) {
    for (const name of names.split(' ')) {
      if (categories.has(name)) throw new Error(`${name} stands in the command table twice`);
      categories.set(name, category);
      const bar = name.indexOf('|');
      if (bar < 0) continue;
      const container = name.slice(0, bar);
      const subcommands = containers.get(container);
      if (subcommands === undefined) containers.set(container, [name.slice(bar + 1)]);
      else subcommands.push(name.slice(bar + 1));
    }
  }
  return { categories, containers };
}

/** Returns the entry of a command whose name has not been used before. */
function addEntry(name: string): Entry {
  if (name.includes('|')) return UNKNOWN;
  index ??= indexTable();
  const { categories, containers } = index;
  const names = containers.get(name);
  const category = categories.get(name) ?? (names && 'accumulating');
  if (category === undefined) return UNKNOWN;
  const entry = makeEntry(name, category, names && subcommandsOf(name, names, categories));
  ENTRIES.set(name, entry);
  return entry;
}

function subcommandsOf(
  container: string,
  names: readonly string[],
  categories: CommandIndex['categories'],
): Map<string, Entry> {
  const entries = new Map([['HELP', makeEntry('', 'read', undefined)]]);
  for (const name of names) {
    const whole = `${container}|${name}`;
    entries.set(name, makeEntry(whole, categories.get(whole) as CommandCategory, undefined));
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
  const concerns = CONCERNS.get(name);
  return {
    argumentsMatter: (subcommands ?? rule ?? blockTime) !== undefined,
    traits:
      concerns === undefined
        ? TRAITS[category]
        : Object.freeze({ category, blockMs: undefined, concerns }),
    subcommands,
    rule,
    blockTime,
  };
}
