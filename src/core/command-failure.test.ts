import { describe, expect, it } from 'vitest';
import {
  ClientClosedError,
  CommandTimeoutError,
  ConnectionLostError,
  DatabaseSwitchedError,
  OverloadedError,
  PermanentlyUnavailableError,
  TemporarilyUnavailableError,
  UnsupportedError,
} from '../errors.js';
import { COMMAND_FAILURES, commandFailureOf, leavesOutcomeOpen } from './command-failure.js';

describe('commandFailureOf', () => {
  it.each([
    [new TemporarilyUnavailableError(''), 'unavailable'],
    [new PermanentlyUnavailableError(''), 'unavailable'],
    [new CommandTimeoutError(''), 'timed-out'],
    [new ConnectionLostError(''), 'connection-lost'],
    [new DatabaseSwitchedError(''), 'switched'],
    [new ClientClosedError(''), 'closed'],
    [new OverloadedError(''), 'overloaded'],
    [new UnsupportedError(''), 'caller'],
  ] as const)('goes by the code of %s', (error, failure) => {
    expect(commandFailureOf(error)).toBe(failure);
    // Whatever the attempt behind it was classified as.
    expect(commandFailureOf(error, 'unknown-outcome')).toBe(failure);
  });

  it.each([
    ['application-reply', 'application-reply'],
    ['state-reply', 'state-reply'],
    ['state-word-inside', 'state-word-inside'],
    ['access', 'access'],
    ['never-sent', 'never-sent'],
    ['unknown-outcome', 'connection-lost'],
    ['caller', 'caller'],
    ['aborted', 'aborted'],
    [undefined, 'caller'],
  ] as const)('goes by the kind %s of a foreign error', (kind, failure) => {
    expect(commandFailureOf(new Error('WRONGTYPE'), kind)).toBe(failure);
    expect(COMMAND_FAILURES).toContain(failure);
  });
});

it('leaves nothing open that a server has answered', () => {
  expect(leavesOutcomeOpen('application-reply', true)).toBe(false);
  expect(leavesOutcomeOpen('state-word-inside', true)).toBe(false);
  expect(leavesOutcomeOpen('timed-out', true)).toBe(true);
  expect(leavesOutcomeOpen('timed-out', false)).toBe(false);
});
