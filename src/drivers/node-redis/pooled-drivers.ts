/** The drivers that share a pool of connections, loaded together. */
export { NodeRedisPoolDriver } from './pool-driver.js';
export { NodeRedisSentinelDriver } from './sentinel/sentinel-driver.js';
