/**
 * Nothing of node-redis bypasses the engine: every member that a client has is ours, refused,
 * proven to pass the seam, or harmless for a reason that stands here. A member that a new version
 * brings fails this test until it is classified.
 */
import { EventEmitter } from 'node:events';
import { createClient, defineScript } from '@redis/client';
import { createMultiDbClient } from 'redis-multidb';
import { beforeAll, describe, expect, it } from 'vitest';
import { createFacade } from '../../src/client/node-redis/facade.js';
import { REFUSED_METHODS } from '../../src/client/node-redis/unsupported-commands.js';

/** By member, why it may stay node-redis's own. */
const HARMLESS: Readonly<Record<string, string>> = {
  constructor: 'a class',
  Multi: 'the class of multi(), which is given our _executeMulti and _executePipeline',
  MULTI: 'makes a Multi, tested below',
  multi: 'makes a Multi, tested below',
  scanIterator: 'calls scan, a command, tested below',
  hScanIterator: 'calls hScan, a command, tested below',
  hScanValuesIterator: 'calls hScan, a command, tested below',
  hScanNoValuesIterator: 'calls hScanNoValues, a command, tested below',
  sScanIterator: 'calls sScan, a command, tested below',
  zScanIterator: 'calls zScan, a command, tested below',
  _executeCommand: 'calls sendCommand of `this`, tested by every command',
  _executeScript: 'calls sendCommand of `this`, tested below',
  withTypeMapping: 'makes a view, tested below',
  withAbortSignal: 'makes a view, tested below',
  asap: 'makes a view, tested below',
  _commandOptionsProxy: 'makes a view',
  _self: 'the facade itself',
  _commandOptions: 'the options of a view',
  options: 'the facade’s options, without address and credentials',
  _keyPrefix: 'an option',
  _clientId: 'a name that nothing is sent with',
  _setIdentity: 'sets _clientId',
  clientSideCache: 'undefined, or ours with the option: caching.test.ts',
  isWatching: 'false: WATCH is refused',
  isDirtyWatch: 'false: WATCH is refused',
  socketEpoch: 'of a socket that is never opened',
  _ejectSocket: 'internal to node-redis, of a socket that is never opened',
  _insertSocket: 'internal to node-redis, of a socket that is never opened',
  _maintenanceUpdate: 'internal to node-redis, of a socket that is never opened',
  _pause: 'internal to node-redis, of a socket that is never opened',
  _unpause: 'internal to node-redis, of a socket that is never opened',
  _handleSmigrated: 'internal to node-redis, of a queue that nothing is written to',
  _getQueue: 'internal to node-redis, a queue that nothing is written to',
};

type Members = Record<string | symbol, unknown>;

/** Every member with its value or getter, nearest first. */
function members(client: object): Map<string | symbol, PropertyDescriptor> {
  const found = new Map<string | symbol, PropertyDescriptor>();
  for (
    let at: object | null = client;
    at !== null && at !== EventEmitter.prototype;
    at = Object.getPrototypeOf(at)
  ) {
    for (const key of Reflect.ownKeys(at)) {
      if (!found.has(key)) {
        found.set(key, Object.getOwnPropertyDescriptor(at, key) as PropertyDescriptor);
      }
    }
  }
  return found;
}

const sourceOf = (value: unknown) =>
  typeof value === 'function' ? Function.prototype.toString.call(value) : '';

describe('every member', () => {
  const plain = createClient() as unknown as Members;
  const client = createMultiDbClient({
    databases: [{ client: { url: 'redis://127.0.0.1:1' } }],
  }) as unknown as Members;
  /** A method that node-redis generated from a command's definition; all share this source. */
  const commandSource = sourceOf(plain.get);
  const isInherited = (key: string | symbol) =>
    Object.getOwnPropertyDescriptor(client._self, key) === undefined;

  it('of the commands is generated from one source, which ends in the seam', () => {
    expect(commandSource).toContain('this._self._executeCommand(command');
    expect(sourceOf(plain._executeCommand)).toContain('this.sendCommand(');
  });

  it('is ours, refused, a command, or harmless', () => {
    const unknown: string[] = [];
    for (const [key, { value }] of members(plain)) {
      if (!isInherited(key)) continue;
      if (sourceOf(value) === commandSource) continue;
      if (typeof key === 'symbol' || key in EventEmitter.prototype) continue;
      if (Object.hasOwn(HARMLESS, key)) continue;
      unknown.push(key);
    }
    expect(unknown).toEqual([]);
  });

  it('that is refused is refused on the facade', () => {
    for (const name of Object.keys(REFUSED_METHODS)) {
      expect([name, isInherited(name)]).toEqual([name, false]);
    }
  });

  it('that a user calls to live with a connection is ours', () => {
    for (const name of [
      'connect',
      'close',
      'destroy',
      'disconnect',
      'quit',
      'QUIT',
      'ref',
      'unref',
      'isOpen',
      'isReady',
      'sendCommand',
      '_executeMulti',
      '_executePipeline',
      'duplicate',
      'legacy',
      'createPool',
      'withCommandOptions',
    ]) {
      expect([name, isInherited(name)]).toEqual([name, false]);
    }
  });

  it('that is listed as harmless exists in one of the versions', () => {
    const gone = Object.keys(HARMLESS).filter((name) => !members(plain).has(name));
    // The key prefix came with version 6.
    expect(gone.filter((name) => name !== '_keyPrefix')).toEqual([]);
  });
});

describe('the seam', () => {
  const sent: { args: unknown; options: unknown }[] = [];
  const last = () => sent.at(-1);
  // biome-ignore lint/suspicious/noExplicitAny: members of several kinds
  let facade: any;

  beforeAll(() => {
    facade = createFacade(
      {
        scripts: {
          script: defineScript({
            NUMBER_OF_KEYS: 0,
            SCRIPT: 'return 1',
            parseCommand() {},
            transformReply: (reply: unknown) => reply as never,
          }),
        },
        modules: { mod: { ECHO: echo(), echo: echo() } },
        functions: {
          library: {
            call: {
              NUMBER_OF_KEYS: 0,
              parseCommand() {},
              transformReply: (reply: unknown) => reply as never,
            },
          },
        },
      },
      {
        send: async (args, options) => {
          sent.push({ args: [...args], options });
          return String(args[0]).includes('SCAN') ? ['0', []] : 'OK';
        },
        sendBatch: async (kind, commands, options) => {
          sent.push({ args: [kind, ...commands], options });
          return commands.map(() => 'OK');
        },
        refuse: (error) => Promise.reject(error),
      },
    );
  });

  function echo() {
    return {
      parseCommand: (parser: { push(...args: string[]): unknown }, text: string) => {
        parser.push('ECHO', text);
      },
      transformReply: (reply: unknown) => reply,
    };
  }

  it.each([
    ['a command', () => facade.set('key', 'value'), ['SET', 'key', 'value']],
    ['a command in upper case', () => facade.GET('key'), ['GET', 'key']],
    ['a raw command', () => facade.sendCommand(['PING']), ['PING']],
    ['a module', () => facade.mod.echo('x'), ['ECHO', 'x']],
    ['a script', () => facade.script(), ['EVALSHA', expect.any(String), '0']],
    ['a function', () => facade.library.call(), ['FCALL', 'call', '0']],
    ['multi', () => facade.multi().get('key').exec(), ['multi', ['GET', 'key']]],
    ['MULTI', () => facade.MULTI().get('key').exec(), ['multi', ['GET', 'key']]],
    ['a pipeline', () => facade.multi().get('key').execAsPipeline(), ['pipeline', ['GET', 'key']]],
    ['scanIterator', () => facade.scanIterator().next(), ['SCAN', '0']],
    ['hScanIterator', () => facade.hScanIterator('k').next(), ['HSCAN', 'k', '0']],
    [
      'hScanValuesIterator',
      () => facade.hScanValuesIterator('k').next(),
      expect.arrayContaining(['HSCAN', 'k', '0']),
    ],
    [
      'hScanNoValuesIterator',
      () => facade.hScanNoValuesIterator('k').next(),
      ['HSCAN', 'k', '0', 'NOVALUES'],
    ],
    ['sScanIterator', () => facade.sScanIterator('k').next(), ['SSCAN', 'k', '0']],
    ['zScanIterator', () => facade.zScanIterator('k').next(), ['ZSCAN', 'k', '0']],
  ])('gets %s', async (_what, call, args) => {
    const before = sent.length;
    await call();
    expect(sent.length).toBe(before + 1);
    expect(last()?.args).toEqual(args);
  });

  it('gets the options of a view, for every kind of call', async () => {
    const { signal } = new AbortController();
    const view = facade
      .withTypeMapping({ 36: Buffer })
      .withAbortSignal(signal)
      .asap()
      .withCommandOptions({ timeout: 7 })
      .withRetrySafety('admin');
    const options = {
      typeMapping: { 36: Buffer },
      abortSignal: signal,
      asap: true,
      timeout: 7,
      retrySafety: 'admin',
    };
    for (const call of [
      () => view.get('key'),
      () => view.sendCommand(['GET', 'key']),
      () => view.mod.echo('x'),
      () => view.script(),
      () => view.library.call(),
      () => view.multi().get('key').exec(),
      () => view.scanIterator().next(),
    ]) {
      await call();
      expect([String(call), last()?.options]).toEqual([
        String(call),
        expect.objectContaining(options),
      ]);
    }
    await facade.get('key');
    expect(last()?.options).not.toMatchObject({ timeout: 7 });
  });
});
