/**
 * The command table against a real server's own list and against what node-redis can send.
 * `REDIS_SERVER=path` compares it with another version of Redis or Valkey.
 */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
// Always of version 6, whichever one this run tests: its list is the longer one.
import { COMMAND_METADATA } from '../../node_modules/@redis/client/dist/lib/command-metadata/command-metadata-data.js';
import { CACHEABLE_COMMANDS } from '../../src/core/cacheable-command.js';
import { BLOCK_TIMES } from '../../src/core/command-block-time.js';
import { commandTraits } from '../../src/core/command-category.js';
import { COMMAND_TABLE } from '../../src/core/command-table.js';
import { startRedis } from '../kit/index.js';

/** `CONFIG|GET`, with the flags under which the source lists it. */
type Listed = Map<string, readonly string[]>;

const table = new Set(COMMAND_TABLE.flatMap(([, names]) => names.split(' ')));
const listedByServer: Listed = new Map();
const listedByNodeRedis: Listed = new Map();

/** Of one element of the reply to COMMAND: name at 0, flags at 2, subcommands at 9. */
function collectFromServer(command: unknown): void {
  const [name, , flags, , , , , , , subcommands] = command as [string, unknown, string[]] &
    unknown[];
  if (Array.isArray(subcommands) && subcommands.length > 0) subcommands.forEach(collectFromServer);
  else listedByServer.set(name.toUpperCase(), flags);
}

interface Metadata {
  readonly flags?: readonly string[];
  readonly subcommands?: Readonly<Record<string, Metadata>>;
}

function collectFromNodeRedis(): void {
  for (const [module, commands] of Object.entries<Readonly<Record<string, Metadata>>>(
    COMMAND_METADATA,
  )) {
    for (const [name, metadata] of Object.entries(commands)) {
      const full = (module === 'std' ? name : `${module}.${name}`).toUpperCase();
      const subcommands = Object.entries(metadata.subcommands ?? {});
      if (subcommands.length === 0) listedByNodeRedis.set(full, metadata.flags ?? []);
      for (const [sub, { flags = [] }] of subcommands) {
        listedByNodeRedis.set(`${full}|${sub.toUpperCase()}`, flags);
      }
    }
  }
}

/** What the sources of a client package put first into a command. */
function namesInSources(directory: string): Set<string> {
  const names = new Set<string>();
  const root = path.resolve(import.meta.dirname, '../../node_modules', directory, 'dist/lib');
  for (const file of readdirSync(root, { recursive: true, encoding: 'utf8' })) {
    if (!/commands\b.*\.js$/.test(file)) continue;
    const text = readFileSync(path.join(root, file), 'utf8');
    for (const [, name, sub] of text.matchAll(
      /parser\.push\(["']([A-Z][\w.-]*)["'](?:, ["']([A-Z][\w-]*)["'])?/g,
    )) {
      // Options are pushed too; a command is what the server or the metadata knows as one.
      for (const known of [`${name}|${sub}`, `${name}`]) {
        if (listedByServer.has(known) || listedByNodeRedis.has(known)) names.add(known);
      }
      // A module's command is known by its dot.
      if (name?.includes('.') && !isContainer(name)) names.add(name);
    }
  }
  return names;
}

const isContainer = (name: string) => [...table].some((known) => known.startsWith(`${name}|`));

/**
 * HELP has one rule for all; Redis 6 lists containers without their subcommands, and two names that
 * only catch web browsers.
 */
const isSpecial = (name: string) =>
  name.endsWith('|HELP') || isContainer(name) || name === 'HOST:' || name === 'POST';

const missing = (names: Iterable<string>) =>
  [...names].filter((name) => !table.has(name) && !isSpecial(name)).sort();

const categoryOf = (name: string) => commandTraits(name.split('|')).category;

beforeAll(async () => {
  await using server = await startRedis();
  for (const command of (await server.command('COMMAND')) as unknown[]) collectFromServer(command);
  collectFromNodeRedis();
});

describe('the table', () => {
  it('has every command that the server reports', () => {
    expect(listedByServer.size).toBeGreaterThan(200);
    expect(missing(listedByServer.keys())).toEqual([]);
  });

  it('has every command that node-redis knows', () => {
    expect(listedByNodeRedis.size).toBeGreaterThan(500);
    expect(missing(listedByNodeRedis.keys())).toEqual([]);
  });

  it.each([
    ['@redis/client', 250],
    ['redis-client-5', 200],
    ['@redis/json', 20],
    ['@redis/search', 20],
    ['@redis/time-series', 15],
    ['@redis/bloom', 30],
  ])('has every command that the sources of %s send', (directory, atLeast) => {
    const names = namesInSources(directory);
    expect(names.size).toBeGreaterThan(atLeast);
    expect(missing(names)).toEqual([]);
  });

  it('has nothing that nobody knows', () => {
    const elsewhere = new Set(
      [
        // Newer or older than the two lists; Valkey.
        'CLUSTERSCAN STRALGO',
        'FT.HYBRID FT._LIST FT.GET FT.MGET FT.CONFIG FT.CONFIG|GET FT.CONFIG|SET FT.CURSOR',
        'DELIFEQ CLUSTER|MIGRATESLOTS CLUSTER|CANCELSLOTMIGRATIONS CLUSTER|GETSLOTMIGRATIONS',
        'CLUSTER|FLUSHSLOT CLIENT|CAPA CLIENT|IMPORT-SOURCE SCRIPT|SHOW',
        'COMMANDLOG|GET COMMANDLOG|LEN COMMANDLOG|RESET',
      ].flatMap((names) => names.split(' ')),
    );
    const strange = [...table].filter(
      (name) =>
        !listedByServer.has(name) &&
        !listedByNodeRedis.has(name) &&
        !isContainer(name) &&
        !elsewhere.has(name),
    );
    expect(strange).toEqual([]);
  });
});

describe('what may be cached', () => {
  interface Description {
    readonly flags: readonly string[];
    readonly tips: readonly string[];
    readonly keySpecs: string;
  }
  const described = new Map<string, Description>();

  beforeAll(async () => {
    await using server = await startRedis();
    for (const command of (await server.command('COMMAND')) as unknown[]) {
      const [name, , flags, , , , , tips = [], keySpecs] = command as [string, 0, string[]] &
        string[][];
      described.set(name.toUpperCase(), { flags, tips, keySpecs: JSON.stringify(keySpecs ?? '') });
    }
  });

  it('is read alone, and says the same whenever it is asked, of the keys that stand in it', () => {
    const listed = [...CACHEABLE_COMMANDS].filter((name) => described.has(name));
    expect(listed.length).toBeGreaterThan(45);
    for (const name of listed) {
      const { flags, tips, keySpecs } = described.get(name) as Description;
      expect([name, flags]).toEqual([name, expect.arrayContaining(['readonly'])]);
      expect([name, ...flags]).not.toContain('blocking');
      expect([name, ...tips]).not.toContain('nondeterministic_output');
      expect([name, ...tips]).not.toContain('dont_cache');
      expect([name, keySpecs]).toEqual([name, expect.not.stringContaining('incomplete')]);
    }
  });
});

describe.each([
  ['the server', listedByServer],
  ['node-redis', listedByNodeRedis],
])('by the flags of %s', (_source, listed) => {
  const flagged = (flag: string) =>
    [...listed]
      .filter(([name, flags]) => flags.includes(flag) && !isSpecial(name))
      .map(([name]) => name);

  it('no write counts as harmless', () => {
    // Without options these change nothing. What they do with options is tested by running them.
    const readsWithoutOptions = ['GETEX', 'BITFIELD', 'SORT', 'GEORADIUS', 'GEORADIUSBYMEMBER'];
    const harmless = flagged('write')
      .filter((name) => ['connection', 'read'].includes(categoryOf(name)))
      .filter((name) => !readsWithoutOptions.includes(name));
    expect(flagged('write').length).toBeGreaterThan(80);
    expect(harmless).toEqual([]);
  });

  it('no read counts as riskier', () => {
    const exceptions: Record<string, string> = {
      'CF.COMPACT': 'rewrites the filter',
      'FT.CURSOR|READ': 'a cursor of one server',
      'FT.CURSOR|DEL': 'a cursor of one server',
      'FT.CURSOR|GC': 'cursors of one server',
      'TIMESERIES.REFRESHCLUSTER': 'changes what the cluster knows',
    };
    const riskier = flagged('readonly')
      .filter((name) => categoryOf(name) !== 'read')
      .filter((name) => !(name in exceptions));
    expect(flagged('readonly').length).toBeGreaterThan(60);
    expect(riskier).toEqual([]);
  });

  it('every blocking command has a block time', () => {
    const unknown = flagged('blocking').filter((name) => !BLOCK_TIMES.has(name));
    expect(unknown).toEqual([]);
  });
});
