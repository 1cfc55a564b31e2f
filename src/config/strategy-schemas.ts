import type { StrategyName } from '../options/strategies.js';
import type { JsonSchema } from '../validation/rules.js';
import { filledText, flag, ms, msOrNone, restTls, secret } from './schema-parts.js';

const text = { type: 'string' };
const role = { enum: ['gate', 'full'] };

/** The schema of the options of each built-in health check strategy in a config file. */
export const STRATEGY_SCHEMAS: Readonly<
  Record<StrategyName, Readonly<Record<string, JsonSchema>>>
> = {
  ping: {},
  echo: {},
  connected: { waitMs: msOrNone },
  'write-read': { keyPrefix: text, expiryMs: ms },
  'lag-aware': {
    restUrl: filledText,
    credentials: {
      type: 'object',
      properties: { username: secret, password: secret },
      required: ['username', 'password'],
      additionalProperties: false,
    },
    databaseId: { type: 'integer', minimum: 1 },
    extendedCheckEnabled: flag,
    availabilityLagToleranceMs: msOrNone,
    role,
    tls: restTls,
  },
  latency: {
    slowAboveMs: ms,
    fastBelowMs: ms,
    percentile: { type: 'number', minimum: 1, maximum: 100 },
    windowSize: { type: 'integer', minimum: 1 },
    minProbes: { type: 'integer', minimum: 1 },
    role,
  },
  replication: {
    toleranceMs: ms,
    direction: { enum: ['both', 'in', 'out'] },
    peers: { type: 'array', items: filledText, minItems: 1 },
    channelPrefix: text,
    role,
  },
};
