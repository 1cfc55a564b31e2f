import { type ProbingPolicy, probingPolicies } from '../core/probing-policy.js';
import { PingStrategy } from '../health-strategies/ping.js';
import type {
  HealthCheckFunction,
  HealthCheckRole,
  HealthCheckStrategy,
} from '../health-strategies/strategy.js';
import { invalid, join, type Values } from '../validation/check.js';
import { ADAPTIVE_BOUNDS } from './adaptive.js';
import { optionsObject, read } from './check.js';
import { DEFAULTS } from './defaults.js';
import type { ResolvedHealthCheck } from './types.js';

/**
 * The resolved health checks: none for `false`, `PingStrategy` for `undefined`. A timeout longer
 * than the interval is allowed, because the interval starts when a round ends.
 */
export function resolveHealthChecks(setting: unknown, at: string): readonly ResolvedHealthCheck[] {
  if (setting === false) return [];
  if (setting === undefined) return [resolveOne({}, at)];
  if (!Array.isArray(setting)) return [resolveOne(setting, at)];
  if (setting.length === 0) throw invalid(at, 'false, or an array of at least one', setting);
  return setting.map((one, index) => resolveOne(one, `${at}[${index}]`));
}

/** One resolved health check, for a database that is running. */
export function resolveHealthCheck(setting: unknown): ResolvedHealthCheck {
  return resolveOne(setting, 'healthCheck');
}

function resolveOne(setting: unknown, at: string): ResolvedHealthCheck {
  if (typeof setting === 'function' || isStrategy(setting)) return inForce({}, setting, at, at);
  if (typeof setting !== 'object' || setting === null || Array.isArray(setting)) {
    throw invalid(at, DEFAULTS.healthCheck.range, setting);
  }
  const values = optionsObject(setting, 'healthCheck', at);
  return inForce(
    values,
    values.strategy === undefined ? new PingStrategy() : values.strategy,
    at,
    join(at, 'strategy'),
  );
}

function inForce(
  values: Values,
  given: unknown,
  at: string,
  strategyAt: string,
): ResolvedHealthCheck {
  const strategy = asStrategy(given, strategyAt);
  const timeoutMs = read(values, 'healthCheck.timeoutMs', at);
  return {
    name: nameOf(strategy),
    role: asRole(strategy, strategyAt),
    strategy,
    intervalMs: read(values, 'healthCheck.intervalMs', at),
    timeoutMs: timeoutMs === 'adaptive' ? ADAPTIVE_BOUNDS.timeoutMs : timeoutMs,
    adaptiveTimeout: timeoutMs === 'adaptive',
    numProbes: read(values, 'healthCheck.numProbes', at),
    delayInBetweenProbesMs: read(values, 'healthCheck.delayInBetweenProbesMs', at),
    policy: asPolicy(values.policy, join(at, 'policy')),
  };
}

function asStrategy(given: unknown, at: string): HealthCheckStrategy {
  const expected = DEFAULTS['healthCheck.strategy'].range;
  if (typeof given === 'function') {
    if (/^class\b/.test(Function.prototype.toString.call(given))) {
      throw invalid(at, `${expected}; an instance, not the class`, given);
    }
    return { name: given.name || 'custom', check: given as HealthCheckFunction };
  }
  if (!isStrategy(given) || typeof given.check !== 'function') throw invalid(at, expected, given);
  if (given.close !== undefined && typeof given.close !== 'function') {
    throw invalid(join(at, 'close'), 'a function, or nothing', given.close);
  }
  return given;
}

function asRole({ role = 'full' }: HealthCheckStrategy, at: string): HealthCheckRole {
  if (role === 'full' || role === 'gate') return role;
  throw invalid(join(at, 'role'), "'full' or 'gate'", role);
}

function isStrategy(value: unknown): value is HealthCheckStrategy {
  return typeof value === 'object' && value !== null && 'check' in value;
}

/** A minifier renames classes, so a strategy of a bundled application has a `name`. */
function nameOf(strategy: HealthCheckStrategy): string {
  if (typeof strategy.name === 'string' && strategy.name !== '') return strategy.name;
  const className = strategy.constructor?.name;
  return className && className !== 'Object' ? className : 'custom';
}

function asPolicy(given: unknown, at: string): ProbingPolicy {
  const { default: byDefault, range } = DEFAULTS['healthCheck.policy'];
  if (typeof given === 'function') return given as ProbingPolicy;
  const name = given === undefined ? byDefault : given;
  if (typeof name === 'string' && Object.hasOwn(probingPolicies, name)) {
    return probingPolicies[name as keyof typeof probingPolicies];
  }
  throw invalid(at, range, given);
}
