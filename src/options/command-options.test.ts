import { describe, expect, it } from 'vitest';
import { InvalidOptionError } from '../errors.js';
import { checkClient } from './client.js';
import {
  checkCommandOptions,
  checkedOutage,
  checkedRetrySafety,
  commandOptionFlaw,
} from './command-options.js';

const SAFETIES =
  "'connection', 'read', 'checked-write', 'last-write-wins', 'accumulating', 'admin'";

describe('the options of a command', () => {
  it.each([
    {},
    { timeout: 0, retrySafety: undefined, outage: undefined, iterators: undefined },
    { timeout: undefined },
    { timeout: 0.5, retrySafety: 'accumulating', outage: 'wait', iterators: 'restart' },
    { retrySafety: 'connection', outage: 'reject', iterators: 'throw' },
  ])('may be %o', (options) => {
    expect(commandOptionFlaw(options)).toBeUndefined();
  });

  it.each([
    [{ retrySafety: 'acumulating' }, `retrySafety: expected ${SAFETIES}, received "acumulating"`],
    [{ retrySafety: 'never' }, `retrySafety: expected ${SAFETIES}, received "never"`],
    [{ retrySafety: 5 }, `retrySafety: expected ${SAFETIES}, received 5`],
    [{ retrySafety: null }, `retrySafety: expected ${SAFETIES}, received null`],
    [{ retrySafety: 'toString' }, 'retrySafety: expected'],
    [{ outage: 'waiting' }, "outage: expected 'reject' or 'wait', received \"waiting\""],
    [{ iterators: 'restrat' }, "iterators: expected 'throw' or 'restart', received \"restrat\""],
    [{ timeout: -1 }, 'timeout: expected 0 to 2^31-1, received -1'],
    [{ timeout: '5s' }, 'timeout: expected 0 to 2^31-1, received "5s"'],
  ])('are not %o', (options, message) => {
    const flaw = commandOptionFlaw(options);
    expect(flaw).toBeInstanceOf(InvalidOptionError);
    expect(flaw?.message).toContain(message);
  });

  it('of all commands are validated with the options of the client', () => {
    expect(() => checkCommandOptions(undefined, 'at')).not.toThrow();
    const check = (commandOptions: unknown) => () => checkClient({ commandOptions }, 'client');
    expect(check({ timeout: 5, retrySafety: 'admin', typeMapping: {} })).not.toThrow();
    expect(check(5)).toThrow('client.commandOptions: expected an object, received 5');
    expect(check({ retrySafety: 'all' })).toThrow('client.commandOptions.retrySafety: expected');
    expect(check({ timeout: -1 })).toThrow('client.commandOptions.timeout: expected 0 to 2^31-1');
  });
});

describe('the argument of a view', () => {
  it.each(['acumulating', 'all', 'never', 'database-bound', '', 5, null, undefined, {}])(
    'of withRetrySafety is not %o',
    (value) => {
      const check = () => checkedRetrySafety(value);
      expect(check).toThrow(InvalidOptionError);
      expect(check).toThrow(`withRetrySafety: expected ${SAFETIES}, received `);
    },
  );

  it.each(['waiting', '', true, null, undefined])('of withOutage is not %o', (value) => {
    const check = () => checkedOutage(value);
    expect(check).toThrow(InvalidOptionError);
    expect(check).toThrow("withOutage: expected 'reject' or 'wait', received ");
  });

  it('is returned', () => {
    expect([checkedRetrySafety('read'), checkedOutage('wait')]).toEqual(['read', 'wait']);
  });
});
