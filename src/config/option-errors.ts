/** All mistakes in options at once: validation alone stops at the first. */
import { InvalidOptionError } from '../errors.js';
import { resolveOptions } from '../options/validate.js';

/** More would help nobody, and a name that can't be found again would be reported for ever. */
const MOST = 50;

/** Takes the place of a database with a mistake that can't be removed, so that the others keep theirs. */
const VALID_DATABASE = Object.freeze({ client: Object.freeze({ url: 'redis://localhost' }) });

type Path = readonly (string | number)[];

/**
 * Every mistake in `values`. After each one the option is left out and the rest is validated again. What
 * follows from a mistake that is known already, one of `reported` included, is not a mistake of its own.
 */
export function optionErrors(values: unknown, reported: readonly string[]): InvalidOptionError[] {
  const found: InvalidOptionError[] = [];
  let rest = values;
  for (let turn = 0; turn < MOST; turn += 1) {
    const error = firstError(rest);
    if (error === undefined) break;
    const { option } = error;
    const known = [...reported, ...found.map((each) => each.option)];
    if (!known.some((each) => isWithin(each, option))) found.push(error);
    const path = pathOf(option);
    const next = without(rest, path) ?? withValidDatabase(rest, path);
    if (next === undefined) break;
    rest = next;
  }
  return found;
}

function firstError(values: unknown): InvalidOptionError | undefined {
  try {
    resolveOptions(values);
    return undefined;
  } catch (error) {
    if (error instanceof InvalidOptionError) return error;
    throw error;
  }
}

/** Whether `option` is `outer`, or a part of it. */
function isWithin(option: string, outer: string): boolean {
  return option === outer || option.startsWith(`${outer}.`) || option.startsWith(`${outer}[`);
}

/** `databases[1].client.url` in steps. */
function pathOf(option: string): Path {
  return option
    .split(/\.|(?=\[\d+\])/)
    .map((step) => (/^\[\d+\]$/.test(step) ? Number(step.slice(1, -1)) : step));
}

/** A copy without the option at `path`; `undefined` if there is none. */
function without(value: unknown, [step, ...rest]: Path): unknown {
  if (typeof value !== 'object' || value === null || step === undefined) return undefined;
  if (!Object.hasOwn(value, step)) return undefined;
  const holder = value as Record<string | number, unknown>;
  if (rest.length === 0) {
    // An element keeps its place, because the paths of the others contain theirs.
    if (Array.isArray(value)) return undefined;
    const { [step]: _removed, ...others } = holder;
    return others;
  }
  const inner = without(holder[step], rest);
  return inner === undefined ? undefined : replaced(value, step, inner);
}

function withValidDatabase(value: unknown, [first, index]: Path): unknown {
  if (first !== 'databases' || typeof index !== 'number') return undefined;
  const { databases } = value as { readonly databases: readonly unknown[] };
  const id = `database ${index}`;
  if ((databases[index] as { id?: unknown } | null)?.id === id) return undefined;
  return replaced(value as object, first, replaced(databases, index, { ...VALID_DATABASE, id }));
}

function replaced(holder: object, step: string | number, value: unknown): object {
  if (!Array.isArray(holder)) return { ...holder, [step]: value };
  return holder.map((each, at) => (at === step ? value : each));
}
