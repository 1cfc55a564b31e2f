export { InvalidConfigError } from '../errors.js';
export {
  type ConfigFileOptions,
  type ConfigOptions,
  loadConfig,
  type ParseOptions,
  parseConfig,
} from './load.js';
