import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { systemClock } from '../clock.js';
import { foreignText } from './foreign-text.js';
import { holdSecrets, maskSecrets } from './held-secrets.js';
import { formsOf } from './secret-forms.js';
import { secretsIn } from './secrets-in.js';

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

describe('repeated arguments of a command', () => {
  it.each([
    ["ERR unknown command 'HELLO', with args beginning with: '3' 'AUTH' 'default' 'pw' "],
    ['ERR unknown command `HELLO`, with args beginning with: `3`, `AUTH`, `default`, `pw`, '],
    ["ERR unknown command 'HELLO', with args: pw"],
    ["ERR unknown command 'HELLO' with the arguments pw"],
  ])('%s', (text) => {
    expect(foreignText(text)).toMatch(/^ERR unknown command ['`]HELLO['`]$/);
  });
});

describe('secrets', () => {
  const owner = {};
  const text = 'p@ss "w\\ord"\n`é/%';
  holdSecrets(owner, [{ text, username: 'app' }]);

  it.each([
    ['itself', text],
    ['in a URL', encodeURIComponent(text)],
    ['in a URL, lower case', encodeURIComponent(text).toLowerCase()],
    ['in JSON', JSON.stringify(text).slice(1, -1)],
    ['quoted by Redis', 'p@ss \\"w\\\\ord\\"\\n`\\xc3\\xa9/%'],
    ['on one line', text.replace('\n', ' ')],
    ['basic authentication', Buffer.from(`app:${text}`).toString('base64')],
    ['base64', Buffer.from(text).toString('base64url')],
  ])('%s', (_, form) => {
    expect(foreignText(`ERR no ${form} here`)).toMatch(/^ERR no \*\*\*=* here$/);
  });

  it('are masked before a long text is cut', () => {
    for (const length of [990, 16_370, 16_380, 1e6]) {
      const shown = foreignText(`${'x'.repeat(length)}${text}`, 16_384);
      expect(shown).not.toContain('p@ss');
    }
  });

  it.each([
    ['east', 'east is up, northeastern is not', '*** is up, northeastern is not'],
    ['up', "it's up, 'up' (up) up! supper", "it's ***, '***' (***) ***! supper"],
    ['a', 'AUTH default a', 'AUTH default ***'],
    ['7', 'pw=7 17 $7\r\n', 'pw=*** 17 $*** '],
    ['abc', '*2 $4AUTH $3abc $3abcd', '*2 $4AUTH $3*** $3abcd'],
    ['#!', 'x#!y', 'x***y'],
    ['é', `${encodeURIComponent('é')} élan`, '*** élan'],
  ])('of less than 8 characters are masked as words: %s', (secret, given, shown) => {
    holdSecrets(owner, [{ text: secret }]);
    expect(foreignText(given)).toBe(shown);
    expect(foreignText(shown)).toBe(shown);
    // Newer ones take its place, so that it is not masked in the next test.
    holdSecrets(
      owner,
      Array.from({ length: 32 }, (_, index) => ({ text: `filler-${secret}-${index}.` })),
    );
    holdSecrets(owner, [{ text, username: 'app' }]);
    expect(foreignText(given)).not.toBe(shown);
  });

  it('are held as long as their owner, and of each owner the last ones', async () => {
    let provider: object | undefined = {};
    const tokens = Array.from({ length: 40 }, (_, index) => ({ text: `token-number-${index}.` }));
    holdSecrets(provider, tokens);
    expect(maskSecrets('token-number-39. token-number-1.')).toBe('*** token-number-1.');
    provider = undefined;
    for (let turn = 0; turn < 20 && maskSecrets('token-number-39.') === '***'; turn++) {
      collectGarbage();
      await new Promise<void>((resolve) => systemClock.afterTurn(resolve));
    }
    expect(maskSecrets('token-number-39.')).toBe('token-number-39.');
    expect(maskSecrets(text)).toBe('***');
    expect(owner).toEqual({});
  });

  it('a text never shows one, wherever it stands', () => {
    const kept = {};
    const secret = fc.string({ unit: 'binary', minLength: 8, maxLength: 60 });
    fc.assert(
      fc.property(secret, fc.string({ maxLength: 40 }), (password, around) => {
        fc.pre(password.trim().length > 7 && !around.includes(password) && !'*'.includes(password));
        holdSecrets(kept, [{ text: password }]);
        for (const form of formsOf({ text: password })) {
          expect(foreignText(`${around} ${form} ${around}`)).not.toContain(form);
        }
      }),
      { numRuns: 30 },
    );
  }, 60_000);
});

it('finds the secrets in options', () => {
  const found = secretsIn({
    url: 'redis://app:url-secret@host:1',
    password: 'password-secret',
    socket: { passphrase: Buffer.from('key-secret'), host: 'east' },
    sentinelClientOptions: { username: 'app', password: 'sentinel-secret' },
    rootNodes: [{ url: new URL('rediss://:node-secret@host:1') }],
    keyPrefix: 'not a secret',
  });
  expect(found.map(({ text }) => text)).toEqual([
    'url-secret',
    'password-secret',
    'key-secret',
    'sentinel-secret',
    'node-secret',
  ]);
});

it('takes bounded time and memory, and changes nothing the second time', () => {
  const huge = '-ERR with  args \u001b[2J\n'.repeat(2_000_000);
  const shown = foreignText(`LOADING ${huge}`);
  expect(shown.length).toBeLessThanOrEqual(1000);
  const other = foreignText('a b\u001b'.repeat(10_000_000));
  expect(other).toHaveLength(1000);
  expect(foreignText(other)).toBe(other);
});
