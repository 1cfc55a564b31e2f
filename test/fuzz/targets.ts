/** What is fuzzed without a server. Each takes the function that is tried, so that faults can be planted. */
import { inspect } from 'node:util';
import { InvalidConfigError, type parseConfig } from 'redis-multidb/config';
import { expect } from 'vitest';
import type { cleanDocument } from '../../src/cli/live/answer.js';
import type { EventParser } from '../../src/cli/live/event-source.js';
import type { Fuzz } from './random.js';
import { isActing, SECRET, showsSecret } from './support.js';

const CONFIG = JSON.stringify({
  databases: [
    {
      id: 'east',
      weight: 1,
      client: { url: 'rediss://east:1', username: 'app', password: '${PW}', socket: { tls: true } },
    },
    { id: 'west', client: { url: 'redis://app:${PW}@west:1' }, healthCheck: { numProbes: 2 } },
    { topology: 'cluster', cluster: { rootNodes: [{ url: 'redis://:${PW}@north' }] } },
    {
      topology: 'sentinel',
      sentinel: {
        name: 'main',
        sentinelRootNodes: [{ host: 'south', port: 1 }],
        sentinelClientOptions: { password: '${PW}' },
      },
      healthCheck: { strategy: 'lag-aware', credentials: { username: 'u', password: '${PW}' } },
    },
  ],
  commandTimeoutMs: 100,
});

export const configFiles = (parse: typeof parseConfig) => (random: Fuzz) => {
  const text = random.mutate(CONFIG);
  try {
    parse(text, { env: { PW: SECRET } });
  } catch (error) {
    if (!(error instanceof InvalidConfigError)) throw error;
    expect(showsSecret(error), text).toBe(false);
    expect(isActing(error.message), text).toBe(false);
    expect(inspect(error, { maxStringLength: null }).length).toBeLessThan(30_000);
  }
};

export const documents =
  (newParser: () => EventParser, clean: typeof cleanDocument) => (random: Fuzz) => {
    const parser = newParser();
    for (let chunk = 0; chunk < 5; chunk++) {
      for (const { data } of parser.feed(random.text(20))) clean(data);
    }
    const texts = { id: random.text(), list: [random.text(), { [random.text()]: random.text() }] };
    const shown = clean(texts);
    expect(
      isActing(
        Object.values(shown as object)
          .flat(9)
          .map(flat)
          .join(''),
      ),
    ).toBe(false);
    expect(Object.getPrototypeOf(shown)).toBe(Object.prototype);
  };

const flat = (value: unknown) =>
  typeof value === 'string'
    ? value
    : Object.entries(value as object)
        .flat()
        .join('');
