import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { RespVersions } from '@redis/client';
import type { DefaultRespVersion, MultiDbClientOptions } from '../client/node-redis/client-type.js';
import { InvalidConfigError, InvalidOptionError } from '../errors.js';
import { isConnectionString, parseConnectionString } from '../options/connection-string.js';
import { isStrategyName, STRATEGIES } from '../options/strategies.js';
import { JsonError, type JsonNode, parseJson, positionOf } from './json.js';
import { optionErrors } from './option-errors.js';
import { ConfigReader, type Source } from './read.js';
import { configSchema } from './schema.js';
import { STEERING_SOURCES } from './steering.js';
import { STRATEGY_SCHEMAS } from './strategy-schemas.js';
import type { Environment } from './variables.js';

/** No modules, functions or scripts: a file can't contain them. */
type None = Record<never, never>;

/** Options of `createMultiDbClient`, without modules, scripts and functions. */
export type ConfigFileOptions<RESP extends RespVersions = DefaultRespVersion> =
  MultiDbClientOptions<None, None, None, RESP, None>;

/** Options of `loadConfig()`. */
export interface ConfigOptions {
  /** Where variables are looked up. Default: `process.env`. */
  readonly env?: Environment;
}

/** Options of `parseConfig()`. */
export interface ParseOptions extends ConfigOptions {
  /** What errors call the text. Default: `config`. */
  readonly name?: string;
  /** Files named in it are relative to this directory. Default: the working directory. */
  readonly directory?: string;
}

/**
 * Reads a config file (JSON; `config.schema.json` of the package says what it may hold) and
 * returns options for `createMultiDbClient`, validated as by that. Variables (`${NAME}`,
 * `${NAME:-default}`) are put in. A connection string in place of the path is parsed.
 *
 * Rejects with `InvalidConfigError`, which names file, line, column and option, and shows no
 * secret. Nothing is connected to; the file is read once.
 */
export async function loadConfig<RESP extends RespVersions = DefaultRespVersion>(
  file: string,
  options: ConfigOptions = {},
): Promise<ConfigFileOptions<RESP>> {
  if (isConnectionString(file)) return fromConnectionString<RESP>(file);
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const what = code === 'ENOENT' ? 'there is no such file' : message;
    throw new InvalidConfigError(what, { file }, error);
  }
  const directory = path.dirname(path.resolve(file));
  return parseConfig<RESP>(text, { ...options, name: file, directory });
}

function fromConnectionString<RESP extends RespVersions>(text: string): ConfigFileOptions<RESP> {
  try {
    return parseConnectionString(text) as unknown as ConfigFileOptions<RESP>;
  } catch (error) {
    if (!(error instanceof InvalidOptionError)) throw error;
    const { message, option } = error;
    throw new InvalidConfigError(message, { file: 'connection string', option }, error);
  }
}

/** As `loadConfig`, for a text from elsewhere. Throws `InvalidConfigError`. */
export function parseConfig<RESP extends RespVersions = DefaultRespVersion>(
  text: string,
  { env = process.env, name = 'config', directory = process.cwd() }: ParseOptions = {},
): ConfigFileOptions<RESP> {
  const source: Source = { name, text, environment: env, directory };
  const reader = new ConfigReader(source, configSchema());
  const values = reader.read(parsed(source)) as Record<string, unknown>;
  if (typeof values !== 'object' || values === null || Array.isArray(values)) {
    throw reader.error('expected an object with options', '');
  }
  withStrategies(values, reader);
  withSources(values, reader);
  validate(values, reader);
  const [first, ...others] = inOrder(reader.problems);
  if (first !== undefined) throw others.length === 0 ? first : first.withOthers(others);
  return values as unknown as ConfigFileOptions<RESP>;
}

function parsed({ text, name }: Source): JsonNode {
  try {
    return parseJson(text);
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    const place = { file: name, ...positionOf(text, error.at) };
    throw new InvalidConfigError(`not valid JSON: ${error.message}`, place);
  }
}

/** Validates like `createMultiDbClient`, but adds the position in the file to each error. */
function validate(values: unknown, reader: ConfigReader): void {
  const reported = reader.problems.flatMap(({ option }) => option ?? []);
  for (const error of optionErrors(values, reported)) {
    reader.problems.push(placed(error, error.option, reader));
  }
}

/** By their place in the file. */
function inOrder(problems: readonly InvalidConfigError[]): InvalidConfigError[] {
  const place = ({ line = 0, column = 0 }: InvalidConfigError) => line * 1e6 + column;
  return [...problems].sort((one, other) => place(one) - place(other));
}

/** `below`: where the path in the message begins. */
function placed(
  error: InvalidOptionError,
  at: string,
  reader: ConfigReader,
  below = '',
): InvalidConfigError {
  const origin = reader.origin(at);
  const message = `${below}${error.message}`;
  if (origin === undefined) return reader.error(message, at, error);
  // Has no cause, because its message and `received` contain the value of the variable.
  return reader.error(message.replace(/, received [\s\S]*$/, `, received ${origin}`), at);
}

const TIMING = ['intervalMs', 'timeoutMs', 'numProbes', 'delayInBetweenProbesMs', 'policy'];

/** Inserts the strategies that the file names. */
function withStrategies(values: Record<string, unknown>, reader: ConfigReader): void {
  const places: [Record<string, unknown>, string][] = [[values, 'healthCheck']];
  if (Array.isArray(values.databases)) {
    for (const [index, database] of values.databases.entries()) {
      if (typeof database !== 'object' || database === null) continue;
      places.push([database as Record<string, unknown>, `databases[${index}].healthCheck`]);
    }
  }
  for (const [holder, at] of places) {
    const given = holder.healthCheck;
    if (given === undefined || given === false) continue;
    const before = reader.problems.length;
    const one = (each: unknown, place: string) =>
      reader.attempt(() => healthCheck(each, place, reader));
    const made = Array.isArray(given)
      ? given.map((each, index) => one(each, `${at}[${index}]`))
      : one(given, at);
    holder.healthCheck = reader.problems.length > before ? undefined : made;
  }
}

/** Inserts the steering sources that the file names. */
function withSources(values: Record<string, unknown>, reader: ConfigReader): void {
  const { steering } = values;
  if (steering === undefined) return;
  const before = reader.problems.length;
  const one = (each: unknown, at: string) => reader.attempt(() => steeringSource(each, at, reader));
  const made = Array.isArray(steering)
    ? steering.map((each, index) => one(each, `steering[${index}]`))
    : one(steering, 'steering');
  values.steering = reader.problems.length > before ? undefined : made;
}

function steeringSource(given: unknown, at: string, reader: ConfigReader): unknown {
  const { source, ...options } = (given ?? {}) as Record<string, unknown>;
  const isKnown = typeof source === 'string' && Object.hasOwn(STEERING_SOURCES, source);
  const found = isKnown ? STEERING_SOURCES[source] : undefined;
  if (found === undefined) {
    const names = Object.keys(STEERING_SOURCES).join(', ');
    throw reader.error(`${at}: expected an object whose source is one of ${names}`, at);
  }
  const unknown = Object.keys(options).find((each) => !Object.hasOwn(found.properties, each));
  if (unknown !== undefined) {
    const names = Object.keys(found.properties).join(', ');
    const place = `${at}.${unknown}`;
    throw reader.error(`${place}: ${source} has no such option (known: ${names})`, place);
  }
  try {
    return found.create(options as never);
  } catch (error) {
    if (!(error instanceof InvalidOptionError)) throw error;
    throw placed(error, `${at}.${error.option}`, reader, `${at}.`);
  }
}

function healthCheck(given: unknown, at: string, reader: ConfigReader): unknown {
  if (typeof given === 'string') return { strategy: strategy(given, {}, at, at, reader) };
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw reader.error(`${at}: expected false, the name of a strategy, or an object`, at);
  }
  const { strategy: name = 'ping', ...others } = given as Record<string, unknown>;
  const entries = Object.entries(others);
  const timing = entries.filter(([each]) => TIMING.includes(each));
  const own = Object.fromEntries(entries.filter(([each]) => !TIMING.includes(each)));
  const made = strategy(name, own, at, `${at}.strategy`, reader);
  return { strategy: made, ...Object.fromEntries(timing) };
}

function strategy(
  name: unknown,
  options: Record<string, unknown>,
  at: string,
  nameAt: string,
  reader: ConfigReader,
): unknown {
  if (!isStrategyName(name)) {
    const names = Object.keys(STRATEGIES).join(', ');
    throw reader.error(`${nameAt}: expected one of ${names}`, nameAt);
  }
  const properties = STRATEGY_SCHEMAS[name];
  const unknown = Object.keys(options).find((each) => !Object.hasOwn(properties, each));
  if (unknown !== undefined) {
    const names = [...TIMING, ...Object.keys(properties)].join(', ');
    throw reader.error(
      `${at}.${unknown}: ${name} has no such option (known: ${names})`,
      `${at}.${unknown}`,
    );
  }
  try {
    return STRATEGIES[name].create(options);
  } catch (error) {
    if (!(error instanceof InvalidOptionError)) throw error;
    throw placed(error, error.option.replace(/^\w+/, at), reader);
  }
}
