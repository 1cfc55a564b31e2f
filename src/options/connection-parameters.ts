/** The parameters of a connection string, from the table of options. */
import { ConnectedStrategy } from '../health-strategies/connected.js';
import { EchoStrategy } from '../health-strategies/echo.js';
import { PingStrategy } from '../health-strategies/ping.js';
import { ReplicationStrategy } from '../health-strategies/replication.js';
import type { HealthCheckStrategy } from '../health-strategies/strategy.js';
import { WriteReadStrategy } from '../health-strategies/write-read.js';
import type { JsonSchema } from '../validation/rules.js';
import { DEFAULTS } from './defaults.js';
import type { OptionEntry } from './option-entry.js';

type Type = 'string' | 'number' | 'boolean';

const TEXT: ReadonlySet<Type> = new Set<Type>(['string']);
const NUMBER: ReadonlySet<Type> = new Set<Type>(['number']);
const FLAG: ReadonlySet<Type> = new Set<Type>(['boolean']);

/** Health checks by their names, as in a config file; those without required options. */
export const STRATEGIES: Readonly<Record<string, () => HealthCheckStrategy>> = {
  ping: () => new PingStrategy(),
  echo: () => new EchoStrategy(),
  connected: () => new ConnectedStrategy(),
  'write-read': () => new WriteReadStrategy(),
  replication: () => new ReplicationStrategy(),
};

/** What may be given of the options of node-redis, and the choices that also take functions. */
const OTHERS: readonly (readonly [string, ReadonlySet<Type>])[] = [
  ['gracePeriodMs', NUMBER],
  ['gracePeriodMs.baseMs', NUMBER],
  ['gracePeriodMs.maxMs', NUMBER],
  ['healthCheck.policy', TEXT],
  ['initializationPolicy', TEXT],
  ['client.name', TEXT],
  ['client.RESP', NUMBER],
  ['client.keyPrefix', TEXT],
  ['client.clientInfoTag', TEXT],
  ['client.socket.connectTimeout', NUMBER],
  ['client.socket.servername', TEXT],
  ['client.socket.rejectUnauthorized', FLAG],
];

/**
 * The options of the group that a connection string can give, with the types of their values: every
 * option that is a number, a flag or one of several words.
 */
export const PARAMETERS: ReadonlyMap<string, ReadonlySet<Type>> = new Map([
  ...Object.entries(DEFAULTS as Readonly<Record<string, OptionEntry<unknown>>>).flatMap(
    ([name, { rule }]): [string, ReadonlySet<Type>][] => {
      const types = typesOf(rule.schema ?? {});
      return types.size === 0 || name.startsWith('databases[]') ? [] : [[name, types]];
    },
  ),
  ...OTHERS,
]);

function typesOf(schema: JsonSchema): Set<Type> {
  const types = new Set<Type>();
  for (const each of [schema, ...((schema.anyOf ?? []) as JsonSchema[])]) {
    if (each.type === 'number' || each.type === 'integer') types.add('number');
    if (each.type === 'boolean') types.add('boolean');
    if (each.type === 'string' || each.enum !== undefined) types.add('string');
  }
  return types;
}
