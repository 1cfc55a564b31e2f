/** Findings about options that are valid separately and dangerous together. Pure. */
import { ALL_AVAILABLE, MAJORITY_AVAILABLE } from '../../core/initialization-policy.js';
import { UNHEALTHY_AFTER_MS } from '../../options/topologies.js';
import type { ResolvedDatabase, ResolvedOptions } from '../../options/types.js';
import { type Finding, finding, type Level } from './report.js';

type Rule = (options: ResolvedOptions) => Finding | readonly Finding[] | undefined;

const found = (level: Level, check: string, text: string) => finding(level, check, text);

/** Returns all findings. */
export function optionFindings(options: ResolvedOptions): Finding[] {
  return RULES.flatMap((rule) => rule(options) ?? []);
}

const RULES: readonly Rule[] = [
  ({ databases }) => {
    if (databases.length > 1) return undefined;
    return found(
      'warning',
      'databases',
      'there is only one database, so there is nothing to fail over to',
    );
  },
  ({ databases }) => {
    const [first, second] = [...databases].sort((a, b) => b.weight - a.weight);
    if (first === undefined || second === undefined || first.weight > second.weight)
      return undefined;
    const ids = databases.filter(({ weight }) => weight === first.weight).map(({ id }) => id);
    const all =
      ids.length === databases.length
        ? 'all weights are equal'
        : `${ids.join(' and ')} have the same weight`;
    return found(
      'note',
      'weights',
      `${all}; the first one in the list is preferred, and there is no failback between them`,
    );
  },
  ({ commandTimeoutMs, commandDeadlineMs }) => {
    if (commandTimeoutMs <= commandDeadlineMs) return undefined;
    return found(
      'warning',
      'commandTimeoutMs',
      `commandTimeoutMs (${commandTimeoutMs}) is longer than commandDeadlineMs (${commandDeadlineMs}): an attempt ends with the command, so there are no retries`,
    );
  },
  ({ suspectAfterMs, commandTimeoutMs }) => {
    if (suspectAfterMs < commandTimeoutMs) return undefined;
    return found(
      'warning',
      'suspectAfterMs',
      `suspectAfterMs (${suspectAfterMs}) is not below commandTimeoutMs (${commandTimeoutMs}): commands to a silent server time out before it is suspect`,
    );
  },
  ({ databases, suspectAfterMs, commandDeadlineMs }) => {
    const slow = databases.filter((each) => leftAfterMs(each, suspectAfterMs) > commandDeadlineMs);
    if (slow.length === 0) return undefined;
    const worst = Math.max(...slow.map((each) => leftAfterMs(each, suspectAfterMs)));
    const text = `a silent server is left after ${worst} ms (suspectAfterMs, probe timeout, unhealthyAfterMs), but commands fail after ${commandDeadlineMs} ms (commandDeadlineMs), so callers see errors that a failover could have prevented`;
    // This is the default, which gives such a deployment time to recover by itself.
    const isMeant = slow.every(
      ({ topology, unhealthyAfterMs }) =>
        unhealthyAfterMs > 0 && unhealthyAfterMs === UNHEALTHY_AFTER_MS[topology],
    );
    return found(isMeant ? 'note' : 'warning', 'commandDeadlineMs', text);
  },
  ({ commandRetry, commandDeadlineMs }) => {
    const { maxAttempts, waitDurationMs } = commandRetry;
    if (maxAttempts === 1 || waitDurationMs < commandDeadlineMs) return undefined;
    return found(
      'warning',
      'commandRetry.waitDurationMs',
      `commandRetry.waitDurationMs (${waitDurationMs}) is not below commandDeadlineMs (${commandDeadlineMs}): there is no second attempt`,
    );
  },
  ({ commandRetry: { safety } }) => {
    const cost = SAFETY_COSTS[safety];
    if (cost === undefined) return undefined;
    const [level, text] = cost;
    return found(level, 'commandRetry.safety', `commandRetry.safety is ${safety}: ${text}`);
  },
  ({ databases }) => databases.flatMap(healthCheckFindings),
  ({ failbackSupported }) =>
    failbackSupported
      ? undefined
      : found(
          'note',
          'failbackSupported',
          'automatic failback is off; return to the preferred database manually',
        ),
  ({ databases }) =>
    databases.every(({ gracePeriod }) => gracePeriod.baseMs > 0)
      ? undefined
      : found(
          'warning',
          'gracePeriodMs',
          'gracePeriodMs is 0; the client returns to an unstable database after each failure',
        ),
  ({ standbyConnections }) =>
    standbyConnections === 'warm'
      ? undefined
      : found(
          'note',
          'standbyConnections',
          'standbyConnections is lazy; the first commands after a switch wait for a connection',
        ),
  ({ initializationPolicy, databases }) => {
    if (databases.length < 2) return undefined;
    const all = initializationPolicy === ALL_AVAILABLE;
    if (!all && !(initializationPolicy === MAJORITY_AVAILABLE && databases.length === 2))
      return undefined;
    return found(
      'warning',
      'initializationPolicy',
      'the application cannot start while a database is down (initializationPolicy)',
    );
  },
];

const SAFETY_COSTS: Partial<Record<string, readonly [Level, string]>> = {
  'checked-write': [
    'note',
    'a repeated SET NX may return null although its first attempt succeeded',
  ],
  'last-write-wins': ['note', 'a repeated SET may overwrite a newer acknowledged value'],
  accumulating: ['warning', 'a repeated INCR or LPUSH may count twice'],
  admin: ['warning', 'FLUSHALL, CONFIG SET, INCR and LPUSH may take effect twice'],
};

/** Milliseconds from the last byte of a silent server until it is left. */
function leftAfterMs(
  { healthChecks, unhealthyAfterMs }: ResolvedDatabase,
  suspectAfterMs: number,
): number {
  const full = healthChecks.filter(({ role }) => role === 'full');
  const timeoutMs = Math.max(0, ...full.map((check) => check.timeoutMs));
  return suspectAfterMs + Math.max(timeoutMs, unhealthyAfterMs);
}

function healthCheckFindings({ id, healthChecks }: ResolvedDatabase): Finding[] {
  if (healthChecks.length === 0) {
    return [
      found(
        'warning',
        'healthCheck',
        `${id}: health checks are off, so a failover waits until commands fail`,
      ),
    ];
  }
  const findings = healthChecks
    .filter(({ timeoutMs, intervalMs }) => timeoutMs > intervalMs)
    .map(({ name, timeoutMs, intervalMs }) =>
      found(
        'warning',
        'healthCheck',
        `${id}: timeoutMs (${timeoutMs}) of ${name} is longer than its intervalMs (${intervalMs})`,
      ),
    );
  if (healthChecks.every(({ role }) => role === 'gate')) {
    findings.push(
      found(
        'warning',
        'healthCheck',
        `${id} has only gate checks: it counts as healthy until its breaker opens`,
      ),
    );
  }
  return findings;
}
