/**
 * A group of databases in one text, for an environment variable:
 *
 *     rediss://app:secret@east.example.com:14000,west.example.com:14000/0?weight=1,0.5
 *
 * docs/config.md contains the grammar. No error repeats a part of the text, because any part may
 * belong to a password that is not percent-encoded.
 */
import { InvalidOptionError } from '../errors.js';
import { invalid, LONGEST_NAME } from '../validation/check.js';
import { distanceOf } from './check.js';
import { connectionParameters } from './connection-parameters.js';
import { type NamedStrategy, STRATEGIES } from './strategies.js';
import { resolveOptions } from './validate.js';

/** What errors name in place of an option. */
const TEXT = 'connection string';
const SCHEME = /^(rediss?):\/\//i;
/** Longest text that is accepted: far more than any group needs. */
const LONGEST = 20_000;
/** Parameters with one value for each host. */
const PER_HOST = ['id', 'weight'];

/**
 * Options of `createMultiDbClient` as a connection string gives them. The other options of the group
 * are there as well, if the text has them.
 */
export interface ConnectionStringOptions {
  /** The databases, in the order of the hosts. */
  readonly databases: readonly {
    readonly id?: string;
    readonly weight: number;
    readonly client: {
      readonly username?: string;
      readonly password?: string;
      readonly database?: number;
      readonly socket:
        | { readonly host: string; readonly port: number; readonly tls: true }
        | { readonly host: string; readonly port: number; readonly tls: false };
    };
  }[];
  /** `client.keyPrefix` and others of all databases. */
  readonly client?: {
    readonly name?: string;
    readonly keyPrefix?: string;
    readonly clientInfoTag?: string;
  };
}

/** Whether `text` begins like a connection string. */
export function isConnectionString(text: string): boolean {
  return SCHEME.test(text.trimStart());
}

/**
 * Parses a connection string, and returns options for `createMultiDbClient`, validated as by that.
 * Throws `InvalidOptionError`, which names the option or the position, and shows no part of the
 * text. White space around the text is ignored.
 */
export function parseConnectionString(text: string): ConnectionStringOptions {
  const options = read(text);
  try {
    resolveOptions(options);
  } catch (error) {
    if (!(error instanceof InvalidOptionError)) throw error;
    const expected = /: expected ([\s\S]*), received [\s\S]*$/.exec(error.message)?.[1];
    // Has no cause: its message contains the value.
    throw invalid(error.option, `${expected ?? 'another value'} in the ${TEXT}`, '***');
  }
  return options;
}

function read(given: string): ConnectionStringOptions {
  if (typeof given !== 'string') throw invalid(TEXT, 'a string', given);
  const text = given.trim();
  const scheme = SCHEME.exec(text)?.[1]?.toLowerCase();
  if (scheme === undefined) throw wrong('redis:// or rediss:// at its beginning');
  if (text.length > LONGEST) throw wrong(`at most ${LONGEST} characters`);
  if (/[\s#\\]/.test(text)) {
    throw wrong('no space, # or backslash: percent-encode them (%20, %23, %5C)');
  }
  const [, authority = '', path = '', query] =
    /^[^:]*:\/\/([^/?]*)(?:\/([^?]*))?(?:\?(.*))?$/.exec(text) ?? [];
  const hosts = authority.split(',').map((entry, index) => host(entry, `host ${index + 1}`));
  rejectMixedCredentials(hosts.map(({ username }) => username !== undefined));
  const values = parameters(query);
  const ids = perHost(values, 'id', hosts.length);
  const weights = perHost(values, 'weight', hosts.length);
  const shared = hosts[0];
  const database = databaseOf(path);
  return {
    ...nested(values),
    databases: hosts.map(({ address, ...own }, index) => {
      const { username, password } = own.username === undefined ? (shared ?? own) : own;
      return {
        ...(ids === undefined ? {} : { id: decoded(ids[index] as string, 'id') }),
        // Without weights the hosts are in order of preference.
        weight: weights === undefined ? hosts.length - index : number(weights[index], 'weight'),
        client: {
          ...(username ? { username } : {}),
          ...(password ? { password } : {}),
          ...(database === undefined ? {} : { database }),
          socket: scheme === 'rediss' ? { ...address, tls: true } : { ...address, tls: false },
        },
      };
    }),
  };
}

interface Host {
  readonly address: { readonly host: string; readonly port: number };
  /** Undefined: no credentials, not even empty ones. */
  readonly username: string | undefined;
  readonly password: string | undefined;
}

function host(entry: string, at: string): Host {
  const parts = entry.split('@');
  if (parts.length > 2) throw wrong(`one @ for ${at}: percent-encode others (%40)`);
  const address = parts.at(-1) as string;
  const credentials = parts.length === 2 ? (parts[0] as string) : undefined;
  const [, bracketed, plain, port] =
    /^(?:\[([\da-fA-F:.]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(address) ?? [];
  const name = bracketed ?? (plain === undefined ? undefined : decoded(plain, at));
  if (!name) {
    throw wrong(
      `host or host:port for ${at}; in a password, percent-encode , @ / ? # and : (%2C %40 %2F %3F %23 %3A)`,
    );
  }
  const portNumber = port === undefined ? 6379 : Number(port);
  if (portNumber < 1 || portNumber > 65_535) throw wrong(`a port from 1 to 65535 for ${at}`);
  const [username = '', password, ...rest] = credentials?.split(':') ?? [];
  if (rest.length > 0)
    throw wrong(`one : in the credentials of ${at}: percent-encode others (%3A)`);
  return {
    address: { host: name, port: portNumber },
    username: credentials === undefined ? undefined : decoded(username, at),
    password: password === undefined ? undefined : decoded(password, at),
  };
}

/**
 * A comma or a slash of a password that is not percent-encoded would otherwise turn a part of the
 * password into the name of a host.
 */
function rejectMixedCredentials([first, ...others]: readonly boolean[]): void {
  const count = others.filter(Boolean).length;
  if (first ? count === 0 || count === others.length : count === 0) return;
  throw wrong(
    'credentials in front of the first host, for all, or in front of every host; percent-encode a comma in a password (%2C)',
  );
}

function databaseOf(path: string): number | undefined {
  if (path === '') return undefined;
  if (!/^\d{1,9}$/.test(path)) throw wrong('the number of a database after the /');
  return Number(path);
}

/** The parameters by their names, with values that are still percent-encoded. */
function parameters(query: string | undefined): Map<string, string> {
  const values = new Map<string, string>();
  if (query === undefined || query === '') return values;
  for (const [index, part] of query.split('&').entries()) {
    const at = `parameter ${index + 1}`;
    const equals = part.indexOf('=');
    const name = equals < 0 ? '' : decoded(part.slice(0, equals), at);
    if (!isKnown(name)) throw wrong(`name=value with a known name for ${at}${suggestion(name)}`);
    if (values.has(name)) throw invalid(name, `one value in the ${TEXT}`, '***');
    values.set(name, part.slice(equals + 1));
  }
  return values;
}

function isKnown(name: string): boolean {
  return PER_HOST.includes(name) || name === 'healthCheck' || connectionParameters().has(name);
}

function perHost(values: Map<string, string>, name: string, hosts: number): string[] | undefined {
  const value = values.get(name);
  if (value === undefined) return undefined;
  const each = value.split(',');
  if (each.length === hosts) return each;
  throw invalid(name, `as many values as hosts (${hosts}) in the ${TEXT}`, '***');
}

/** Options of the group: `commandRetry.safety` becomes `{ commandRetry: { safety } }`. */
function nested(values: Map<string, string>): Record<string, unknown> {
  const options: Record<string, unknown> = {};
  for (const [name, value] of values) {
    const types = connectionParameters().get(name);
    if (types === undefined) continue;
    if ([...values.keys()].some((other) => other.startsWith(`${name}.`))) {
      throw invalid(name, `either a value or its parts in the ${TEXT}`, '***');
    }
    const path = name.split('.');
    let parent = options;
    for (const part of path.slice(0, -1)) {
      parent[part] ??= {};
      parent = parent[part] as Record<string, unknown>;
    }
    parent[path.at(-1) as string] = typed(value, name, types);
  }
  return withStrategy(options, values.get('healthCheck'));
}

/** `healthCheck=echo&healthCheck.timeoutMs=500`: the strategy, and its timing. */
function withStrategy(
  options: Record<string, unknown>,
  name: string | undefined,
): Record<string, unknown> {
  if (name === undefined) return options;
  const timing = options.healthCheck as object | undefined;
  if (name === 'false' && timing === undefined) return { ...options, healthCheck: false };
  const known: [string, NamedStrategy][] = Object.entries(STRATEGIES);
  const possible = new Map(known.filter(([, { hasRequiredOption }]) => !hasRequiredOption));
  const strategy = possible.get(name)?.create();
  if (strategy !== undefined) return { ...options, healthCheck: { ...timing, strategy } };
  const names = [...possible.keys(), 'or false without other options of healthCheck'];
  throw invalid('healthCheck', `${names.join(', ')} in the ${TEXT}`, '***');
}

function typed(value: string, name: string, types: ReadonlySet<string>): unknown {
  const text = decoded(value, name);
  if (types.has('boolean') && (text === 'true' || text === 'false')) return text === 'true';
  // Some options accept a number or a word.
  if (types.has('string') && !(types.has('number') && /^[\d.]/.test(text))) return text;
  if (types.has('number')) return number(value, name);
  throw invalid(name, `true or false in the ${TEXT}`, '***');
}

function number(value: string | undefined, name: string): number {
  const text = decoded(value ?? '', name);
  if (/^\d+(\.\d+)?$/.test(text)) return Number(text);
  throw invalid(name, `a number in the ${TEXT}`, '***');
}

function decoded(text: string, at: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw wrong(`two hexadecimal digits after each % (${at}); the character itself is %25`);
  }
}

/** The known name that was probably meant. */
function suggestion(name: string): string {
  if (name === '' || name.length > LONGEST_NAME) return '';
  const [nearest] = [...PER_HOST, ...connectionParameters().keys()]
    .map((known) => ({ known, distance: distanceOf(name, known) }))
    .sort((one, other) => one.distance - other.distance);
  const isNear = nearest !== undefined && nearest.distance <= Math.max(2, name.length / 4);
  return isNear ? ` (did you mean ${nearest.known})` : '';
}

function wrong(expected: string): InvalidOptionError {
  return invalid(TEXT, expected, '***');
}
