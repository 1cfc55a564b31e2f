/** Health check strategies by their name in a config file. */
import { ConnectedStrategy } from '../health-strategies/connected.js';
import { EchoStrategy } from '../health-strategies/echo.js';
import { LagAwareStrategy } from '../health-strategies/lag-aware.js';
import { LatencyStrategy } from '../health-strategies/latency.js';
import { PingStrategy } from '../health-strategies/ping.js';
import { ReplicationStrategy } from '../health-strategies/replication.js';
import type { HealthCheckStrategy } from '../health-strategies/strategy.js';
import { WriteReadStrategy } from '../health-strategies/write-read.js';
import type { JsonSchema } from '../validation/rules.js';

interface NamedStrategy {
  /** Creates the strategy. Throws `InvalidOptionError` for an invalid option. */
  create(options: object): HealthCheckStrategy;
  /** The schema of the strategy's options. */
  readonly properties: Readonly<Record<string, JsonSchema>>;
}

const ms = { type: 'number', minimum: 1, maximum: 2 ** 31 - 1 };
const msOrNone = { ...ms, minimum: 0 };
const text = { type: 'string' };
const filledText = { type: 'string', minLength: 1 };
const flag = { type: 'boolean' };
const role = { enum: ['gate', 'full'] };
/** A text, or a file that contains it. */
const secret = { $ref: '#/$defs/textOrFile' };

export const STRATEGIES: Readonly<Record<string, NamedStrategy>> = {
  ping: { create: () => new PingStrategy(), properties: {} },
  echo: { create: () => new EchoStrategy(), properties: {} },
  connected: {
    create: (options) => new ConnectedStrategy(options),
    properties: { waitMs: msOrNone },
  },
  'write-read': {
    create: (options) => new WriteReadStrategy(options),
    properties: { keyPrefix: text, expiryMs: ms },
  },
  'lag-aware': {
    create: (options) => new LagAwareStrategy(options),
    properties: {
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
  },
  latency: {
    create: (options) => new LatencyStrategy(options),
    properties: {
      slowAboveMs: ms,
      fastBelowMs: ms,
      percentile: { type: 'number', minimum: 0, maximum: 100 },
      windowSize: { type: 'integer', minimum: 1 },
      minProbes: { type: 'integer', minimum: 1 },
      role,
    },
  },
  replication: {
    create: (options) => new ReplicationStrategy(options),
    properties: {
      toleranceMs: ms,
      direction: { enum: ['both', 'in', 'out'] },
      peers: { type: 'array', items: filledText, minItems: 1 },
      channelPrefix: text,
      role,
    },
  },
};
