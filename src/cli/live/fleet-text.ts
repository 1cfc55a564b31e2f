/** Formats the status of several applications, one line each, and how far they agree. */
import type { Status } from '../../http/status.js';
import { type Paint, padEnd, width } from '../../terminal.js';
import { time } from './text.js';

/** What is known about one application. */
export interface Member {
  /** The URL of its handler. */
  readonly name: string;
  /** The latest status; undefined before the first one. */
  readonly status: Status | undefined;
  /** Why it can't be reached; undefined while it can. */
  readonly lost: string | undefined;
}

/** How far applications agree. */
export interface Agreement {
  /** Whether each of them is reached and uses the same database. */
  readonly agree: boolean;
  /** Number of applications by active database, the largest number first. */
  readonly databases: Readonly<Record<string, number>>;
  /** Number of applications that are reached and have no active database. */
  readonly none: number;
  /** Number of applications that can't be reached. */
  readonly lost: number;
}

export function agreementOf(members: readonly Member[]): Agreement {
  const counts = new Map<string, number>();
  let none = 0;
  let lost = 0;
  for (const member of members) {
    const active = activeIn(member);
    if (active === undefined) lost += 1;
    else if (active === null) none += 1;
    else counts.set(active, (counts.get(active) ?? 0) + 1);
  }
  const sorted = [...counts].sort(([, one], [, other]) => other - one);
  const agree = sorted.length === 1 && sorted[0]?.[1] === members.length;
  return { agree, databases: Object.fromEntries(sorted), none, lost };
}

/** `2 of 3 applications use east, 1 west`. */
export function agreementText(members: readonly Member[], paint: Paint): string {
  const { agree, databases, none, lost } = agreementOf(members);
  const [first, ...others] = Object.entries(databases);
  const total = `${members.length} applications`;
  const parts = [
    first === undefined
      ? `0 of ${total} use a database`
      : `${first[1]} of ${total} use ${first[0]}`,
    ...others.map(([id, count]) => `${count} ${id}`),
    ...(none === 0 ? [] : [`${none} none`]),
    ...(lost === 0 ? [] : [`${lost} not reached`]),
  ];
  return paint(agree ? 'green' : 'yellow', parts.join(', '));
}

/** One line for each application, below a heading. */
export function fleetLines(members: readonly Member[], paint: Paint): string[] {
  const rows = members.map((member) => row(member, paint));
  const head = ['', 'application', 'active', 'since', 'steering'].map((text) => paint('dim', text));
  const all = [head, ...rows];
  // The last cell of a row has no width: its text may be long.
  const widthAt = (cells: readonly string[], at: number) =>
    at < cells.length - 1 ? width(cells[at] ?? '') : 0;
  const widths = head.map((_, at) => Math.max(...all.map((cells) => widthAt(cells, at))));
  const line = (cells: readonly string[]) =>
    `  ${cells.map((cell, at) => (at === cells.length - 1 ? cell : padEnd(cell, widths[at] ?? 0))).join('  ')}`;
  return ['', `  ${agreementText(members, paint)}`, '', ...all.map(line), ''];
}

function row({ name, status, lost }: Member, paint: Paint): string[] {
  if (lost !== undefined || status === undefined) {
    const text = lost ?? 'connecting';
    return [paint('red', lost === undefined ? ' ' : '✗'), name, paint('dim', text)];
  }
  const { activeDatabase, switches, state } = status;
  const last = switches.at(-1);
  const since = last !== undefined && last.to === activeDatabase ? time(last.at) : '';
  const active = activeDatabase === null ? paint('red', state) : paint('bold', `${activeDatabase}`);
  const mark = activeDatabase === null ? paint('red', '✗') : paint('cyan', '●');
  return [mark, name, active, since, steeringOf(status)];
}

function steeringOf({ steering }: Status): string {
  const { obeyed, next, stopped } = steering ?? {};
  const parts = [
    ...(obeyed ? [`version ${obeyed.version}: ${obeyed.asks}`] : []),
    ...(next ? [`version ${next.version}: ${next.asks} from ${time(next.obeyedAt)}`] : []),
    ...(stopped ? [`stopped: ${stopped}`] : []),
  ];
  return parts.join('; ');
}

/** Undefined: it can't be reached, or has not answered yet. Null: no database is active. */
function activeIn({ status, lost }: Member): string | null | undefined {
  return lost !== undefined ? undefined : status?.activeDatabase;
}
