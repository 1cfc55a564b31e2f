/**
 * Converts the nodes of a file to option values: substitutes variables and files, and converts
 * texts to numbers.
 */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { InvalidConfigError } from '../errors.js';
import type { JsonSchema } from '../validation/rules.js';
import { type JsonNode, positionOf } from './json.js';
import { CLIENT_NOT_IN_A_FILE, NOT_IN_A_FILE } from './schema.js';
import { type Environment, substitute } from './variables.js';

export interface Source {
  /** The name of the file in messages. */
  readonly name: string;
  readonly text: string;
  readonly environment: Environment;
  /** The directory that file names are relative to. */
  readonly directory: string;
}

export class ConfigReader {
  /** What was wrong in the file; its options are left out. */
  readonly problems: InvalidConfigError[] = [];
  /** The node of each option, by its path. */
  readonly nodes = new Map<string, JsonNode>();
  /** Options whose value comes from a variable or another file. */
  readonly #veiled = new Map<string, string>();
  readonly #definitions: Readonly<Record<string, JsonSchema>>;

  constructor(
    private readonly source: Source,
    private readonly root: JsonSchema,
  ) {
    this.#definitions = root.$defs as Readonly<Record<string, JsonSchema>>;
  }

  read(node: JsonNode): unknown {
    return this.#value(node, '', this.root);
  }

  /** What `read` returns; a mistake becomes one of `problems`, so that all are found. */
  attempt<T>(read: () => T): T | undefined {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof InvalidConfigError)) throw error;
      this.problems.push(error);
      return undefined;
    }
  }

  /** Returns the error for an option; `at` may be below the paths in the file. */
  error(message: string, at: string, cause?: unknown): InvalidConfigError {
    const node = this.nodes.get(nearest(at, this.nodes)) as JsonNode;
    const place = { file: this.source.name, ...positionOf(this.source.text, node.at), option: at };
    return new InvalidConfigError(message, place, cause);
  }

  /**
   * The source of an option's value, for messages that must not show the value: the name of a
   * variable or file.
   */
  origin(at: string): string | undefined {
    return this.#veiled.get(nearest(at, this.#veiled));
  }

  #value(node: JsonNode, at: string, given: JsonSchema): unknown {
    this.nodes.set(at, node);
    const schema = this.#resolved(given);
    if (node.kind === 'array') {
      const items = this.#find(schema, (each) => each.items as JsonSchema | undefined) ?? {};
      return node.items.map((item, index) =>
        this.attempt(() => this.#value(item, `${at}[${index}]`, items)),
      );
    }
    if (node.kind === 'object') return this.#object(node, at, schema);
    if (typeof node.value !== 'string') return node.value;
    return this.#text(node.value, at, schema);
  }

  #object(node: JsonNode & { kind: 'object' }, at: string, schema: JsonSchema): unknown {
    if (this.#find(schema, (each) => each.required as string[] | undefined)?.[0] === 'file') {
      return this.#file(node, at);
    }
    const values: Record<string, unknown> = {};
    for (const [name, member] of node.members) {
      const below = at === '' ? name : `${at}.${name}`;
      if (at === '' && name === '$schema') continue;
      const before = this.problems.length;
      const value = this.attempt(() => {
        this.#rejectFunctions(member, name, below);
        return this.#value(member, below, this.#property(schema, name, node));
      });
      if (value === undefined && this.problems.length > before) continue;
      // Always an own property, even for the name `__proto__`.
      Object.defineProperty(values, name, { value, ...OWN });
    }
    return values;
  }

  #text(raw: string, at: string, schema: JsonSchema): unknown {
    const found = substitute(raw, this.source.environment);
    if ('malformed' in found) throw this.error(`expected ${found.malformed}`, at);
    if ('missing' in found) {
      const { missing } = found;
      const hint = `set it, or give a default: \${${missing}:-...}`;
      throw this.error(`${at}: the environment variable ${missing} is not set (${hint})`, at);
    }
    const { text, used } = found;
    if (used.length === 0) return text;
    this.#veiled.set(at, `the value of ${used.join(' and ')}`);
    return this.#converted(text, at, schema);
  }

  /** Converts the text of a variable where the schema requires a number or a flag. */
  #converted(text: string, at: string, schema: JsonSchema): unknown {
    const types = this.#types(schema);
    const isNumber = types.has('number') || types.has('integer');
    if (isNumber && text.trim() !== '' && Number.isFinite(Number(text))) return Number(text);
    if (types.has('boolean') && (text === 'true' || text === 'false')) return text === 'true';
    if (!isNumber && !types.has('boolean')) return text;
    const expected = isNumber ? 'a number' : 'true or false';
    throw this.error(`${at}: expected ${expected} in ${this.origin(at)}`, at);
  }

  #file(node: JsonNode & { kind: 'object' }, at: string): string {
    const named = node.members.get('file');
    if (node.members.size !== 1 || named?.kind !== 'value' || typeof named.value !== 'string') {
      throw this.error(`${at}: expected a string, or { "file": "path" }`, at);
    }
    const name = String(this.#text(named.value, `${at}.file`, {}));
    // A variable may contain a password instead of a path.
    const origin = this.#veiled.get(`${at}.file`);
    const shown = origin === undefined ? name : `the file that is ${origin}`;
    this.#veiled.set(at, `the content of ${shown}`);
    try {
      // Editors and `kubectl` end a file with a line break that is not part of a password.
      return readFileSync(path.resolve(this.source.directory, name), 'utf8').replace(/\r?\n$/, '');
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (origin === undefined) throw this.error(`${at}: ${message}`, at, error);
      throw this.error(`${at}: ${shown} can't be read (${code})`, at);
    }
  }

  #rejectFunctions(member: JsonNode, name: string, at: string): void {
    const option = at.replace(/\[\d+\]/g, '').replace(/^databases\.failure/, 'failure');
    const isClient = /(^|\.)(client|cluster|sentinel)\./.test(option);
    if (!NOT_IN_A_FILE.has(option) && !(isClient && CLIENT_NOT_IN_A_FILE.has(name))) return;
    this.nodes.set(at, member);
    const how = 'a file cannot contain functions or classes; add it to the result of loadConfig()';
    throw this.error(`${at}: ${how}`, at);
  }

  #property(schema: JsonSchema, name: string, node: JsonNode & { kind: 'object' }): JsonSchema {
    const strategy = node.members.get('strategy');
    const chosen = strategy?.kind === 'value' ? strategy.value : 'ping';
    const found = this.#find(schema, ({ properties }) => {
      const known = properties as Record<string, JsonSchema> | undefined;
      const fixed = known?.strategy?.const;
      if (known === undefined || (fixed !== undefined && fixed !== chosen)) return undefined;
      return Object.hasOwn(known, name) ? known[name] : undefined;
    });
    if (found !== undefined) return found;
    // The entry of a map with names of the user's choice.
    return (
      this.#find(schema, ({ additionalProperties }) =>
        typeof additionalProperties === 'object' ? (additionalProperties as JsonSchema) : undefined,
      ) ?? {}
    );
  }

  /** Returns the first result among the schema and its alternatives. */
  #find<T>(schema: JsonSchema, ask: (schema: JsonSchema) => T | undefined): T | undefined {
    const own = ask(schema);
    if (own !== undefined) return own;
    for (const each of (schema.anyOf ?? []) as JsonSchema[]) {
      const found = this.#find(this.#resolved(each), ask);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  #types(schema: JsonSchema): Set<unknown> {
    const types = new Set<unknown>();
    this.#find(schema, ({ type, enum: values, pattern }) => {
      if (type !== undefined && pattern === undefined) types.add(type);
      for (const value of (values ?? []) as unknown[]) types.add(typeof value);
      return undefined;
    });
    return types;
  }

  #resolved(schema: JsonSchema): JsonSchema {
    const { $ref, ...rest } = schema;
    if (typeof $ref !== 'string') return schema;
    return { ...this.#resolved(this.#definitions[$ref.slice('#/$defs/'.length)] ?? {}), ...rest };
  }
}

const OWN = { writable: true, enumerable: true, configurable: true } as const;

/** Returns `at`, or the closest known path above it. */
function nearest(at: string, known: ReadonlyMap<string, unknown>): string {
  let path = at;
  // Names may contain dots and brackets: every step must make the path shorter.
  while (path !== '' && !known.has(path)) {
    path = path.slice(0, Math.max(0, path.lastIndexOf('.'), path.lastIndexOf('[')));
  }
  return path;
}
