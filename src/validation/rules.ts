export type JsonSchema = Readonly<Record<string, unknown>>;

/** What one option accepts. `range` is for people, in errors and in the documentation. */
export interface Rule<T> {
  readonly range: string;
  /** The same as JSON schema; empty where it takes more than a value to tell. */
  readonly schema?: JsonSchema;
  /** Constant time; never throws. */
  accepts(value: unknown): value is T;
}

/** The longest delay that a timer of Node.js keeps; a longer one would fire at once. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

function rule<T>(
  range: string,
  accepts: (value: unknown) => boolean,
  schema: JsonSchema = {},
): Rule<T> {
  return Object.freeze({ range, schema, accepts: accepts as (value: unknown) => value is T });
}

/** Finite numbers from `min` to `max`. NaN lies outside every range. */
function between(min: number, max: number, what: string): Rule<number> {
  const accepts = (value: unknown) => typeof value === 'number' && value >= min && value <= max;
  const schema = { type: 'number', minimum: min, maximum: max };
  return rule(`${what} from ${min} to ${max}`, accepts, schema);
}

function integer(min: number, max: number): Rule<number> {
  const { range, accepts, schema } = between(min, max, 'an integer');
  const isInteger = (value: unknown) => accepts(value) && Number.isInteger(value);
  return rule(range, isInteger, { ...schema, type: 'integer' });
}

/** A duration that a timer can keep and that is not nothing. */
export const duration = between(1, MAX_TIMER_MS, 'milliseconds');
/** A duration that may be nothing. */
export const durationOrNone = between(0, MAX_TIMER_MS, 'milliseconds');
/** A duration, or 0 or false for never. */
export const durationOrNever: Rule<number | false> = rule(
  `milliseconds from 1 to ${MAX_TIMER_MS}, 0 or false`,
  (value) => value === false || value === 0 || duration.accepts(value),
  { anyOf: [durationOrNone.schema, { type: 'boolean', const: false }] },
);
/** A duration, or the word for one that is measured. */
export const durationOrP99: Rule<number | 'p99'> = rule(
  `milliseconds from 1 to ${MAX_TIMER_MS}, or 'p99'`,
  (value) => value === 'p99' || duration.accepts(value),
  { anyOf: [duration.schema, { enum: ['p99'] }] },
);
/** A duration, or the word for one that is derived from response times. */
export const durationOrAdaptive: Rule<number | 'adaptive'> = rule(
  `milliseconds from 1 to ${MAX_TIMER_MS}, or 'adaptive'`,
  (value) => value === 'adaptive' || duration.accepts(value),
  { anyOf: [duration.schema, { enum: ['adaptive'] }] },
);
/** `'auto'`, or false for never. */
export const autoOrFalse: Rule<'auto' | false | undefined> = rule(
  "'auto' or false",
  (value) => value === 'auto' || value === false,
  { anyOf: [{ enum: ['auto'] }, { type: 'boolean', const: false }] },
);
/** A grace period that doubles, as an option. */
export interface GracePeriodOptions {
  /** The first grace period. Accepts milliseconds from 1 to 2147483647. */
  readonly baseMs: number;
  /** The longest grace period. Accepts milliseconds from `baseMs` to 2147483647. */
  readonly maxMs: number;
}
/** A duration, or the bounds of one that doubles. */
export const gracePeriod: Rule<number | GracePeriodOptions> = rule(
  `milliseconds from 0 to ${MAX_TIMER_MS}, or an object \`{ baseMs, maxMs }\``,
  (value) => (typeof value === 'object' ? value !== null : durationOrNone.accepts(value)),
);
export const count = integer(1, MAX_TIMER_MS);
export const countOrNone = integer(0, MAX_TIMER_MS);
export const port = integer(1, 65_535);
export const windowSize = integer(1, 1_000_000);
export const percent = between(0, 100, 'percent');
/** Below 1 it would be a share that was meant. */
export const percentile = between(1, 100, 'a percentile');
export const share = between(0, 1, 'a number');
export const multiplier: Rule<number> = rule(
  'a finite number, 1 or more',
  (value) => Number.isFinite(value) && (value as number) >= 1,
  { type: 'number', minimum: 1 },
);
export const weight: Rule<number> = rule(
  'a finite number above 0',
  (value) => Number.isFinite(value) && (value as number) > 0,
  { type: 'number', exclusiveMinimum: 0 },
);
export const flag: Rule<boolean> = rule('true or false', (value) => typeof value === 'boolean', {
  type: 'boolean',
});
export const name: Rule<string> = rule(
  'a non-empty string, unique in the group',
  (value) => typeof value === 'string' && value !== '',
  { type: 'string', minLength: 1 },
);

export const text: Rule<string> = rule(
  'a non-empty string',
  (value) => typeof value === 'string' && value !== '',
  { type: 'string', minLength: 1 },
);

export function oneOf<const T extends string>(values: readonly T[]): Rule<T> {
  const accepts = (value: unknown) => (values as readonly unknown[]).includes(value);
  return rule(values.map((value) => `'${value}'`).join(', '), accepts, { enum: values });
}

/** A value with parts of its own, or of several forms; `validate.ts` looks into it. */
export function shape(range: string): Rule<never> {
  return rule(range, () => true);
}
