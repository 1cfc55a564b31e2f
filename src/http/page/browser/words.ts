/** The texts of the page. Pure. */
import type { DatabaseStatus, Status, SwitchStatus } from '../../status.js';
import type { IconName } from './dom.js';
import { clockTime, span } from './format.js';

export type Tone = 'good' | 'bad' | 'warn' | 'accent' | 'quiet';

export interface Phrase {
  readonly text: string;
  readonly tone: Tone;
  readonly icon: IconName;
}

export function headline(status: Status): Phrase {
  const { state, activeDatabase, lastResort, healing, forced } = status;
  switch (state) {
    case 'serving':
      if (healing !== null) {
        return {
          text: `${activeDatabase} is failing (failover delay)`,
          tone: 'warn',
          icon: 'wait',
        };
      }
      if (forced?.unchecked) {
        const text = `${activeDatabase} is active without checks`;
        return { text, tone: 'warn', icon: 'alert' };
      }
      return lastResort
        ? { text: `${activeDatabase} serves as the last resort`, tone: 'warn', icon: 'alert' }
        : serving(status);
    case 'searching':
      return { text: 'Searching for a database that can serve', tone: 'warn', icon: 'wait' };
    case 'down':
      return { text: 'No database can serve', tone: 'bad', icon: 'cross' };
    case 'connecting':
      return { text: 'Connecting', tone: 'quiet', icon: 'wait' };
    default:
      return { text: 'The client is closed', tone: 'quiet', icon: 'pause' };
  }
}

/** If a better database exists, the headline says which one is missing. */
function serving(status: Status): Phrase {
  const text = `${status.activeDatabase} is serving`;
  const missed = missedBy(status);
  if (missed === undefined) return { text, tone: 'good', icon: 'check' };
  const instead = `${text} in place of ${missed.id}`;
  const tone = missed.health === 'unhealthy' || !missed.connected ? 'warn' : 'good';
  return { text: instead, tone, icon: tone === 'warn' ? 'alert' : 'check' };
}

/** The database of the highest weight, if another one is active. */
function missedBy({ databases, activeDatabase }: Status): DatabaseStatus | undefined {
  const active = databases.find(({ id }) => id === activeDatabase);
  if (active === undefined) return undefined;
  return databases
    .filter(({ weight }) => weight > active.weight)
    .sort((a, b) => b.weight - a.weight)[0];
}

/** The text below the headline. */
export function why(status: Status, now: Date): string {
  const { state, why, healing, switches, activeDatabase } = status;
  if (healing !== null) {
    const [since, leftAt] = [healing.since, healing.leftAt].map((at) => {
      return clockTime(new Date(at), now);
    });
    return `${healing.cause}, since ${since}. Commands wait. If it still fails at ${leftAt}, it is left.`;
  }
  if (why !== null) {
    const last = switches.at(-1);
    if (last === undefined || last.to !== activeDatabase || missedBy(status) === undefined) {
      return why;
    }
    const since = `Since ${clockTime(new Date(last.at), now)}: ${reason(last).text} (${last.cause}).`;
    // That it is the best of the others is obvious.
    const more = why.replace(/^highest weight \([^)]*\) of the eligible databases(; )?/, '');
    return more === '' ? since : `${since} Now: ${more}.`;
  }
  if (state === 'searching') {
    return 'Every database is probed again. Commands wait for the result, within their deadlines.';
  }
  if (state !== 'down') return '';
  return 'Commands fail at once. Probing continues, and the first database that recovers serves again.';
}

/** The one word on a database's card. */
export function role(database: DatabaseStatus): Phrase {
  if (database.active && database.readOnly) {
    return { text: 'Active, reads only', tone: 'warn', icon: 'alert' };
  }
  if (database.active && database.slow) return { text: 'Active, slow', tone: 'warn', icon: 'wait' };
  if (database.active) return { text: 'Active', tone: 'accent', icon: 'check' };
  if (database.drained) return { text: 'Drained', tone: 'warn', icon: 'pause' };
  if (database.health === 'unhealthy') return { text: 'Failed', tone: 'bad', icon: 'cross' };
  if (database.slow) return { text: 'Slow', tone: 'warn', icon: 'wait' };
  if (database.gracePeriodLeftMs > 0) return { text: 'Grace period', tone: 'warn', icon: 'wait' };
  if (database.lacks.length > 0) return { text: 'Not ready', tone: 'warn', icon: 'alert' };
  return { text: 'Standby', tone: 'quiet', icon: 'dot' };
}

export function health({ health, connected }: DatabaseStatus): Phrase {
  if (health === 'unhealthy') return { text: 'unhealthy', tone: 'bad', icon: 'cross' };
  if (health === 'unknown') return { text: 'unknown', tone: 'warn', icon: 'wait' };
  if (!connected) return { text: 'not connected', tone: 'warn', icon: 'alert' };
  return { text: 'healthy', tone: 'good', icon: 'check' };
}

export function breaker({ breaker }: DatabaseStatus): Phrase {
  return breaker === 'open'
    ? { text: 'open', tone: 'bad', icon: 'cross' }
    : { text: 'closed', tone: 'good', icon: 'check' };
}

/** Of the commands that the breaker looks at. */
export function failuresOf({ failures, total }: DatabaseStatus): string {
  if (total === 0) return 'no recent commands';
  if (total === 1) return failures === 1 ? 'the last command failed' : 'the last command succeeded';
  return `${failures} of the last ${total} commands failed`;
}

const REASONS: Readonly<Record<string, Phrase>> = {
  initial: { text: 'start', tone: 'quiet', icon: 'dot' },
  'health-check': { text: 'health check failed', tone: 'bad', icon: 'cross' },
  'circuit-breaker': { text: 'circuit breaker opened', tone: 'bad', icon: 'cross' },
  slow: { text: 'too slow', tone: 'warn', icon: 'wait' },
  failback: { text: 'failback', tone: 'good', icon: 'back' },
  weight: { text: 'weight changed', tone: 'accent', icon: 'hand' },
  manual: { text: 'by hand', tone: 'accent', icon: 'hand' },
  forced: { text: 'forced', tone: 'accent', icon: 'hand' },
  steered: { text: 'steered', tone: 'accent', icon: 'hand' },
  removed: { text: 'removed', tone: 'accent', icon: 'hand' },
  recovered: { text: 'recovered', tone: 'good', icon: 'check' },
};

export function reason({ reason, to }: SwitchStatus): Phrase {
  if (to === null) return { text: 'no database can serve', tone: 'bad', icon: 'cross' };
  return REASONS[reason] ?? { text: reason, tone: 'quiet', icon: 'dot' };
}

export function causeOf({ cause, durationMs }: SwitchStatus): string {
  return durationMs > 0 ? `${cause} \u00b7 ${span(durationMs)} after the first sign` : cause;
}

/** The announcement of a switch for screen readers. */
export function announcement(event: SwitchStatus): string {
  const { from, to } = event;
  const what = to === null ? `No database can serve; ${from} was left` : `${to} is active now`;
  const before = to === null || from === null ? '' : `, in place of ${from}`;
  return `${what}${before}: ${reason(event).text}. ${causeOf(event)}`;
}

/** What making `target` the active one will do. */
export function switchConsequences(status: Status, target: DatabaseStatus): string[] {
  const lines = [`${target.id} is probed first; if it can't serve, nothing changes.`];
  if (target.health === 'unhealthy') {
    lines.push(`It is currently unhealthy (${target.cause}), so this will probably be refused.`);
  }
  const { activeDatabase } = status;
  const rest =
    activeDatabase === null ? '' : ` Commands in flight on ${activeDatabase} finish there.`;
  lines.push(`New commands go to ${target.id} at once.${rest}`);
  const forgiven = [
    ...(target.gracePeriodLeftMs > 0 ? ['its grace period'] : []),
    ...(target.breaker === 'open' ? ['its open circuit breaker'] : []),
    ...(target.drained ? ['its drain'] : []),
  ];
  if (forgiven.length > 0) lines.push(`This ends ${forgiven.join(' and ')}.`);
  lines.push(`If ${target.id} fails, the client fails over as usual.`);
  return [...lines, ...thisProcessAlone(status)];
}

/** What the choice "until a better database is due" means for `target`. */
export function untilFailback(status: Status, target: DatabaseStatus, now: Date): string {
  const names = heavierThan(target, status).join(' or ');
  if (names === '') return 'While it is the best database';
  const { nextFailbackCheckAt } = status;
  // Of an older application it is not known.
  const leftMs = Date.parse(nextFailbackCheckAt ?? '') - now.getTime();
  const at = leftMs >= 0 ? `, in about ${span(leftMs)}` : '';
  return `Until the next automatic failback to ${names}${at}`;
}

/** Ids of the databases to which an automatic failback may lead. */
export function heavierThan(target: DatabaseStatus, { databases }: Status): string[] {
  const heavier = databases.filter(({ weight, drained }) => weight > target.weight && !drained);
  return heavier.map(({ id }) => id);
}

/** How long a switch to `target` holds that was just made. */
export function holds(
  status: Status,
  target: DatabaseStatus,
  durationMs: number | null | undefined,
  now: Date,
): string {
  if (durationMs === null) return 'until the next manual switch';
  if (durationMs === undefined) {
    const text = untilFailback(status, target, now);
    return `${text.slice(0, 1).toLowerCase()}${text.slice(1)}`;
  }
  return `until ${clockTime(new Date(now.getTime() + durationMs), now)}`;
}

/** What releasing `target`, which is forced, will do. */
export function releaseConsequences({ forced }: Status, { id }: DatabaseStatus): string[] {
  return [
    ...(forced?.unchecked ? [`If ${id} is failing, the client fails over at once.`] : []),
    'The client can leave it for a database of higher weight at the next failback check.',
  ];
}

/** What draining `target` will do. */
export function drainConsequences(status: Status, target: DatabaseStatus): string[] {
  const { databases } = status;
  const others = databases.filter(({ id }) => id !== target.id);
  const able = others.filter(({ health, connected }) => health === 'healthy' && connected);
  const best = [...able].sort(
    (a, b) => Number(b.lacks.length === 0) - Number(a.lacks.length === 0) || b.weight - a.weight,
  )[0];
  const lines: string[] = [];
  if (target.active) {
    lines.push(
      best === undefined
        ? 'No other database can serve now, so this will be refused.'
        : `New commands go to ${best.id} at once. Commands in flight on ${target.id} finish there.`,
    );
  } else {
    lines.push(
      `${target.id} does not become active while it is drained, regardless of its weight.`,
    );
  }
  lines.push('It stays connected, and its health checks continue.');
  lines.push('It serves only if no other database can.');
  return [...lines, ...thisProcessAlone(status)];
}

/** Beside a button that steers all processes, the others must say that they do not. */
function thisProcessAlone({ steering }: Status): string[] {
  // An older application does not report it.
  if (steering === null || steering === undefined) return [];
  return ['Other processes do not change.'];
}

/** What the client is steered to; empty without steering. */
export function steeringWords({ steering }: Status, now: Date): string {
  if (steering === null || steering === undefined) return '';
  const { place, obeyed, next, stopped, sources } = steering;
  const parts: string[] = [];
  if (obeyed !== null) {
    const { version, by, asks, reason } = obeyed;
    const until = obeyed.until === null ? '' : `, until ${clockTime(new Date(obeyed.until), now)}`;
    parts.push(`Steered by ${by} (version ${version}): ${asks} (${reason})${until}.`);
  }
  if (next !== null) {
    const { version, by, asks, reason } = next;
    const from = clockTime(new Date(next.obeyedAt), now);
    parts.push(`From ${from}, steered by ${by} (version ${version}): ${asks} (${reason}).`);
  }
  if (obeyed !== null || next !== null) {
    parts.push(`This process moves after ${Math.round(place * 100)} % of the window.`);
  }
  if (stopped !== null) parts.push(`Steering was stopped here: ${stopped}.`);
  for (const { source, state, cause } of sources) {
    if (cause !== null) parts.push(`Steering source ${source}: ${state} (${cause}).`);
  }
  return parts.join(' ');
}
