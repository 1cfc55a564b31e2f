import type { Attributes } from '@opentelemetry/api';
import type { CallFailure } from '../metrics/call-failure.js';
import { ATTRIBUTES, type Label } from '../metrics/metric.js';

/** What every span and every series has. */
export const COMMON: Attributes = Object.freeze({
  'db.system.name': 'redis',
  'redis.client.library': 'redis-multidb',
});

/** Attributes of a series of the catalogue. */
export function attributesOf(
  labels: Readonly<Partial<Record<Label | 'client', string>>>,
): Attributes {
  const attributes: Attributes = { ...COMMON };
  for (const [label, value] of Object.entries(labels)) {
    attributes[ATTRIBUTES[label as Label | 'client']] = value;
  }
  return attributes;
}

/** Where a call goes, or went. */
export interface CallTarget {
  /** Id of the database. */
  readonly id: string | undefined;
  readonly serverAddress: string | undefined;
  readonly serverPort: number | undefined;
  /** Index of the Redis database. */
  readonly database: number | undefined;
}

/** Where a call goes, or went, by the semantic conventions for Redis. */
export function serverAttributes(target: CallTarget): Attributes {
  const { id, serverAddress, serverPort, database } = target;
  const attributes: Attributes = {};
  if (serverAddress !== undefined) attributes['server.address'] = serverAddress;
  if (serverPort !== undefined) attributes['server.port'] = serverPort;
  if (database !== undefined) attributes['db.namespace'] = String(database);
  if (id !== undefined) attributes[ATTRIBUTES.database] = id;
  return attributes;
}

/** How a call failed; nothing if it succeeded. Error texts are left out: they can hold arguments. */
export function failureAttributes(failure: CallFailure | undefined): Attributes {
  if (failure === undefined) return {};
  const { type, statusCode } = failure;
  const attributes: Attributes = { 'error.type': type };
  if (statusCode !== undefined) attributes['db.response.status_code'] = statusCode;
  return attributes;
}
