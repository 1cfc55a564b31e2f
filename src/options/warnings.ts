import type { ResolvedDatabase } from './types.js';

/** Warns with `process.emitWarning` about options that are valid but probably unintended. */
export function warnAbout(databases: readonly ResolvedDatabase[]): void {
  const warned = new Set<string>();
  const warn = (message: string, code: string) => {
    if (warned.has(message)) return;
    warned.add(message);
    process.emitWarning(message, { type: 'RedisMultiDbWarning', code });
  };
  for (const { id, healthChecks } of databases) {
    for (const { name, timeoutMs, intervalMs } of healthChecks) {
      if (timeoutMs <= intervalMs) continue;
      warn(
        `health check ${name}: timeoutMs (${timeoutMs}) is longer than intervalMs (${intervalMs})`,
        'REDIS_MULTIDB_SLOW_HEALTH_CHECK',
      );
    }
    if (healthChecks.length > 0 && healthChecks.every((check) => check.role === 'gate')) {
      warn(
        `database ${id} has only gate checks: it counts as healthy until its breaker opens`,
        'REDIS_MULTIDB_GATES_ONLY',
      );
    }
  }
}
