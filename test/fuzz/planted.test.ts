/** Faults are planted, and the fuzzing has to find each of them. */
import { parseConfig } from 'redis-multidb/config';
import { expect, it } from 'vitest';
import { cleanDocument } from '../../src/cli/live/answer.js';
import { EventParser } from '../../src/cli/live/event-source.js';
import { InvalidConfigError } from '../../src/errors.js';
import { fuzz, SECRET } from './support.js';
import { configFiles, documents } from './targets.js';

type Parse = typeof parseConfig;

/** `parseConfig` whose errors are what `spoil` makes of them. */
const spoilt = (spoil: (error: InvalidConfigError, text: string) => unknown): Parse =>
  ((text: string, options: object) => {
    try {
      return parseConfig(text, options);
    } catch (error) {
      throw spoil(error as InvalidConfigError, text);
    }
  }) as Parse;

const FAULTS: readonly (readonly [string, Parse])[] = [
  ['an error of another kind', spoilt(({ message }) => new TypeError(message))],
  ['the secret in the cause', spoilt((e) => Object.assign(e, { cause: { a: { pw: SECRET } } }))],
  [
    'the secret in base64',
    spoilt((e) => new InvalidConfigError(`${Buffer.from(`u:${SECRET}`).toString('base64')}${e}`)),
  ],
  ['the text of the file', spoilt((e, text) => Object.assign(e, { message: text }))],
  ['an error without bound', spoilt((e) => Object.assign(e, { text: 'x'.repeat(1e5) }))],
];

it.each(FAULTS)('config files: %s', async (_, parse) => {
  await expect(fuzz('planted', configFiles(parse), { budgetMs: 5000 })).rejects.toThrow(
    /repeat with FUZZ_SEED=\d+/,
  );
});

it.each([
  ['control characters', (value: unknown) => value],
  ['names', (value: unknown) => JSON.parse(JSON.stringify(value))],
  ['a throw', (value: unknown) => cleanDocument(BigInt(JSON.stringify(value)?.length ?? 0.5))],
])('documents: %s', async (_, clean) => {
  const test = documents(() => new EventParser(), clean);
  await expect(fuzz('planted', test, { budgetMs: 5000 })).rejects.toThrow(/FUZZ_SEED=\d+/);
});
