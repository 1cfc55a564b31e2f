import { describe, expect, it } from 'vitest';
import { InvalidOptionError } from '../errors.js';
import { resolveDuplicate } from './duplicate.js';

const scripts = { one: {} };
const ORIGINAL = {
  url: 'redis://user:secret@east.example.com:14000',
  RESP: 3,
  scripts,
  commandOptions: { timeout: 5 },
};

describe('the options of a duplicate', () => {
  it('are those of the original, with the command options of the view', () => {
    const { client, sameMethods } = resolveDuplicate(undefined, ORIGINAL, { asap: true });
    expect(client).toEqual({ ...ORIGINAL, commandOptions: { asap: true } });
    expect(client.scripts).toBe(scripts);
    expect(sameMethods).toBe(true);
  });

  it('may override what lives in a client', () => {
    const given = { keyPrefix: 'b:', commandOptions: { timeout: 5 } };
    const { client, sameMethods } = resolveDuplicate(given, ORIGINAL, { asap: true });
    expect(client).toMatchObject(given);
    expect(sameMethods).toBe(true);
    const other = resolveDuplicate({ scripts: { two: {} } }, ORIGINAL, undefined);
    expect(other.client.scripts).toEqual({ two: {} });
    expect(other.sameMethods).toBe(false);
  });

  it.each([
    [{ RESP: 3 }],
    [{ url: ORIGINAL.url }],
    [{ socket: undefined }],
    [{ disableOfflineQueue: true, commandsQueueMaxLength: 7, pingInterval: 5 }],
  ])('take %j, which changes nothing', (given) => {
    expect(resolveDuplicate(given, ORIGINAL, undefined).client).toEqual({
      url: ORIGINAL.url,
      RESP: 3,
      scripts,
    });
  });

  it.each([
    ['RESP', 2],
    ['url', 'redis://elsewhere.example.com'],
    ['socket', { host: 'elsewhere.example.com' }],
    ['password', 'hunter2'],
    ['database', 3],
    ['clientSideCache', {}],
  ])('do not take another %s', (name, value) => {
    const resolve = () => resolveDuplicate({ [name]: value }, ORIGINAL, undefined);
    expect(resolve).toThrow(InvalidOptionError);
    expect(resolve).toThrow(new RegExp(`^duplicate.${name}: expected one of modules,`));
    expect(resolve).not.toThrow(/hunter2/);
  });

  it('take a name that servers accept', () => {
    const { client } = resolveDuplicate({ name: 'worker-1' }, ORIGINAL, undefined);
    expect(client.name).toBe('worker-1');
    for (const name of ['two words', 'line\nfeed', 7]) {
      expect(() => resolveDuplicate({ name }, ORIGINAL, undefined)).toThrow(/^duplicate\.name: /);
    }
  });

  it.each([[null], [7], [[]]])('are an object, not %j', (given) => {
    expect(() => resolveDuplicate(given, ORIGINAL, undefined)).toThrow(InvalidOptionError);
  });
});
