/** Steering sources by their name in a config file. */
import type { SteeringSource } from '../options/steering.js';
import { fileSteering } from '../steering/file.js';
import { httpSteering } from '../steering/http.js';
import { redisSteering } from '../steering/redis.js';
import type { JsonSchema } from '../validation/rules.js';
import { filledText, ms, msOrNone, restTls, secret } from './schema-parts.js';

interface NamedSource {
  /** Creates the source. Throws `InvalidOptionError` for an invalid option. */
  create(options: never): SteeringSource;
  readonly required: string;
  /** The schema of the options. */
  readonly properties: Readonly<Record<string, JsonSchema>>;
}

export const STEERING_SOURCES: Readonly<Record<string, NamedSource>> = {
  redis: {
    create: redisSteering,
    required: 'key',
    properties: { key: filledText, secret, intervalMs: ms, name: filledText },
  },
  file: {
    create: ({ path, ...options }: { path: string }) => fileSteering(path, options),
    required: 'path',
    properties: { path: filledText, intervalMs: ms, name: filledText },
  },
  http: {
    create: ({ url, ...options }: { url: string }) => httpSteering(url, options),
    required: 'url',
    properties: {
      url: filledText,
      credentials: {
        type: 'object',
        properties: { username: secret, password: secret, token: secret },
        additionalProperties: false,
      },
      tls: restTls,
      intervalMs: ms,
      timeoutMs: ms,
      waitMs: msOrNone,
      name: filledText,
    },
  },
};
