/** An editor shows a docstring for each public name and each of its members. */
import { expect, it } from 'vitest';
import { type Documented, docstringsOf } from '../../scripts/api/docstrings.mjs';
import { publicSurface } from '../../scripts/api/surface.mjs';
import { REFUSED_METHODS } from '../../src/client/node-redis/unsupported-commands.js';

const documented = new Map<string, Documented>();
for (const { exported, named } of publicSurface()) {
  for (const declaration of [...exported.values(), ...named]) {
    for (const each of docstringsOf(declaration))
      documented.set(`${declaration.file} ${each.name}`, each);
  }
}

it('each has one', () => {
  const missing = [...documented].filter(([, { text }]) => !text?.trim()).map(([name]) => name);
  expect(missing).toEqual([]);
});

it('each is made of complete sentences', () => {
  // A list may begin or end it, and a code block may stand at its end.
  const isSentence = (text: string) =>
    /^([A-Z`'"0-9]|- |node-redis )/.test(text) && /[.:)`]$|(^|\n)- .*$/.test(text);
  const others = [...documented]
    .filter(([, { text }]) => text !== undefined && !isSentence(text.trim()))
    .map(([name, { text }]) => `${name}: ${text}`);
  expect(others).toEqual([]);
});

it('each method that is refused is struck out, with the reason and what to use instead', () => {
  const shown = [...documented.values()].flatMap(({ name, deprecated }) =>
    deprecated === undefined ? [] : [[name, deprecated.replace(/\s+/g, ' ')]],
  );
  // It is private in node-redis: no editor offers it.
  const { reAuthenticate: _, ...offered } = REFUSED_METHODS;
  expect(Object.fromEntries(shown)).toEqual(
    Object.fromEntries(
      Object.entries(offered).map(([name, reason]) => [
        `MultiDbMembers.${name}`,
        expect.stringContaining(`\`UnsupportedError\`: ${reason}.`),
      ]),
    ),
  );
});

it('hovering commandRetry shows what it does and an example', () => {
  const { text } = [...documented.values()].find(
    ({ name }) => name === 'MultiDbOptions.commandRetry',
  ) as Documented;
  expect(text).toContain('is sent again only if');
});
