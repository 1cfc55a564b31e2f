import type { StrategyName } from '../options/strategies.js';
import { type JsonSchema, MAX_TIMER_MS } from '../validation/rules.js';

const ms = { type: 'number', minimum: 1, maximum: MAX_TIMER_MS };
const msOrNone = { ...ms, minimum: 0 };
const text = { type: 'string' };
const filledText = { type: 'string', minLength: 1 };
const flag = { type: 'boolean' };
const role = { enum: ['gate', 'full'] };
/** A text, or a file that contains it. */
const secret = { $ref: '#/$defs/textOrFile' };

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
    tls: {
      type: 'object',
      properties: {
        ca: secret,
        cert: secret,
        key: secret,
        passphrase: secret,
        servername: filledText,
        rejectUnauthorized: flag,
      },
      additionalProperties: false,
    },
  },
  latency: {
    slowAboveMs: ms,
    fastBelowMs: ms,
    percentile: { type: 'number', minimum: 0, maximum: 100 },
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
