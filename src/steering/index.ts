export { type FileSteeringOptions, fileSteering } from './file.js';
export { type HttpSteeringOptions, httpSteering } from './http.js';
export {
  type FeatureFlagClient,
  type OpenFeatureSteeringOptions,
  openFeatureSteering,
} from './open-feature.js';
export { type RedisSteeringOptions, redisSteering } from './redis.js';
