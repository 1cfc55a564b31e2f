/** The parameters of a connection string, from the table of options. */
import type { JsonSchema } from '../validation/rules.js';
import { DEFAULTS } from './defaults.js';
import type { OptionEntry } from './option-entry.js';

type Type = 'string' | 'number' | 'boolean';

const TEXT: ReadonlySet<Type> = new Set<Type>(['string']);
const NUMBER: ReadonlySet<Type> = new Set<Type>(['number']);
const FLAG: ReadonlySet<Type> = new Set<Type>(['boolean']);

/** What may be given of the options of node-redis, and the choices that also take functions. */
const OTHERS: readonly (readonly [string, ReadonlySet<Type>])[] = [
  ['gracePeriodMs', NUMBER],
  ['gracePeriodMs.baseMs', NUMBER],
  ['gracePeriodMs.maxMs', NUMBER],
  ['healthCheck.policy', TEXT],
  ['selection', TEXT],
  ['initializationPolicy', TEXT],
  ['client.name', TEXT],
  ['client.RESP', NUMBER],
  ['client.keyPrefix', TEXT],
  ['client.clientInfoTag', TEXT],
  ['client.socket.connectTimeout', NUMBER],
  ['client.socket.servername', TEXT],
  ['client.socket.rejectUnauthorized', FLAG],
];

type Parameters = ReadonlyMap<string, ReadonlySet<Type>>;

/** Per copy: made for the first connection string. */
let made: Parameters | undefined;

/**
 * The options of the group that a connection string can give, with the types of their values: every
 * option that is a number, a flag or one of several words.
 */
export function connectionParameters(): Parameters {
  made ??= new Map([
    ...Object.entries(DEFAULTS as Readonly<Record<string, OptionEntry<unknown>>>).flatMap(
      ([name, { rule }]): [string, ReadonlySet<Type>][] => {
        const types = typesOf(rule.schema ?? {});
        return types.size === 0 || name.startsWith('databases[]') ? [] : [[name, types]];
      },
    ),
    ...OTHERS,
  ]);
  return made;
}

function typesOf(schema: JsonSchema): Set<Type> {
  const types = new Set<Type>();
  for (const each of [schema, ...((schema.anyOf ?? []) as JsonSchema[])]) {
    if (each.type === 'number' || each.type === 'integer') types.add('number');
    if (each.type === 'boolean') types.add('boolean');
    if (each.type === 'string' || each.enum !== undefined) types.add('string');
  }
  return types;
}
