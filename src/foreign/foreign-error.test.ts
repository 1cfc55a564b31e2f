import { inspect } from 'node:util';
import { runInNewContext } from 'node:vm';
import { ErrorReply } from '@redis/client';
import { expect, it } from 'vitest';
import { ClientClosedError } from '../errors.js';
import { foreignError, foreignReason } from './foreign-error.js';
import { holdSecrets } from './held-secrets.js';
import { ownError } from './own-error.js';

const owner = {};
const SECRET = 'planted-secret-of-this-test';
holdSecrets(owner, [{ text: SECRET }]);

const everything = (value: unknown) =>
  inspect(value, { showHidden: true, depth: 20, getters: true }) + JSON.stringify(value);

it('keeps an error that shows nothing', () => {
  const refused = Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:6379'), {
    code: 'ECONNREFUSED',
    errno: -111,
  });
  const wrapped = new TypeError('no answer', { cause: refused });
  const several = new AggregateError([refused, wrapped]);
  const reply = new ErrorReply('LOADING Redis is loading the dataset in memory');
  const closed = new ClientClosedError('closed');
  const aborted = AbortSignal.abort().reason;
  for (const error of [refused, wrapped, several, reply, closed, aborted]) {
    expect(foreignError(error)).toBe(error);
  }
});

it('is a copy of the same class without secrets, wherever they stand', () => {
  const cause = new Error(`cause ${SECRET}`);
  const error = Object.assign(new RangeError(`fails\nwith ${SECRET}`, { cause }), {
    code: 'EFAIL',
    config: { headers: { authorization: SECRET } },
    note: SECRET,
    [Symbol('request')]: { SECRET },
    errors: [new Error(SECRET), SECRET],
  });
  const shown = foreignError(error);
  expect(shown).toBeInstanceOf(RangeError);
  expect(shown).toMatchObject({ message: 'fails with ***', code: 'EFAIL', note: '***' });
  expect(shown.stack).toContain('foreign-error.test');
  expect(everything(shown)).not.toContain(SECRET);
  expect(everything(shown)).toContain('cause ***');
  expect(error.note).toBe(SECRET);
});

it('a huge error is not kept', () => {
  const reply = new ErrorReply(`LOADING ${'x'.repeat(40_000_000)}`);
  const shown = foreignError(reply);
  expect(shown).toBeInstanceOf(ErrorReply);
  expect(shown.message).toHaveLength(1000);
  expect(everything(shown).length).toBeLessThan(5000);
  const deep = Array.from({ length: 100 }).reduce<Error>(
    (cause) => new Error('again', { cause }),
    new Error(SECRET),
  );
  let length = 0;
  for (let each: unknown = foreignError(deep); each instanceof Error; each = each.cause) length++;
  expect(length).toBeLessThan(10);
  expect(everything(foreignError(deep))).not.toContain(SECRET);
});

it.each([
  ['text', 'text'],
  [Object.create(null), 'a value that is not an Error'],
  [new Error(''), 'Error'],
  [new AggregateError([new Error('first of several')]), 'first of several'],
  [undefined, 'undefined'],
  [new DOMException(`aborted ${SECRET}`, 'AbortError'), 'aborted ***'],
])('the reason of %o', (thrown, reason) => {
  expect(foreignReason(thrown)).toBe(reason);
});

it('an error that throws when it is read is replaced', () => {
  const error = Object.defineProperty(new Error('x'), 'code', {
    get() {
      throw new Error('unreadable');
    },
  });
  expect(foreignError(error).message).toBe('an error that cannot be read');
});

it('words of this library stay readable, whatever the secrets are', () => {
  const words = {};
  holdSecrets(words, [{ text: 'wrong' }, { text: 'answer' }, { text: 'PING' }]);
  const own = ownError('no answer within 1000 ms: wrong');
  expect(foreignError(own)).toBe(own);
  expect(foreignReason(own)).toBe('no answer within 1000 ms: wrong');
  const reply = new ErrorReply('ERR wrong password "wrong"');
  expect(foreignReason(reply)).toBe('ERR *** password "***"');
  const wrapped = new ClientClosedError('no answer', { cause: foreignError(reply) });
  expect(foreignError(wrapped).message).toBe('no answer');
  expect(everything(wrapped)).not.toContain('wrong');
  expect(words).toEqual({});
});

it('an error of another realm, such as one of Node.js in Jest, is kept', () => {
  const error = runInNewContext('Object.assign(new Error("connect ECONNREFUSED"), { code: "X" })');
  expect(foreignError(error)).toBe(error);
  expect(foreignReason(error)).toBe('connect ECONNREFUSED');
});
