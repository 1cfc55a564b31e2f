import type { ChaosReport } from './run.js';

const counts = (record: Readonly<Record<string, number>>) =>
  Object.entries(record)
    .sort(([, a], [, b]) => b - a)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ');

const total = (record: Readonly<Record<string, number>>) =>
  Object.values(record).reduce((sum, count) => sum + count, 0);

const MAX_SHOWN = 10;

/** One line for a clean run; what was broken, how it came and how to see it again for another. */
export function verdict(report: ChaosReport, repeatWith: string): string {
  const { seed, violations, outcomes, faults, switches, doubtsInVain, repeatsAllowed } = report;
  const sum = [
    `${total(outcomes)} commands`,
    `${total(faults)} faults`,
    `${switches} switches`,
    `${(report.tookMs / 1000).toFixed(1)} s`,
  ].join(', ');
  if (violations.length === 0) {
    return `seed ${seed}: clean (${sum}; in doubt without having run ${doubtsInVain}, repeated as allowed ${repeatsAllowed})`;
  }
  const kinds: Record<string, number> = {};
  for (const { kind } of violations) kinds[kind] = (kinds[kind] ?? 0) + 1;
  return [
    `seed ${seed}: ${violations.length} VIOLATIONS (${counts(kinds)}) in ${sum}`,
    `  repeat with: ${repeatWith}`,
    `  settings: ${JSON.stringify(report.settings)}`,
    `  outcomes: ${counts(outcomes)}`,
    `  faults: ${counts(faults)}`,
    '  what happened (ms of loop time):',
    ...report.trace.map((line) => `  ${line}`),
    ...violations.slice(0, MAX_SHOWN).map(({ kind, text }) => `  ${kind}: ${text}`),
    ...(violations.length > MAX_SHOWN ? [`  and ${violations.length - MAX_SHOWN} more`] : []),
  ].join('\n');
}

/** What all runs together went through. */
export function summary(reports: readonly ChaosReport[]): string {
  const sum = (records: Readonly<Record<string, number>>[]) => {
    const all: Record<string, number> = {};
    for (const record of records) {
      for (const [name, count] of Object.entries(record)) all[name] = (all[name] ?? 0) + count;
    }
    return all;
  };
  const broken = reports.filter(({ violations }) => violations.length > 0);
  return [
    `outcomes: ${counts(sum(reports.map(({ outcomes }) => outcomes)))}`,
    `faults: ${counts(sum(reports.map(({ faults }) => faults)))}`,
    `${reports.length} seeds, ${reports.length - broken.length} clean, ${broken.length} with violations` +
      (broken.length > 0 ? `: ${broken.map(({ seed }) => seed).join(', ')}` : ''),
  ].join('\n');
}
