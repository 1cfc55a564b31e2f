import type { Attributes } from '@opentelemetry/api';
import { ATTRIBUTES, type Label } from '../metrics/catalogue.js';
import type { ObservedCall } from '../metrics/observed-calls.js';

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

/** Where a call goes, or went, by the semantic conventions for Redis. */
export function serverAttributes({ server, report }: ObservedCall): Attributes {
  const { address, port, database } = server;
  const attributes: Attributes = {};
  if (address !== undefined) attributes['server.address'] = address;
  if (port !== undefined) attributes['server.port'] = port;
  if (database !== undefined) attributes['db.namespace'] = String(database);
  if (report.databaseId !== undefined) attributes[ATTRIBUTES.database] = report.databaseId;
  return attributes;
}

/** How a call failed; nothing if it succeeded. Error texts are left out: they can hold arguments. */
export function failureAttributes({ failure }: ObservedCall): Attributes {
  if (failure === undefined) return {};
  const { type, statusCode } = failure;
  const attributes: Attributes = { 'error.type': type };
  if (statusCode !== undefined) attributes['db.response.status_code'] = statusCode;
  return attributes;
}
