import type { createClient } from '@redis/client';
import { expect, it } from 'vitest';
import { checkClient } from './client.js';
import { type CLIENT_NAMES, rejectUnknownNames } from './client-names.js';

it.each([
  [
    { legacyMode: true },
    'client.legacyMode: expected a known option of node-redis (did you mean `client.legacy()`',
  ],
  [
    { retry_strategy: () => 5 },
    'client.retry_strategy: expected a known option of node-redis (did you mean socket.reconnectStrategy)',
  ],
  [
    { host: 'east', socket: {} },
    'client.host: expected a known option of node-redis (did you mean socket.host)',
  ],
  [
    { connectTimeout: 5 },
    'client.connectTimeout: expected a known option of node-redis (did you mean socket.connectTimeout)',
  ],
  [
    { pasword: 'planted-secret' },
    'client.pasword: expected a known option of node-redis (did you mean password)',
  ],
  [
    { socket: { conectTimeout: 5 } },
    'client.socket.conectTimeout: expected a known option of node-redis (did you mean connectTimeout)',
  ],
  [
    { socket: { password: 'planted-secret' } },
    'client.socket.password: expected a known option of node-redis (did you mean password beside `socket`)',
  ],
  [{ somethingElse: 1 }, 'client.somethingElse: expected a known option of node-redis, received'],
])('%o', (given, message) => {
  expect(() => checkClient(given, 'client')).toThrow(message);
  try {
    checkClient(given, 'client');
  } catch (error) {
    expect(String(error)).not.toContain('planted-secret');
  }
});

it('knows every name that the library types know', () => {
  type Options = NonNullable<Parameters<typeof createClient>[0]>;
  const ofClient: Record<Exclude<keyof Options, (typeof CLIENT_NAMES)[number]>, never> = {};
  expect(ofClient).toEqual({});
  expect(() =>
    rejectUnknownNames({ family: undefined, other: undefined }, 'socket', 's'),
  ).not.toThrow();
});
