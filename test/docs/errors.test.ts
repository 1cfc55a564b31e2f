/** Every error class that is exported, and every code, is documented, and no other. */
import { expect, it } from 'vitest';
import * as errors from '../../src/errors.js';
import * as api from '../../src/index.js';
import { page, section } from './names.js';

/** One per code, so that the type check fails on a code that is missing here. */
const CODES: Record<errors.MultiDbErrorCode, true> = {
  TEMPORARILY_UNAVAILABLE: true,
  PERMANENTLY_UNAVAILABLE: true,
  COMMAND_TIMEOUT: true,
  CONNECTION_LOST: true,
  CIRCUIT_OPEN: true,
  DATABASE_SWITCHED: true,
  DATABASE_UNAVAILABLE: true,
  INITIALIZATION_FAILED: true,
  INVALID_OPTION: true,
  INVALID_CONFIG: true,
  UNKNOWN_DATABASE: true,
  CLIENT_CLOSED: true,
  NOT_WRITABLE: true,
  OVERLOADED: true,
  FUNCTION_LOAD_FAILED: true,
  ACQUIRE_TIMEOUT: true,
  SUBSCRIPTION_REFUSED: true,
  INVALID_STEERING: true,
  STEERING_SOURCE_FAILED: true,
  UNSUPPORTED: true,
};

type AnyErrorClass = new (message: string, list: never[]) => errors.MultiDbError;

const classes = Object.entries(api)
  .filter(([, value]) => isErrorClass(value) && value !== api.MultiDbError)
  .map(([name, value]) => ({ name, code: new (value as AnyErrorClass)('x', []).code }));

const docs = page('docs/errors.md');

function isErrorClass(value: unknown): boolean {
  return typeof value === 'function' && value.prototype instanceof Error;
}

it('the table has every class with its code', () => {
  const rows = [...docs.prose.matchAll(/^\| \[`(\w+)`\]\(#\w+\) \| `(\w+)` \|$/gm)];
  const documented = rows.map(([, name, code]) => ({ name, code }));
  const byName = (a: { name?: string }, b: { name?: string }) =>
    String(a.name).localeCompare(String(b.name));
  expect(documented.sort(byName)).toEqual([...classes].sort(byName));
});

it('has a class for every code', () => {
  expect(classes.map(({ code }) => code).sort()).toEqual(Object.keys(CODES).sort());
});

it('exports every class that there is', () => {
  const all = Object.keys(errors).filter((name) => isErrorClass(Reflect.get(errors, name)));
  expect(Object.keys(api)).toEqual(expect.arrayContaining(all));
});

it.each(classes)('$name says when, what may have been executed, and what to do', ({ name }) => {
  const text = section(docs, `\`${name}\``);
  for (const part of ['**When:**', '**`maybeExecuted`:**', '**What to do:**']) {
    expect(text).toContain(part);
  }
});

it.each(classes)('$name documents what it has beyond the others', ({ name }) => {
  const instance = new (Reflect.get(api, name) as AnyErrorClass)('x', []);
  const common = Object.keys(new api.MultiDbError('UNSUPPORTED', 'x'));
  const own = Object.keys(instance).filter((key) => !common.includes(key));
  const text = section(docs, `\`${name}\``);
  expect(own.filter((key) => !text.includes(`\`${key}\``))).toEqual([]);
});
