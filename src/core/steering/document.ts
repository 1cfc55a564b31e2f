import { cleanText } from '../../clean-text.js';
import { InvalidSteeringError } from '../../errors.js';

/** Longest document that is accepted, in characters. */
export const MAX_STEERING_LENGTH = 16_384;
/** Longest window, hold and stage of a spread, in milliseconds: one day. */
export const MAX_SPREAD_MS = 86_400_000;
/** Largest number of databases that a document may name. */
export const MAX_STEERED_DATABASES = 100;
/** Largest number of stages of a spread. */
export const MAX_STAGES = 20;
/** Length limits of the texts of a document. */
export const MAX_TEXT = { id: 200, by: 200, reason: 500 } as const;
/** RFC 3339 in UTC, with at most milliseconds. */
export const TIME_PATTERN = '^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}(\\.\\d{1,3})?Z$';

/** One stage of a spread: the instances up to `share` move during `overMs`, then all wait `holdMs`. */
export interface SpreadStage {
  /** The instances with a place below this share have moved at the end of the stage; the last is 1. */
  readonly share: number;
  /** How long the instances of this stage take to move, in milliseconds. Default: 0. */
  readonly overMs?: number;
  /** How long the next stage waits, in milliseconds; errors that rise meanwhile stop. Default: 0. */
  readonly holdMs?: number;
}

/** A steering document: what all processes that read it are to do. */
export interface SteeringDocument {
  /** The version of this format. */
  readonly schemaVersion: 1;
  /** Grows with each document; the highest version is obeyed. */
  readonly version: number;
  /** When the document was published (UTC). */
  readonly issuedAt: string;
  /** When the document ends by itself (UTC). Default: when a newer one replaces it. */
  readonly until?: string;
  /** Over how many milliseconds the processes move, or stages. Default: 0, all at once. */
  readonly spread?: number | readonly SpreadStage[];
  /** The database that comes first, whatever the weights. */
  readonly prefer?: string;
  /** Weights in place of the configured ones, by database. */
  readonly weights?: Readonly<Record<string, number>>;
  /** Databases that serve only when no other one can. */
  readonly drain?: readonly string[];
  /** Overrides `failbackSupported`. */
  readonly failback?: boolean;
  /** Makes the preferred database active although it is unhealthy. */
  readonly force?: boolean;
  /** Who published it. */
  readonly by: string;
  /** Why. */
  readonly reason: string;
}

/** A valid document, with its defaults filled in. */
export interface Steering {
  readonly version: number;
  /** Wall-clock milliseconds. */
  readonly issuedAt: number;
  /** Wall-clock milliseconds; Infinity: until a newer document replaces it. */
  readonly until: number;
  readonly stages: readonly Required<SpreadStage>[];
  readonly prefer: string | undefined;
  readonly weights: ReadonlyMap<string, number>;
  readonly drain: readonly string[];
  readonly failback: boolean | undefined;
  readonly force: boolean;
  readonly by: string;
  readonly reason: string;
  /** The same text for the same content, whatever the order of its members. */
  readonly canonical: string;
}

type Values = Readonly<Record<string, unknown>>;

const NAMES = [
  ...['schemaVersion', 'version', 'issuedAt', 'until', 'spread', 'prefer', 'weights', 'drain'],
  ...['failback', 'force', 'by', 'reason'],
];

/**
 * Parses and validates a document, given as JSON text or as a value. Throws `InvalidSteeringError`
 * with the path, what is expected and what was received. Linear in the length, which is limited.
 */
export function parseSteering(given: unknown): Steering {
  const values = objectAt(jsonOf(given), '');
  for (const name of Object.keys(values)) {
    if (!NAMES.includes(name)) throw invalid(name, `one of ${NAMES.join(', ')}`, name);
  }
  const { version, failback } = values;
  if (values.schemaVersion !== 1) throw invalid('schemaVersion', '1', values.schemaVersion);
  if (!Number.isSafeInteger(version) || (version as number) < 1) {
    throw invalid('version', 'an integer from 1 to 2^53-1', version);
  }
  const issuedAt = timeAt(values.issuedAt, 'issuedAt');
  const until = values.until === undefined ? Infinity : timeAt(values.until, 'until');
  if (until <= issuedAt) throw invalid('until', 'a time after issuedAt', values.until);
  const prefer = values.prefer === undefined ? undefined : textAt(values.prefer, 'prefer', 'id');
  const weights = weightsAt(values.weights);
  const drain = drainAt(values.drain);
  const force = flagAt(values.force, 'force');
  if (prefer !== undefined && values.weights !== undefined) {
    throw invalid('weights', 'no weights beside prefer', values.weights);
  }
  if (prefer !== undefined && drain.includes(prefer)) {
    throw invalid('prefer', 'a database that is not drained', prefer);
  }
  if (force !== undefined && prefer === undefined)
    throw invalid('force', 'prefer beside it', force);
  return Object.freeze({
    version: version as number,
    issuedAt,
    until,
    stages: stagesAt(values.spread),
    prefer,
    weights,
    drain,
    failback: flagAt(failback, 'failback'),
    force: force ?? false,
    by: textAt(values.by, 'by', 'by'),
    reason: textAt(values.reason, 'reason', 'reason'),
    canonical: canonical(values),
  });
}

/** The lowest version that is above all that were seen, and not below `least`. */
export function versionAbove(seen: readonly number[], least: number): number {
  return Math.max(least, ...seen.map((version) => version + 1));
}

/**
 * Order of documents, the same in every process: the higher version, then the later `issuedAt`,
 * then the content. 0 only for the same content.
 */
export function compareSteering(one: Steering, other: Steering): number {
  if (one.version !== other.version) return one.version - other.version;
  if (one.issuedAt !== other.issuedAt) return one.issuedAt - other.issuedAt;
  if (one.canonical === other.canonical) return 0;
  return one.canonical < other.canonical ? -1 : 1;
}

/** What a document asks for, in words: `drains east`. */
export function describeSteering(steering: Steering): string {
  const { prefer, weights, drain, failback, force } = steering;
  const parts: string[] = [];
  if (drain.length > 0) parts.push(`drains ${drain.join(', ')}`);
  if (prefer !== undefined) parts.push(`${force ? 'forces' : 'prefers'} ${prefer}`);
  if (weights.size > 0) {
    parts.push(`weights ${[...weights].map(([id, weight]) => `${id} ${weight}`).join(', ')}`);
  }
  if (failback !== undefined) parts.push(`failback ${failback ? 'on' : 'off'}`);
  return parts.length === 0 ? 'asks for nothing' : parts.join('; ');
}

function jsonOf(given: unknown): unknown {
  let text: string | undefined;
  try {
    text = typeof given === 'string' ? given : JSON.stringify(given);
  } catch {}
  if (text === undefined) throw invalid('', 'JSON', given);
  if (text.length > MAX_STEERING_LENGTH) {
    throw invalid('', `at most ${MAX_STEERING_LENGTH} characters`, text.length);
  }
  try {
    return JSON.parse(text);
  } catch {
    // The message of JSON.parse quotes the text.
    throw invalid('', 'valid JSON', 'another text');
  }
}

function objectAt(value: unknown, at: string): Values {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Values;
  throw invalid(at, 'an object', value);
}

function timeAt(value: unknown, at: string): number {
  const time = typeof value === 'string' && TIME.test(value) ? Date.parse(value) : Number.NaN;
  if (Number.isNaN(time)) throw invalid(at, 'a time such as 2026-01-31T12:00:00Z', value);
  return time;
}
const TIME = new RegExp(TIME_PATTERN);

function textAt(value: unknown, at: string, kind: keyof typeof MAX_TEXT): string {
  const limit = MAX_TEXT[kind];
  const isText = typeof value === 'string' && value !== '' && [...value].length <= limit;
  if (!isText) throw invalid(at, `a text of 1 to ${limit} characters`, value);
  // Ids are compared, the other texts are shown.
  return kind === 'id' ? value : cleanText(value, limit);
}

function flagAt(value: unknown, at: string): boolean | undefined {
  if (value === undefined || typeof value === 'boolean') return value;
  throw invalid(at, 'true or false', value);
}

function weightsAt(value: unknown): ReadonlyMap<string, number> {
  if (value === undefined) return new Map();
  const entries = Object.entries(objectAt(value, 'weights'));
  if (entries.length === 0 || entries.length > MAX_STEERED_DATABASES) {
    throw invalid('weights', `1 to ${MAX_STEERED_DATABASES} databases`, entries.length);
  }
  for (const [id, weight] of entries) {
    textAt(id, 'weights', 'id');
    if (!Number.isFinite(weight) || (weight as number) <= 0) {
      throw invalid(`weights.${id}`, 'a finite number above 0', weight);
    }
  }
  return new Map(entries as [string, number][]);
}

function drainAt(value: unknown): readonly string[] {
  if (value === undefined) return [];
  const isList = Array.isArray(value) && value.length > 0 && value.length <= MAX_STEERED_DATABASES;
  if (!isList) throw invalid('drain', `an array of 1 to ${MAX_STEERED_DATABASES} ids`, value);
  const ids = value.map((id, index) => textAt(id, `drain[${index}]`, 'id'));
  if (new Set(ids).size < ids.length) throw invalid('drain', 'each id once', value);
  return Object.freeze(ids);
}

function stagesAt(value: unknown): Steering['stages'] {
  const milliseconds = (ms: unknown, at: string) => {
    const isValid = typeof ms === 'number' && ms >= 0 && ms <= MAX_SPREAD_MS;
    if (!isValid) throw invalid(at, `milliseconds from 0 to ${MAX_SPREAD_MS}`, ms);
    return ms;
  };
  if (value === undefined || typeof value === 'number') {
    return Object.freeze([{ share: 1, overMs: milliseconds(value ?? 0, 'spread'), holdMs: 0 }]);
  }
  if (!Array.isArray(value) || value.length === 0 || value.length > MAX_STAGES) {
    throw invalid('spread', `milliseconds, or 1 to ${MAX_STAGES} stages`, value);
  }
  let before = 0;
  const stages = value.map((each, index) => {
    const at = `spread[${index}]`;
    const { share, overMs = 0, holdMs = 0, ...others } = objectAt(each, at);
    const [other] = Object.keys(others);
    if (other !== undefined) throw invalid(`${at}.${other}`, 'share, overMs or holdMs', other);
    if (typeof share !== 'number' || !(share > before) || share > 1) {
      throw invalid(`${at}.share`, `a number above ${before}, at most 1`, share);
    }
    before = share;
    const over = milliseconds(overMs, `${at}.overMs`);
    return Object.freeze({ share, overMs: over, holdMs: milliseconds(holdMs, `${at}.holdMs`) });
  });
  if (before !== 1) throw invalid(`spread[${stages.length - 1}].share`, '1 as the last', before);
  return Object.freeze(stages);
}

function canonical(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  const members = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
  return `{${members.map(([name, each]) => `${JSON.stringify(name)}:${canonical(each)}`).join()}}`;
}

function invalid(path: string, expected: string, received: unknown): InvalidSteeringError {
  return new InvalidSteeringError(path, expected, received);
}
