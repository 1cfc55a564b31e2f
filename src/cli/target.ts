/** The target of a command: the databases of a config file, or URLs. */
import { existsSync, statSync } from 'node:fs';
import { loadConfig } from '../config/load.js';
import { InvalidConfigError, InvalidOptionError } from '../errors.js';
import { addressOf } from '../options/client.js';
import { isConnectionString, parseConnectionString } from '../options/connection-string.js';
import { requireAddress } from '../options/require-address.js';
import { resolveOptions, type ValidatedOptions } from '../options/validate.js';
import { UsageError } from './exit.js';

/** Plain options of `createMultiDbClient`, and the same validated. */
export interface Target {
  /** A short name: the path of the file, or "2 URLs". */
  readonly name: string;
  readonly options: Record<string, unknown>;
  readonly resolved: ValidatedOptions;
}

const URL_ARGUMENT = /^(?:([^=:/]+)=)?((?:rediss?|unix):\/\/.*)$/is;
/** Matches arguments that look like URLs or contain credentials: messages must not repeat them. */
const MAYBE_SECRET = /^(?:[^=:/]+=)?[a-z][a-z\d+.-]+:|@/i;
const DEFAULT_FILE = 'redis-multidb.json';

/** A connection string, as opposed to the URL of one database: several hosts, or parameters. */
const SEVERAL = /^[^/]*:\/\/([^/?]*,|[^?]*\?)/;
const VARIABLE = /^env:([A-Za-z_]\w*)$/;

/**
 * Reads a config file, a connection string, or URLs in order of preference, each optionally with an
 * id: `east=redis://...`. `env:NAME` stands for the value of an environment variable. The default is
 * `redis-multidb.json`, if it exists.
 */
export async function readTarget(args: readonly string[]): Promise<Target> {
  const given = args.length === 0 && existsSync(DEFAULT_FILE) ? [DEFAULT_FILE] : args.map(argument);
  const [first] = given;
  if (first === undefined) {
    throw new UsageError(`Name a config file or URLs, or create ./${DEFAULT_FILE}.`);
  }
  if (given.length === 1 && isConnectionString(first) && SEVERAL.test(first)) {
    return fromConnectionString(first);
  }
  const urls = given.map((argument) => URL_ARGUMENT.exec(argument));
  if (urls.every((match) => match === null)) return fromFile(given, first);
  const options = { databases: urls.map((match, index) => fromUrl(match, urls.length - index)) };
  try {
    const name = urls.length === 1 ? '1 URL' : `${urls.length} URLs`;
    return { name, options, resolved: resolved(options) };
  } catch (error) {
    if (error instanceof InvalidOptionError) throw new UsageError(error.message);
    throw error;
  }
}

/** The value of the variable in place of `env:NAME`. */
function argument(text: string): string {
  const name = VARIABLE.exec(text)?.[1];
  if (name === undefined) return text;
  const value = process.env[name];
  if (value) return value.trim();
  throw new UsageError(`The environment variable ${name} is not set.`);
}

function fromConnectionString(text: string): Target {
  try {
    const options = parseConnectionString(text) as unknown as Record<string, unknown>;
    return { name: 'connection string', options, resolved: resolved(options) };
  } catch (error) {
    if (error instanceof InvalidOptionError) throw new UsageError(error.message);
    throw error;
  }
}

async function fromFile(given: readonly string[], file: string): Promise<Target> {
  if (given.length > 1 || MAYBE_SECRET.test(file)) throw notUnderstood();
  if (statSync(file, { throwIfNoEntry: false })?.isDirectory()) {
    throw new UsageError(`${file} is a directory; expected a config file`);
  }
  try {
    const options = (await loadConfig(file)) as unknown as Record<string, unknown>;
    return { name: file, options, resolved: resolved(options) };
  } catch (error) {
    if (error instanceof InvalidConfigError) throw new UsageError(allErrors(error));
    if (error instanceof InvalidOptionError) throw new UsageError(error.message);
    throw error;
  }
}

/** One error as a sentence, several as a list. */
function allErrors(error: InvalidConfigError): string {
  if (error.others.length === 0) return error.message;
  const [first = '', ...rest] = [error, ...error.others].map(({ message }) => message);
  const lines = [first.replace(/ \(and \d+ more errors?\)$/, ''), ...rest];
  return [`${error.file} has ${lines.length} errors:`, ...lines.map((line) => `  ${line}`)].join(
    '\n',
  );
}

function resolved(options: object): ValidatedOptions {
  const validated = resolveOptions(options);
  for (const [index, each] of validated.databases.entries())
    requireAddress(each, `databases[${index}]`);
  return validated;
}

function fromUrl(match: RegExpExecArray | null, weight: number) {
  if (match === null) throw notUnderstood();
  const [, id, url = ''] = match;
  return { ...(id === undefined ? {} : { id }), weight, client: { url } };
}

/** The message does not repeat the argument, which may contain a password. */
function notUnderstood(): UsageError {
  return new UsageError('Expected one config file, or URLs: redis://, rediss:// or unix://');
}

/** The addresses of each database that its configuration names, without credentials. */
export function addresses({ resolved }: Target): Map<string, readonly string[]> {
  return new Map(resolved.databases.map((database) => [database.id, addressesOf(database)]));
}

function addressesOf(database: ValidatedOptions['databases'][number]): string[] {
  switch (database.topology) {
    case 'cluster':
      return database.cluster.rootNodes.map((root) => addressOf({ ...root }));
    case 'sentinel':
      return database.sentinel.sentinelRootNodes.map((socket) => addressOf({ socket }));
    default:
      return [addressOf({ ...database.client })];
  }
}

/** Returns id and one address of each database that is not, or not only, on this machine. */
export function foreignAddresses(target: Target): [id: string, address: string][] {
  return [...addresses(target)].flatMap(([id, all]): [string, string][] => {
    const foreign = all.find((address) => !isLoopback(address));
    return foreign === undefined ? [] : [[id, foreign]];
  });
}

/** Whether the address is one of this machine. */
export function isLoopback(address: string): boolean {
  if (address.startsWith('/')) return true;
  const host = address
    .slice(0, address.lastIndexOf(':'))
    .replace(/^\[|\]$/g, '')
    .toLowerCase();
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
}
