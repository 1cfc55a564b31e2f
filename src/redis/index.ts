/**
 * `createMultiDbClient` for users of the package `redis`: the client has its modules (`json`, `ft`, `ts`,
 * `bf` and others), as the clients of `redis` have them.
 *
 * @module
 */
import type {
  RedisFunctions,
  RedisModules,
  RedisScripts,
  RespVersions,
  TypeMapping,
} from '@redis/client';
import { createClient, type RedisDefaultModules } from 'redis';
import type {
  DefaultRespVersion,
  MultiDbClient as MultiDbClientOf,
  MultiDbClientOptions,
} from '../client/node-redis/client-type.js';
import { createMultiDbClient as create } from '../client/node-redis/create-client.js';
import { unregisterClient } from '../drivers/node-redis/library-internals.js';
import { parseConnectionString } from '../options/connection-string.js';
import type { Values } from '../validation/check.js';

/** No modules, functions or scripts beside those of `redis`. */
type None = Record<never, never>;

/**
 * A client of `createMultiDbClient` of `redis-multidb/redis`. It is assignable to the
 * `RedisClientType` of the package `redis`.
 */
export type MultiDbClient<
  M extends RedisModules = None,
  F extends RedisFunctions = None,
  S extends RedisScripts = None,
  RESP extends RespVersions = DefaultRespVersion,
  TM extends TypeMapping = None,
> = MultiDbClientOf<RedisDefaultModules & M, F, S, RESP, TM>;

/**
 * A client of several Redis databases with the modules of `redis`. `client.modules` adds others, or
 * replaces one of the same name. `options` can be a connection string.
 *
 * Opens nothing before `connect()`. Throws `InvalidOptionError`.
 */
export function createMultiDbClient<
  M extends RedisModules = None,
  F extends RedisFunctions = None,
  S extends RedisScripts = None,
  RESP extends RespVersions = DefaultRespVersion,
  TM extends TypeMapping = None,
>(options: MultiDbClientOptions<M, F, S, RESP, TM> | string): MultiDbClient<M, F, S, RESP, TM> {
  const plain = typeof options === 'string' ? parseConnectionString(options) : options;
  return create(withModules(plain) as MultiDbClientOptions) as unknown as MultiDbClient<
    M,
    F,
    S,
    RESP,
    TM
  >;
}

/** `options` with the modules. What is no object is returned, for the validation to reject. */
function withModules(options: unknown): unknown {
  if (!isObject(options)) return options;
  const { client = {} } = options;
  if (!isObject(client)) return options;
  const { modules: own } = client;
  if (own !== undefined && !isObject(own)) return options;
  return { ...options, client: { ...client, modules: { ...redisModules(), ...own } } };
}

function isObject(value: unknown): value is Values {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The modules that `redis` adds to its clients, taken from one, because it does not export them. */
function redisModules(): RedisModules {
  const client = createClient();
  // Version 5 keeps the clients that it has created in the registry of its metrics.
  unregisterClient(client);
  return (client.options?.modules ?? {}) as RedisModules;
}
