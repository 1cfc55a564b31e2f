import { ConnectedStrategy } from '../health-strategies/connected.js';
import { EchoStrategy } from '../health-strategies/echo.js';
import { LagAwareStrategy } from '../health-strategies/lag-aware.js';
import { LatencyStrategy } from '../health-strategies/latency.js';
import { PingStrategy } from '../health-strategies/ping.js';
import { ReplicationStrategy } from '../health-strategies/replication.js';
import type { HealthCheckStrategy } from '../health-strategies/strategy.js';
import { WriteReadStrategy } from '../health-strategies/write-read.js';

/** A strategy that has a name in config files and connection strings. */
export interface NamedStrategy {
  /** Creates the strategy. Throws `InvalidOptionError` for an invalid option. */
  create(options?: object): HealthCheckStrategy;
  /** Whether an option has no default: a connection string cannot give it. */
  readonly hasRequiredOption?: boolean;
}

/**
 * The built-in strategies by name. `src/config/strategy-schemas.ts` has the schema of the options of
 * each.
 */
export const STRATEGIES = {
  ping: { create: () => new PingStrategy() },
  echo: { create: () => new EchoStrategy() },
  connected: { create: (options) => new ConnectedStrategy(options) },
  'write-read': { create: (options) => new WriteReadStrategy(options) },
  'lag-aware': {
    create: (options) => new LagAwareStrategy(options as never),
    hasRequiredOption: true,
  },
  latency: { create: (options) => new LatencyStrategy(options) },
  replication: { create: (options) => new ReplicationStrategy(options) },
} as const satisfies Record<string, NamedStrategy>;

export type StrategyName = keyof typeof STRATEGIES;

export function isStrategyName(name: unknown): name is StrategyName {
  return typeof name === 'string' && Object.hasOwn(STRATEGIES, name);
}
