import {
  namesIn,
  nearestName,
  type Section,
  suggestion,
  unknownName,
} from '../../options/check.js';
import type { Values } from '../../validation/check.js';
import { CONNECTION_OPTIONS } from './connection-options.js';
import { IOREDIS_OPTIONS, OF_OTHER_LIBRARIES } from './option-names.js';

/** Options of `createMultiDbRedis` that the engine does not have. */
const OF_THE_API: Readonly<Record<'' | 'databases[]', readonly string[]>> = {
  '': ['Redis', 'redis'],
  'databases[]': ['redis', 'cluster', 'clusterOptions'],
};

/** By the place where a name was found, where it belongs. */
const ELSEWHERE: Readonly<Record<'' | 'databases[]', Readonly<Record<string, string>>>> = {
  '': {
    Cluster: 'databases[].cluster',
    cluster: 'databases[].cluster',
    nodes: 'databases[].cluster',
    clusterOptions: 'databases[].clusterOptions',
    redisOptions: 'redis, or databases[].clusterOptions.redisOptions',
    url: 'databases[].redis',
    uri: 'databases[].redis',
  },
  'databases[]': {
    name: 'id, or redis.name of a master behind Sentinel',
    nodes: 'cluster',
    natMap: 'redis.natMap or clusterOptions.natMap',
    redisOptions: 'redis, or clusterOptions.redisOptions',
    url: 'redis',
    uri: 'redis',
  },
};

/**
 * Throws `InvalidOptionError` for a name that is no option of `createMultiDbRedis`, at the root or in a
 * database, and says where an option of ioredis belongs.
 */
export function checkPlaces(given: Values, section: '' | 'databases[]', at: string): void {
  const known = [...new Set([...OF_THE_API[section], ...namesIn(section)])];
  for (const [name, value] of Object.entries(given)) {
    if (known.includes(name)) continue;
    throw unknownName(at, name, meantBy(name, value, section, known), known);
  }
}

function meantBy(
  name: string,
  value: unknown,
  section: Section & ('' | 'databases[]'),
  known: readonly string[],
): string | undefined {
  if (section === '' && name === 'database' && Array.isArray(value)) return 'databases';
  const elsewhere = ELSEWHERE[section];
  if (Object.hasOwn(elsewhere, name)) return elsewhere[name];
  const foreign = OF_OTHER_LIBRARIES.get(name);
  if (foreign?.meant.includes(' ')) return `redis with ${foreign.meant}`;
  const option = foreign?.meant ?? name;
  if (IOREDIS_OPTIONS.includes(option)) return placeOf(option, section);
  const ofEngine = suggestion(name, value, section, known);
  if (ofEngine !== undefined) return ofEngine;
  const similar = nearestName(name, IOREDIS_OPTIONS);
  return similar === undefined ? undefined : placeOf(similar, section);
}

function placeOf(option: string, section: '' | 'databases[]'): string {
  const isOfDatabase = section === '' && CONNECTION_OPTIONS.has(option);
  return isOfDatabase ? `redis.${option} or databases[].redis.${option}` : `redis.${option}`;
}
