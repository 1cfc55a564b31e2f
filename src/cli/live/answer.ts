/**
 * Replies of a handler, which may be anything: they are bounded, cleaned and checked before use.
 */
import { foreignText } from '../../foreign/foreign-text.js';
import { STATUS_SCHEMA } from '../../http/schema.js';
import type { Status } from '../../http/status.js';

/** The longest body of an answer that is read, in bytes after decompression. */
export const LONGEST_BODY = 4 * 1024 * 1024;

/** The longest text in a document: `explanation` has many lines. */
const LONGEST_FIELD = 20_000;

/** Reads the body. Resolves to undefined if it is longer than `maxBytes`; the rest is not read. */
export async function readText(
  response: Response,
  maxBytes = LONGEST_BODY,
): Promise<string | undefined> {
  if (response.body === null) return '';
  const decoder = new TextDecoder();
  let bytes = 0;
  let text = '';
  for await (const chunk of response.body) {
    bytes += chunk.byteLength;
    // Leaving the loop cancels the body.
    if (bytes > maxBytes) return undefined;
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

/** Returns the JSON document in `text`, cleaned; undefined if it is invalid. */
export function parseDocument(text: string | undefined): unknown {
  try {
    return cleanDocument(JSON.parse(text ?? ''));
  } catch {
    return undefined;
  }
}

/** `value` with every text in it cleaned, and without secrets of the command line. Lines stay lines
 * only in the field `explanation`. */
export function cleanDocument(value: unknown, name?: string): unknown {
  if (typeof value === 'string') {
    if (name !== 'explanation') return foreignText(value, LONGEST_FIELD);
    const lines = value.slice(0, LONGEST_FIELD).split('\n');
    return lines.map((line) => foreignText(line)).join('\n');
  }
  if (Array.isArray(value)) return value.map((each) => cleanDocument(each));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, each]) => [
    foreignText(key),
    cleanDocument(each, key),
  ]);
  return Object.fromEntries(entries);
}

/** Returns `value` as the status of a handler; undefined if it is none. */
export function asStatus(value: unknown): Status | undefined {
  return conforms(STATUS_SCHEMA as Schema, value) ? (value as Status) : undefined;
}

interface Schema {
  readonly type?: string | readonly string[];
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly items?: Schema;
}

/**
 * Whether `value` has the types that the schema requires. A newer handler may have more fields and
 * more names in an enumeration, so these are not compared.
 */
function conforms(schema: Schema, value: unknown): boolean {
  if (schema.const !== undefined) return value === schema.const;
  if (schema.enum !== undefined) return typeof value === 'string';
  const types = [schema.type].flat().map((type) => (type === 'integer' ? 'number' : type));
  if (!types.includes(typeOf(value))) return false;
  if (Array.isArray(value)) {
    const { items } = schema;
    return items === undefined || value.every((each) => conforms(items, each));
  }
  if (typeof value !== 'object' || value === null) return true;
  const values = new Map(Object.entries(value));
  return (schema.required ?? []).every((name) => {
    const property = schema.properties?.[name];
    return values.has(name) && (property === undefined || conforms(property, values.get(name)));
  });
}

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return typeof value;
}
