import { anyObject, invalid, type Values } from '../../validation/check.js';
import type { IoredisOptions } from './library.js';

/** Options of a node-redis client that replies of ioredis commands cannot have. */
const REFUSED = ['modules', 'functions', 'scripts', 'clientSideCache', 'emitInvalidate'];

/**
 * The options of ioredis for what the top-level `client` of a config file says about the client
 * itself: `keyPrefix`, and `timeout` of `commandOptions`. `RESP` has no meaning here, because the
 * form of replies is that of ioredis. Throws `InvalidOptionError` for what only node-redis has.
 */
export function optionsOfClient(client: unknown): IoredisOptions {
  if (client === undefined) return {};
  const given = anyObject(client, 'client');
  const refused = REFUSED.find((name) => given[name] !== undefined);
  if (refused !== undefined) {
    const expected = 'absent, because the API of ioredis does not have it';
    throw invalid(`client.${refused}`, expected, given[refused]);
  }
  const { keyPrefix, commandOptions } = given;
  const { timeout: commandTimeout } = (commandOptions ?? {}) as Values;
  return {
    ...(keyPrefix === undefined ? {} : { keyPrefix }),
    ...(commandTimeout === undefined ? {} : { commandTimeout }),
  };
}
