/** The workflows are valid: actionlint checks their syntax, their expressions and their inputs. */
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { expect, it } from 'vitest';

interface Finding {
  readonly line: number;
  readonly message: string;
}
type Lint = (text: string, file: string) => Finding[];

// Its types come with the WebAssembly build, which is loaded here alone.
const { createLinter } = createRequire(import.meta.url)('actionlint') as {
  createLinter(): Promise<Lint>;
};
const directory = path.resolve(import.meta.dirname, '../../.github/workflows');
const lint = await createLinter();

it.each(readdirSync(directory))('%s', (file) => {
  const text = readFileSync(path.join(directory, file), 'utf8');
  expect(lint(text, file).map(({ line, message }) => `${line}: ${message}`)).toEqual([]);
});

it('a planted mistake is found', () => {
  const text =
    'on: push\njobs:\n  a:\n    runs-on: ubuntu-latest\n    steps:\n      - runs: echo\n';
  expect(lint(text, 'planted.yml')).not.toEqual([]);
});
