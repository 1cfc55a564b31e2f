/** Connection strings: what is written is read, and no error shows a part of the text. */
import { inspect } from 'node:util';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { parseConfig } from '../../src/config/load.js';
import { createMultiDbClient } from '../../src/index.js';
import {
  type ConnectionStringOptions,
  parseConnectionString,
} from '../../src/options/connection-string.js';

const host = fc.oneof(fc.domain(), fc.ipV4(), fc.ipV6());
/** Whole characters only: half of one can't be percent-encoded. */
const text = (minLength: number) => fc.string({ unit: 'grapheme', minLength, maxLength: 30 });

const group = fc.record({
  tls: fc.boolean(),
  database: fc.option(fc.nat(15), { nil: undefined }),
  hosts: fc.uniqueArray(
    fc.record({
      host,
      port: fc.integer({ min: 1, max: 65_535 }),
      id: text(1),
      weight: fc.integer({ min: 1, max: 1000 }).map((value) => value / 100),
      username: text(1),
      password: text(1),
    }),
    { minLength: 1, maxLength: 4, selector: ({ id }) => id },
  ),
  isShared: fc.boolean(),
  commandDeadlineMs: fc.integer({ min: 1, max: 100_000 }),
  keyPrefix: text(0),
});
type Group = typeof group extends fc.Arbitrary<infer T> ? T : never;

const encoded = encodeURIComponent;

function written({ tls, database, hosts, isShared, ...options }: Group): string {
  const entries = hosts.map(({ host, port, username, password }, index) => {
    const address = `${host.includes(':') ? `[${host}]` : host}:${port}`;
    if (isShared && index > 0) return address;
    return `${encoded(username)}:${encoded(password)}@${address}`;
  });
  const path = database === undefined ? '' : `/${database}`;
  const query = [
    `id=${hosts.map(({ id }) => encoded(id)).join(',')}`,
    `weight=${hosts.map(({ weight }) => weight).join(',')}`,
    `commandDeadlineMs=${options.commandDeadlineMs}`,
    `client.keyPrefix=${encoded(options.keyPrefix)}`,
  ].join('&');
  return `${tls ? 'rediss' : 'redis'}://${entries.join(',')}${path}?${query}`;
}

function meant({ tls, database, hosts, isShared, ...options }: Group): ConnectionStringOptions {
  const databases = hosts.map(({ id, weight, host, port, ...own }, index) => {
    const { username, password } = isShared && index > 0 ? (hosts[0] as typeof own) : own;
    const client = { username, password, ...(database === undefined ? {} : { database }) };
    return { id, weight, client: { ...client, socket: { host, port, tls } } };
  });
  const { commandDeadlineMs, keyPrefix } = options;
  return { databases, commandDeadlineMs, client: { keyPrefix } } as ConnectionStringOptions;
}

it('what is written is read', () => {
  fc.assert(
    fc.property(group, (given) => {
      expect(parseConnectionString(written(given))).toEqual(meant(given));
    }),
    { numRuns: 300 },
  );
});

const SECRET = 'hunter2secret';

/** A connection string with a secret anywhere, and one mistake anywhere. */
const broken = fc
  .tuple(
    group,
    fc.nat(),
    fc.constantFrom(',', '@', '/', '?', '#', ':', '%', '&', '=', '[', ' ', 'x'),
  )
  .map(([given, at, mistake]) => {
    const hosts = given.hosts.map((each) => ({ ...each, password: SECRET }));
    const right = written({ ...given, hosts });
    const place = at % (right.length + 1);
    return right.slice(0, place) + mistake + right.slice(place);
  });

it.each([
  ['createMultiDbClient', (text: string) => createMultiDbClient(text)],
  ['parseConnectionString', (text: string) => parseConnectionString(text)],
  [
    'a config file in which it stands',
    (text: string) =>
      parseConfig(JSON.stringify({ databases: [{ client: { url: text } }], wrong: 1 })),
  ],
])('no error of %s shows a secret', (_name, attempt) => {
  let failures = 0;
  fc.assert(
    fc.property(broken, (text) => {
      try {
        attempt(text);
      } catch (error) {
        failures += 1;
        const shown = `${inspect(error, { depth: 9 })}${JSON.stringify(error)}${(error as Error).stack}`;
        expect(shown).not.toContain(SECRET.slice(0, 7));
        expect(shown).not.toContain(SECRET.slice(-6));
      }
    }),
    { numRuns: 300 },
  );
  expect(failures).toBeGreaterThan(50);
});
