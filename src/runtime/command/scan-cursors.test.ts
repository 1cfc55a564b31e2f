import { beforeEach, describe, expect, it } from 'vitest';
import { ServerIdentity } from '../../drivers/server-identity.js';
import type { Database } from '../database.js';
import type { Command } from './command.js';
import { CursorOwner } from './cursor-owner.js';
import { ScanCursors } from './scan-cursors.js';
import type { SentAttempt } from './sent-attempt.js';

const east = { id: 'east', driver: {} } as unknown as Database;
const west = { id: 'west', driver: {} } as unknown as Database;
const cluster = { id: 'cluster', driver: { shards: {} } } as unknown as Database;

function server(runId?: string): ServerIdentity {
  return Object.assign(ServerIdentity.unknown(), { runId });
}

let cursors: ScanCursors;
beforeEach(() => {
  cursors = new ScanCursors();
});

function attempt(
  args: string[],
  at: ServerIdentity,
  database = east,
  pass?: CursorOwner,
): SentAttempt {
  return {
    command: { args, options: { pass } },
    channel: { database },
    lane: { server: at },
    generation: 1,
  } as unknown as SentAttempt;
}

/** Whether the page is accepted. */
function page(args: string[], reply: unknown[], at: ServerIdentity, database = east): boolean {
  return cursors.note(attempt(args, at, database), reply);
}

const commandOf = (args: string[]) => ({ args }) as unknown as Command;

describe.each([
  ['SCAN', ['SCAN', '0'], ['SCAN', '5'], ['5', []]],
  ['hscan', ['hscan', 'k', '0'], ['HSCAN', 'k', '5'], [Buffer.from('5'), []]],
  ['SSCAN', ['SSCAN', 'k', '0'], ['SSCAN', 'k', '5'], ['5', []]],
  ['ZSCAN', ['ZSCAN', 'k', '0'], ['ZSCAN', 'k', '5'], ['5', []]],
  ['FT.CURSOR', ['FT.AGGREGATE', 'k', '*', 'WITHCURSOR'], ['FT.CURSOR', 'READ', 'k', '5'], [[], 5]],
])('%s', (_, first, next, reply) => {
  it('is good at the server that handed the cursor out, whatever the connection', () => {
    expect(page(first, reply, server('a'))).toBe(true);
    expect(page(next, reply, server('a'))).toBe(true);
    expect(page(next, [0, 0], server('a'))).toBe(true);
  });

  it('is discarded of another one, and of one that does not tell', () => {
    for (const other of [server('b'), server()]) {
      page(first, reply, server('a'));
      expect(page(next, reply, other)).toBe(false);
    }
  });

  it('is refused at another database before it is sent', () => {
    page(first, reply, server('a'));
    expect(cursors.otherThan(west, commandOf(next))).toBe(east);
    expect(cursors.otherThan(east, commandOf(next))).toBeUndefined();
    expect(cursors.otherThan(west, commandOf(first))).toBeUndefined();
  });
});

it('a server that does not tell is known by its connection', () => {
  const silent = server();
  page(['SCAN', '0'], ['5', []], silent);
  expect(page(['SCAN', '5'], ['0', []], silent)).toBe(true);
});

it('equal cursors are good as often as they were handed out', () => {
  for (let i = 0; i < 2; i += 1) page(['SCAN', '0'], ['5', []], server('a'));
  expect(page(['SCAN', '5'], ['0', []], server('a'))).toBe(true);
  expect(page(['SCAN', '5'], ['0', []], server('b'))).toBe(false);
  expect(page(['SCAN', '5'], ['0', []], server('a'))).toBe(true);
  // Nothing is known of it any more.
  expect(page(['SCAN', '5'], ['0', []], server('b'))).toBe(true);
});

it('a cursor of two servers is ambiguous', () => {
  page(['SCAN', '0'], ['5', []], server('a'));
  page(['SCAN', '0'], ['5', []], server('b'));
  expect(page(['SCAN', '5'], ['0', []], server('b'))).toBe(false);
});

it('of a cluster, SCAN is the matter of the driver, and HSCAN is not', () => {
  page(['SCAN', '0'], ['5', []], server('a'), cluster);
  expect(page(['SCAN', '5'], ['0', []], server('b'), cluster)).toBe(true);
  page(['HSCAN', 'k', '0'], ['5', []], server('a'), cluster);
  expect(page(['HSCAN', 'k', '5'], ['0', []], server('b'), cluster)).toBe(false);
});

it('an iterator knows its own cursor alone', () => {
  const pass = new CursorOwner();
  const next = (at: ServerIdentity) =>
    cursors.note(attempt(['SCAN', '5'], at, east, pass), ['5', []]);
  page(['SCAN', '0'], ['5', []], server('b'));
  expect(cursors.note(attempt(['SCAN', '0'], server('a'), east, pass), ['5', []])).toBe(true);
  expect([pass.database, pass.holds(1), pass.holds(2)]).toEqual([east, true, false]);
  expect(next(server('a'))).toBe(true);
  expect(next(server('b'))).toBe(false);
});

it('other replies of two parts are none of its business', () => {
  for (const args of [
    ['LRANGE', '0', '1'],
    ['FT.AGGREGATE', 'k', '*'],
    ['FT.CURSOR', 'DEL', 'k', '5'],
  ]) {
    expect(page(args, ['5', 5], server('a'))).toBe(true);
    // A map of RESP 3, as node-redis decodes it, has no text.
    expect(page(args, [Object.create(null), Object.create(null)], server('a'))).toBe(true);
  }
  expect(cursors.otherThan(west, commandOf(['FT.CURSOR', 'READ', 'k', '5']))).toBeUndefined();
});

it('forgets the oldest of too many', () => {
  for (let cursor = 1; cursor <= 10_001; cursor += 1) {
    page(['SCAN', '0'], [String(cursor), []], server('a'));
  }
  expect(cursors.otherThan(west, commandOf(['SCAN', '1']))).toBeUndefined();
  expect(cursors.otherThan(west, commandOf(['SCAN', '2']))).toBe(east);
});
