/** The steering key in each database of a target. */
import type { MultiDbClient } from '../../client/node-redis/client-type.js';
import { createMultiDbClient } from '../../client/node-redis/create-client.js';
import { InitializationFailedError } from '../../errors.js';
import { foreignReason } from '../../foreign/foreign-error.js';
import type { SteeringDatabase } from '../../options/steering.js';
import { type Found, RedisSteering } from '../../steering/redis.js';
import { UsageError } from '../exit.js';
import type { Target } from '../target.js';
import type { KeyOptions } from './options.js';

/** The source of the options, or that of the config file. */
export function sourceOf({ resolved }: Target, { key, secret }: KeyOptions): RedisSteering {
  const configured = resolved.steering.find((each) => each instanceof RedisSteering);
  if (key === undefined && secret === undefined && configured !== undefined) return configured;
  const name = key ?? configured?.key;
  if (name === undefined) {
    throw new UsageError('Name the key: --key, or steering in the config file.');
  }
  if (secret === undefined) {
    if (configured?.key === name) return configured;
    return new RedisSteering({ key: name });
  }
  const variable = /^env:([A-Za-z_]\w*)$/.exec(secret)?.[1];
  const value = variable === undefined ? undefined : process.env[variable];
  if (variable === undefined) throw new UsageError('Expected --secret env:NAME.');
  if (!value) throw new UsageError(`The environment variable ${variable} is not set.`);
  return new RedisSteering({ key: name, secret: value });
}

/** Reads the key in every database, at the same time. Never rejects. */
export function readAll(
  target: Target,
  source: RedisSteering,
  options: KeyOptions,
): Promise<Found[]> {
  return everywhere(target, options, (database) => source.read(database));
}

/** Writes a document to every database that can be reached. Never rejects. */
export function writeAll(
  target: Target,
  source: RedisSteering,
  document: string,
  options: KeyOptions,
): Promise<Found[]> {
  return everywhere(target, options, (database) => source.write(database, document));
}

function everywhere(
  { options, resolved }: Target,
  { timeout }: KeyOptions,
  act: (database: SteeringDatabase) => Promise<Found>,
): Promise<Found[]> {
  const given = options.databases as readonly object[];
  return Promise.all(
    resolved.databases.map(async ({ id }, index): Promise<Found> => {
      // A client of this database alone: it connects as the application does.
      const client = createMultiDbClient({
        ...(options.client === undefined ? {} : { client: options.client }),
        databases: [given[index]],
        healthCheck: { intervalMs: 60_000, timeoutMs: timeout, numProbes: 1 },
        commandTimeoutMs: timeout,
        commandDeadlineMs: timeout,
        commandRetry: { maxAttempts: 1 },
        standbyConnections: 'warm',
      } as never) as MultiDbClient;
      client.on('error', () => {});
      try {
        await client.connect();
        return await act({ id, sendCommand: (args) => client.sendCommand([...args]) });
      } catch (error) {
        const [failure] = error instanceof InitializationFailedError ? error.failures : [];
        return { id, error: failure?.reason ?? foreignReason(error) };
      } finally {
        client.destroy();
      }
    }),
  );
}
