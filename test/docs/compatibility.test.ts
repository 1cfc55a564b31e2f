/** The page of refused methods and commands is what the client refuses. */
import { EventEmitter } from 'node:events';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import * as version6 from '@redis/client';
import * as version5 from 'redis-client-5';
import { createMultiDbClient } from 'redis-multidb';
import { describe, expect, it } from 'vitest';
import { REFUSED_METHODS, refusal } from '../../src/client/node-redis/unsupported-commands.js';
import { root } from './blocks.js';
import { page, section } from './names.js';

const table = section(page('docs/compatibility.md'), 'Refused, with what to do instead');
const rows = table
  .split('\n')
  .filter((line) => line.startsWith('| ') && !line.startsWith('| methods'))
  .map((line) => line.split('|').map((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, x]) => x)));

it('names every refused method, and no other', () => {
  const documented = rows.flatMap((cells) => cells[1] ?? []);
  expect(documented.sort()).toEqual(Object.keys(REFUSED_METHODS).sort());
});

it.each(rows.flatMap((cells) => cells[2] ?? []).map(String))('%s is refused', (command) => {
  expect(refusal(command.split(' '))?.code).toBe('UNSUPPORTED');
});

it('names every refused command', () => {
  const source = readFileSync(
    path.join(root, 'src/client/node-redis/unsupported-commands.ts'),
    'utf8',
  );
  const [, map = ''] = /REFUSED_COMMANDS = new Map[^(]*\(\[(.*?)^\]\);/ms.exec(source) ?? [];
  const words = [...map.matchAll(/'([A-Z][A-Z-]+)'/g)].map(([, word]) => String(word));
  expect(words.length).toBeGreaterThan(20);
  const documented = new Set(rows.flatMap((cells) => cells[2] ?? []).flatMap((x) => x?.split(' ')));
  expect(words.filter((word) => !documented.has(word))).toEqual([]);
});

/** The first cell of each row of the section, and the names in the cell at `index`. */
function rowsOf(heading: string, index: number) {
  return section(page('docs/compatibility.md'), heading)
    .split('\n')
    .filter((line) => /^\| [^-]/.test(line))
    .slice(1)
    .map((line) => {
      const cells = line.split('|').map((cell) => cell.trim());
      const names = [...(cells[index] ?? '').matchAll(/`(\w+)`/g)].map(([, name]) => String(name));
      return { first: cells[1] ?? '', last: cells.at(-2) ?? '', names };
    });
}

const sourceOf = (value: unknown) =>
  typeof value === 'function' ? Function.prototype.toString.call(value) : '';

/** What an object has beside commands, what every emitter has, and what is named as internal. */
function membersOf(instance: object): string[] {
  const command = sourceOf((instance as { get?: unknown }).get);
  const found = new Set<string>();
  for (
    let at: object = instance;
    at !== EventEmitter.prototype && at !== Object.prototype;
    at = Object.getPrototypeOf(at)
  ) {
    for (const name of Object.getOwnPropertyNames(at)) {
      const { value } = Object.getOwnPropertyDescriptor(at, name) as PropertyDescriptor;
      if (name.startsWith('_') || name in EventEmitter.prototype || name === 'constructor')
        continue;
      if (sourceOf(value) !== command) found.add(name);
    }
  }
  return [...found].sort();
}

describe('every member', () => {
  const versions = [version5 as unknown as typeof version6, version6];
  const of = (make: (library: typeof version6) => object) =>
    [...new Set(versions.flatMap((library) => membersOf(make(library))))].sort();
  const client = of((library) => library.createClient());
  const multiDb = createMultiDbClient({ databases: [{ client: { url: 'redis://127.0.0.1:1' } }] });

  it('of the client is listed, and no other', () => {
    const documented = rowsOf('Of the client', 1).flatMap(({ names }) => names);
    expect(documented.sort()).toEqual(client);
  });

  it('is said to be refused exactly if it is', () => {
    const rows = rowsOf('Of the client', 1).filter(({ last }) => last.startsWith('refused'));
    const documented = rows.flatMap(({ names }) => names);
    expect(documented.sort()).toEqual(Object.keys(REFUSED_METHODS).sort());
    for (const name of client) expect([name, name in multiDb]).toEqual([name, true]);
    const { socketEpoch, isWatching, isDirtyWatch } = multiDb;
    expect([socketEpoch, isWatching, isDirtyWatch]).toEqual([0, false, false]);
  });

  // Comparing the types of the clients with each other would take the compiler half a minute.
  const others: readonly [name: string, make: (library: typeof version6) => object][] = [
    ['pool', (library) => library.createClientPool()],
    ['cluster', (library) => library.createCluster({ rootNodes: [{ url: 'redis://a:1' }] })],
    [
      'sentinel',
      (library) =>
        library.createSentinel({ name: 'm', sentinelRootNodes: [{ host: 'a', port: 1 }] }),
    ],
  ];
  it.each(others)('of a %s that a client has not is listed, and none here', (name, make) => {
    const rows = rowsOf('Of pools, clusters and sentinels', 2).filter(
      ({ first }) => first === name,
    );
    const documented = rows.flatMap(({ names }) => names);
    const beyond = of(make).filter((member) => !client.includes(member));
    expect(documented.sort()).toEqual(beyond);
    for (const member of beyond) expect([member, member in multiDb]).toEqual([member, false]);
  });
});
