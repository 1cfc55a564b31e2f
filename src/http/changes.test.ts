import { expect, it } from 'vitest';
import { databasesMeant, readChange } from './changes.js';
import type { Route } from './routes.js';

const active: Route = { name: 'active', databaseId: undefined };
const drain: Route = { name: 'drain', databaseId: 'east' };
const resume: Route = { name: 'resume', databaseId: 'east' };
const release: Route = { name: 'release', databaseId: 'east' };
const endless = Number.POSITIVE_INFINITY;

it.each([
  [active, { database: 'west' }, { action: 'switch', databaseId: 'west', durationMs: undefined }],
  [
    active,
    { database: 'west', durationMs: 5 },
    { action: 'switch', databaseId: 'west', durationMs: 5 },
  ],
  [
    active,
    { database: 'west', durationMs: null },
    { action: 'switch', databaseId: 'west', durationMs: endless },
  ],
  [
    active,
    { database: 'west', durationMs: 5, unchecked: true },
    { action: 'switch-unchecked', databaseId: 'west', durationMs: 5 },
  ],
  [release, {}, { action: 'release', databaseId: 'east' }],
  [drain, {}, { action: 'drain', databaseId: 'east', durationMs: endless }],
  [drain, { durationMs: 1000 }, { action: 'drain', databaseId: 'east', durationMs: 1000 }],
  [resume, {}, { action: 'resume', databaseId: 'east' }],
])('%j %j', (route, body, expected) => {
  expect(readChange(route, body)).toEqual(expected);
});

it.each([
  [active, null],
  [active, []],
  [active, 'west'],
  [active, {}],
  [active, { database: 7 }],
  [active, { database: '' }],
  [active, { database: 'west', durationMs: 0 }],
  [active, { database: 'west', durationMs: '5' }],
  [active, { database: 'west', durationMs: 2 ** 31 }],
  [active, { database: 'west', force: true }],
  [active, { database: 'west', unchecked: true }],
  [active, { database: 'west', unchecked: 1, durationMs: 5 }],
  [active, JSON.parse('{"__proto__":{"database":"west"}}')],
  [active, JSON.parse('{"database":"west","__proto__":{"durationMs":1}}')],
  [active, JSON.parse('{"database":"west","constructor":1}')],
  [drain, { database: 'west' }],
  [drain, { durationMs: -1 }],
  [resume, { durationMs: 1 }],
])('refuses %j %j', (route, body) => {
  expect(readChange(route, body)).toEqual(expect.any(String));
});

const client = (...ids: string[]) => ({ databases: ids.map((id) => ({ id })) }) as never;

it.each([
  [['east', 'west'], 'west', ['west']],
  [['east', 'prod@west'], 'west', ['prod@west']],
  [['east', 'prod@west'], 'prod@west', ['prod@west']],
  [['west', 'prod@west'], 'west', ['west', 'prod@west']],
  [['west', 'prod@west'], 'prod@west', ['prod@west']],
  [['east'], 'west', []],
])('of %j, %s means %j', (ids, given, meant) => {
  expect(databasesMeant(client(...ids), given)).toEqual(meant);
});
