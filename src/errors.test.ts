import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { ownBrand } from './class-brand.js';
import * as errors from './errors.js';
import {
  ClientClosedError,
  CommandTimeoutError,
  InvalidOptionError,
  isMultiDbError,
  MultiDbError,
  OverloadedError,
} from './errors.js';

/** A class of a client library, which knows nothing of ours. */
class Foreign extends Error {}

function withPrototype<E extends object>(error: E, prototype: object): E {
  return Object.setPrototypeOf(error, prototype) as E;
}

describe('instanceof', () => {
  it('holds for the class and its bases alone', () => {
    const error = new ClientClosedError();
    expect(error).toBeInstanceOf(ClientClosedError);
    expect(error).toBeInstanceOf(MultiDbError);
    expect(error).toBeInstanceOf(Error);
    expect(error).not.toBeInstanceOf(CommandTimeoutError);
    expect(new MultiDbError('OVERLOADED', 'text')).not.toBeInstanceOf(OverloadedError);
  });

  it('holds for an error that was given the prototype of another class', () => {
    const error = withPrototype(new ClientClosedError(), Foreign.prototype);
    expect(error).toBeInstanceOf(Foreign);
    expect(error).toBeInstanceOf(ClientClosedError);
    expect(error).toBeInstanceOf(MultiDbError);
    expect(error).not.toBeInstanceOf(CommandTimeoutError);
    expect(isMultiDbError(error)).toBe(true);
    expect(error.name).toBe('ClientClosedError');
  });

  it('holds for classes derived from ours', () => {
    class Derived extends MultiDbError {}
    const error = withPrototype(new Derived('OVERLOADED', 'text'), Foreign.prototype);
    expect(error).toBeInstanceOf(Derived);
    expect(error).toBeInstanceOf(MultiDbError);
    expect(new ClientClosedError()).not.toBeInstanceOf(Derived);
  });

  it('fails for what is no error of this package', () => {
    for (const value of [undefined, null, 1, 'text', {}, new Error('text'), MultiDbError]) {
      expect(value instanceof MultiDbError).toBe(false);
    }
    // As another copy of the package marks its own.
    const other = Object.assign(new Error('text'), { [Symbol.for('redis-multidb.error')]: true });
    expect(other instanceof MultiDbError).toBe(false);
    expect(isMultiDbError(other)).toBe(true);
  });
});

describe('two copies of this package', () => {
  it('each know the errors of the other one, by class and name', async () => {
    const other = (await import('./errors.js?copy' as never)) as typeof import('./errors.js');
    const error = new other.CommandTimeoutError('text');
    expect(Object.getPrototypeOf(error)).not.toBe(CommandTimeoutError.prototype);
    expect(error).toBeInstanceOf(CommandTimeoutError);
    expect(error).toBeInstanceOf(MultiDbError);
    expect(error).not.toBeInstanceOf(ClientClosedError);
    expect(withPrototype(error, Foreign.prototype)).toBeInstanceOf(CommandTimeoutError);
    class Derived extends CommandTimeoutError {}
    expect(error).not.toBeInstanceOf(Derived);
  });
});

describe('name', () => {
  it('is a constant of each class, because a bundler renames classes', () => {
    for (const [name, exported] of Object.entries(errors)) {
      if (!name.endsWith('Error') || name.startsWith('is')) continue;
      expect(ownBrand(exported), name).toBe(name);
    }
    expect(new ClientClosedError().name).toBe('ClientClosedError');
  });

  it('of a derived class is that of the class', () => {
    class Derived extends MultiDbError {}
    expect(new Derived('OVERLOADED', 'text').name).toBe('Derived');
  });
});

describe('InvalidOptionError', () => {
  const secrets = [
    { password: 'hunter2' },
    [{ url: 'redis://u:hunter2@h' }],
    new URL('redis://u:hunter2@h'),
    () => 'hunter2',
    new Map([['password', 'hunter2']]),
  ];
  it.each(secrets)('keeps nothing of %o', (received) => {
    const error = new InvalidOptionError('client', 'an object', received);
    for (const text of [inspect(error, { depth: 9, showHidden: true }), JSON.stringify(error)]) {
      expect(text).not.toContain('hunter2');
    }
  });

  it.each(['client.password', 'tls.passphrase', 'credentials', 'token', 'tls.key'])(
    'does not show a text for %s',
    (option) => {
      const error = new InvalidOptionError(option, 'something else', 'hunter2');
      expect(error).toMatchObject({ received: '***', message: expect.stringContaining('"***"') });
    },
  );

  it('keeps a value that is one', () => {
    for (const received of [0, -1, Number.NaN, true, null, undefined, '', 'blue']) {
      expect(new InvalidOptionError('weight', 'more', received).received).toBe(received);
    }
  });

  it.each([
    ['redis://:hunter2', 'redis://***'],
    ['redis://u:hunter2@east:1', 'redis://***@east:1'],
    [':hunter2@east', '***@east'],
    ['bell\u0007\u009b\u202eline\n', 'bell line '],
    [10n, 'a bigint'],
    [Symbol('hunter2'), 'a symbol'],
  ])('received %o: %s', (received, shown) => {
    const error = new InvalidOptionError('weight', 'more', received);
    expect(error.received).toBe(shown);
    expect(error.message).not.toContain('hunter2');
    expect(JSON.parse(JSON.stringify(error)).received).toBe(shown);
  });

  it('shows a path on one line and bounded', () => {
    const error = new InvalidOptionError(`databases[0].${'\u001b[2J\n'.repeat(1e5)}`, 'x', 1);
    expect(error.option.length).toBeLessThan(400);
    expect(error.message).not.toContain('\u001b');
  });
});
