/**
 * The client with the API of ioredis and iovalkey.
 *
 * @module
 */

export { createMultiDbRedis } from '../client/ioredis/create-redis.js';
export type {
  MultiDbRedis,
  MultiDbRedisDatabase,
  MultiDbRedisMembers,
  MultiDbRedisOptions,
  RedisClusterDatabaseOptions,
  RedisDatabaseOptions,
  RedisLike,
  RedisTransactionResult,
} from '../client/ioredis/types.js';
export type { TransactionOptions } from '../client/transaction-call.js';
