import { expect, it } from 'vitest';
import { parseSteering } from './document.js';
import { consequencesOf, documentOf, nextVersion, type SteeringOrder } from './order.js';

const about = { version: 7, by: 'ada', reason: 'upgrade' };
const at = Date.UTC(2026, 0, 31, 12);
const head = { schemaVersion: 1, issuedAt: '2026-01-31T12:00:00.000Z', ...about };

it.each<[SteeringOrder, object]>([
  [
    { action: 'drain', databaseId: 'east', durationMs: 60_000, spreadMs: 5000 },
    { drain: ['east'], until: '2026-01-31T12:01:00.000Z', spread: 5000 },
  ],
  [{ action: 'hold', databaseId: 'west' }, { prefer: 'west' }],
  [
    { action: 'hold', databaseId: 'west', force: true },
    { prefer: 'west', force: true },
  ],
  [{ action: 'stay' }, { failback: false }],
  [
    { action: 'release', canaryPercent: 1, spreadMs: 5000 },
    {
      spread: [
        { share: 0.01, holdMs: 60_000 },
        { share: 1, overMs: 5000 },
      ],
    },
  ],
])('the document of %j is valid', (order, content) => {
  const document = documentOf(order, about, at);
  expect(document).toEqual({ ...head, ...content });
  expect(() => parseSteering(document)).not.toThrow();
});

it('the next version is above all that were seen, and not below the time', () => {
  expect(nextVersion(5_000_000, [])).toBe(5000);
  expect(nextVersion(5_000_000, [0, 4999])).toBe(5000);
  expect(nextVersion(5_000_000, [7, 5000])).toBe(5001);
});

const words = {
  processes: 'All',
  release: 'Release',
  span: (ms: number) => `${ms} ms`,
  duration: (ms: number) => `${ms} ms`,
};

it.each<[SteeringOrder, string]>([
  [
    { action: 'drain', databaseId: 'east', durationMs: 9, spreadMs: 5 },
    'All leave east, where another database can serve. They do so within 5 ms. It ends by itself after 9 ms.',
  ],
  [
    { action: 'hold', databaseId: 'west', force: true },
    'All prefer west, also where its health checks fail. They move at once. It holds until the next document (Release).',
  ],
  [
    { action: 'release', canaryPercent: 1, spreadMs: 5 },
    'All follow their own configuration again. 1 % of them move first, a minute earlier. They do so within 5 ms.',
  ],
])('%j in words', (order, expected) => {
  expect(consequencesOf(order, words).join(' ')).toBe(expected);
});
