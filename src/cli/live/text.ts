/** Formats a status as text lines. */
import { duration } from '../../drill/report/format.js';
import type {
  DatabaseStatus,
  Status,
  SteeringDocumentStatus,
  SwitchStatus,
} from '../../http/status.js';
import { type Paint, padEnd, type Style, width, wrap } from '../../terminal.js';
import type { ServerEvent } from './event-source.js';

const SWITCHES = 5;

export function statusText(status: Status, name: string, paint: Paint, columns: number): string[] {
  const rows = status.databases.map((database) => row(database, paint));
  const head = ['', 'database', 'weight', 'health', 'breaker', 'latency'].map((text) =>
    paint('dim', text),
  );
  const all = [head, ...rows];
  const widths = head.map((_, at) => Math.max(...all.map((each) => width(each[at] ?? ''))));
  const line = (cells: readonly string[]) =>
    `  ${cells.map((cell, at) => padEnd(cell, widths[at] ?? 0)).join('  ')}`.trimEnd();
  const room = Math.max(30, Math.min(columns, 110) - 8);
  const rest = status.databases.flatMap((database, at) => [
    line(rows[at] as string[]),
    ...remarks(database).flatMap((text) =>
      wrap(text, room).map((each) => `       ${paint('dim', each)}`),
    ),
  ]);
  return [
    '',
    `  ${headline(status, paint)}  ${paint('dim', name)}`,
    ...[...(status.why === null ? [] : [status.why]), ...steering(status)].flatMap((text) =>
      wrap(text, room + 4).map((each) => `  ${each}`),
    ),
    '',
    line(head),
    ...rest,
    ...switches(status, paint, columns),
    '',
  ];
}

function headline(status: Status, paint: Paint): string {
  const { state, activeDatabase, lastResort, healing, forced } = status;
  if (activeDatabase === null)
    return paint('red', state === 'serving' ? 'no active database' : state);
  const text = paint('bold', `${activeDatabase} is active`);
  if (healing) return `${text} ${paint('yellow', '(failing, failover delay)')}`;
  if (forced?.unchecked) return `${text} ${paint('yellow', '(without checks)')}`;
  const active = status.databases.find(({ id }) => id === activeDatabase);
  if (active?.readOnly) return `${text} ${paint('yellow', '(reads only)')}`;
  return lastResort ? `${text} ${paint('yellow', '(last resort)')}` : text;
}

function row(
  { active, id, weight, health, breaker, latencyMs, lastProbe }: DatabaseStatus,
  paint: Paint,
): string[] {
  const mark: readonly [Style, string] = active
    ? ['cyan', '●']
    : health === 'unhealthy'
      ? ['red', '✗']
      : ['dim', '○'];
  return [
    paint(...mark),
    active ? paint('bold', id) : id,
    String(weight),
    health === 'healthy'
      ? paint('green', health)
      : health === 'unhealthy'
        ? paint('red', health)
        : health,
    breaker === 'open' ? paint('red', breaker) : breaker,
    // The time of a refusal is not a latency.
    latencyMs === null || lastProbe?.healthy !== true ? '–' : duration(latencyMs),
  ];
}

function remarks({ active, details, cause, drained, readOnly }: DatabaseStatus): string[] {
  if (!active) return details.length > 0 ? [details.join('; ')] : [];
  return [
    ...(cause === null ? [] : [cause]),
    ...(drained ? ['drained'] : []),
    ...(readOnly ? ['serves reads only'] : []),
  ];
}

/** What the process is steered to. Times are in UTC, because they are compared with other machines. */
function steering({ steering: all }: Status): string[] {
  // An older application does not report it.
  if (all === null || all === undefined) return [];
  const { place, obeyed, next, stopped, sources } = all;
  const what = ({ version, by, reason, asks }: SteeringDocumentStatus) =>
    `steering version ${version} by ${by} (${reason}): ${asks}`;
  const at = ` (place ${place.toFixed(3)})`;
  const until = obeyed === null || obeyed.until === null ? '' : ` until ${obeyed.until}`;
  return [
    ...(obeyed === null ? [] : [`${what(obeyed)}${until}${at}`]),
    ...(next === null ? [] : [`${what(next)} from ${next.obeyedAt}${at}`]),
    ...(stopped === null ? [] : [`steering was stopped here: ${stopped}`]),
    ...sources.flatMap(({ source, state, cause }) =>
      cause === null ? [] : [`steering source ${source}: ${state} (${cause})`],
    ),
  ];
}

function switches({ switches: all }: Status, paint: Paint, columns: number): string[] {
  if (all.length === 0) return [];
  const shown = all.slice(-SWITCHES).flatMap((each) => switchLines(each, paint, columns));
  return ['', `  ${paint('dim', 'last switches')}`, ...shown];
}

function switchLines(event: SwitchStatus, paint: Paint, columns: number): string[] {
  const took = event.durationMs > 0 ? `, ${duration(event.durationMs)} after the first sign` : '';
  const head = `${time(event.at)}  ${event.from ?? 'none'} → ${event.to ?? 'none'}`;
  const text = `${event.reason}: ${event.cause}${took}`;
  const room = Math.max(30, Math.min(columns, 110) - 6);
  return [`  ${head}`, ...wrap(text, room).map((each) => `     ${paint('dim', each)}`)];
}

/** Formats one event as one line, for output where lines can't be redrawn. */
export function eventText({ event, data }: ServerEvent, paint: Paint): string | undefined {
  const fields = (data ?? {}) as Record<string, unknown>;
  const at = time(String(fields.at instanceof Date ? fields.at.toISOString() : (fields.at ?? '')));
  const cause = fields.cause === undefined || fields.cause === '' ? '' : `: ${fields.cause}`;
  switch (event) {
    case 'switch':
      return `${at}  ${paint('bold', `${fields.from ?? 'none'} → ${fields.to ?? 'none'}`)} (${fields.reason})${cause}`;
    case 'database-unhealthy':
      return `${at}  ${fields.id} is ${paint('red', 'unhealthy')}${cause}`;
    case 'database-healthy':
      return `${at}  ${fields.id} is ${paint('green', 'healthy')}${graceText(fields)}`;
    case 'breaker-open':
    case 'breaker-closed':
      return `${at}  ${fields.id}: ${event.replace('-', ' ')} (${fields.failures} of ${fields.total} failed)`;
    case 'degraded':
      return `${at}  ${fields.id} is ${paint('yellow', 'slow')}${cause}`;
    case 'all-databases-down':
      return `${at}  ${paint('red', 'all databases are down')}`;
    case 'recovered':
      return `${at}  ${fields.id} serves again after ${duration(Number(fields.downForMs))}`;
    case 'steered':
      return `${at}  steering version ${fields.version} ${fields.state}: ${fields.asks} (${fields.by}: ${fields.reason})`;
    case 'lost':
      return `${paint('yellow', 'lost')}${cause}; connecting again`;
    default:
      return undefined;
  }
}

/** Explains that a database in its grace period is healthy but not selected. */
function graceText({ at, eligibleAt }: Record<string, unknown>): string {
  const leftMs = new Date(String(eligibleAt)).getTime() - new Date(String(at)).getTime();
  return leftMs > 0 ? `, its grace period ends in ${duration(leftMs)}` : '';
}

/** Formats a time in UTC, marked as such, because it is compared with logs of other machines. */
export function time(iso: string): string {
  return iso.slice(11, 24).padEnd(13);
}
