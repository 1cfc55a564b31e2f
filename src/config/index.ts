/**
 * Options of the client from a JSON file or a connection string.
 *
 * @module
 */

export { InvalidConfigError } from '../errors.js';
export {
  type ConfigFileOptions,
  type ConfigOptions,
  loadConfig,
  type ParseOptions,
  parseConfig,
} from './load.js';
