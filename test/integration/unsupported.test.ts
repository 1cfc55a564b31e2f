/** What would bypass the engine, or be lost at a switch, is refused at once. */
import { UnsupportedError } from 'redis-multidb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createFacade } from '../../src/client/node-redis/facade.js';
import { REFUSED_METHODS, SYNCHRONOUS } from '../../src/client/node-redis/unsupported-commands.js';
import { errorOf } from './support.js';

/** Each with arguments that a server would take. */
const RAW: readonly (readonly string[])[] = [
  ...['SUBSCRIBE', 'UNSUBSCRIBE', 'PSUBSCRIBE', 'PUNSUBSCRIBE', 'SSUBSCRIBE', 'SUNSUBSCRIBE'].map(
    (name) => [name, 'channel'],
  ),
  ['SELECT', '1'],
  ['AUTH', 'user', 'password'],
  ['HELLO', '3'],
  ['HELLO'],
  ['RESET'],
  ['QUIT'],
  ['MONITOR'],
  ['WATCH', 'key'],
  ['UNWATCH'],
  ['MULTI'],
  ['EXEC'],
  ['DISCARD'],
  ['READONLY'],
  ['READWRITE'],
  ['ASKING'],
  ['SYNC'],
  ['PSYNC', '?', '-1'],
  ['REPLCONF', 'ACK', '0'],
  ['SCRIPT', 'DEBUG', 'YES'],
  ['CLIENT', 'REPLY', 'OFF'],
  ['CLIENT', 'TRACKING', 'ON'],
  ['CLIENT', 'CACHING', 'YES'],
  ['CLIENT', 'CAPA', 'redirect'],
];

/** Neighbours of the refused ones by name or family. */
const ALLOWED: readonly (readonly string[])[] = [
  ['GET', 'select'],
  ['SCRIPT', 'EXISTS', 'DEBUG'],
  ['CLIENT', 'LIST'],
  ['CLIENT', 'KILL', 'ID', '1'],
  ['CLIENT', 'GETNAME'],
  ['PUBLISH', 'channel', 'SUBSCRIBE'],
  ['PUBSUB', 'CHANNELS'],
  ['SET', 'WATCH', 'MULTI'],
  ['EVAL', 'return 1', '0'],
];

const mixed = (text: string) =>
  [...text].map((letter, index) => (index % 2 ? letter.toLowerCase() : letter)).join('');
const SPELLINGS: Readonly<Record<string, (text: string) => string | Buffer>> = {
  upper: (text) => text,
  lower: (text) => text.toLowerCase(),
  mixed,
  'other mixed': (text) => mixed(` ${text}`).slice(1),
  Buffer: (text) => Buffer.from(text.toLowerCase()),
  'mixed Buffer': (text) => Buffer.from(mixed(text)),
};

/** What passed the facade. */
const passed: unknown[] = [];
type AnyClient = Record<string, (...args: unknown[]) => unknown>;
let client: AnyClient;

beforeAll(() => {
  client = createFacade(
    {},
    {
      send: async (args) => void passed.push(args),
      sendBatch: async (_kind, commands) => {
        passed.push(commands);
        return [];
      },
      refuse: (error) => Promise.reject(error),
    },
  ) as unknown as AnyClient;
});
afterAll(() => expect(passed).toHaveLength(ALLOWED.length * Object.keys(SPELLINGS).length));

describe.each(Object.entries(SPELLINGS))('raw commands, %s', (_spelling, spell) => {
  const spelled = (command: readonly string[]) => {
    const subcommand = command[0] === 'CLIENT' || command[0] === 'SCRIPT' ? 2 : 1;
    return command.map((word, index) => (index < subcommand ? spell(word) : word));
  };

  it.each(RAW.map((command) => [command.join(' '), command] as const))('%s', async (_, command) => {
    const args = spelled(command);
    const refused = await errorOf(client.sendCommand?.(args) as Promise<unknown>);
    expect(refused).toBeInstanceOf(UnsupportedError);
    // With its subcommand, if only that is refused.
    const words = command[0] === 'CLIENT' || command[0] === 'SCRIPT' ? 2 : 1;
    expect(refused.message).toMatch(new RegExp(`^${command.slice(0, words).join(' ')}: `));
    const multi = client.multi?.() as { addCommand(args: unknown): { exec(): Promise<unknown> } };
    await expect(multi.addCommand(args).exec()).rejects.toMatchObject({ code: 'UNSUPPORTED' });
  });

  it.each(ALLOWED.map((command) => [command.join(' '), command] as const))(
    'lets %s pass',
    async (_, command) => {
      await client.sendCommand?.(spelled(command));
    },
  );
});

describe('methods', () => {
  it.each(Object.entries(REFUSED_METHODS))('%s: %s', async (name, why) => {
    if (SYNCHRONOUS.has(name)) {
      expect(() => client[name]?.('key', () => {})).toThrow(UnsupportedError);
      return;
    }
    const result = client[name]?.('key', () => {});
    await expect(result).rejects.toBeInstanceOf(UnsupportedError);
    await expect(result).rejects.toMatchObject({ code: 'UNSUPPORTED', message: `${name}: ${why}` });
  });

  it.each([
    ['auth', [{ password: 'x' }]],
    ['hello', [3]],
    ['clientTracking', [true]],
    ['clientCaching', [true]],
    ['readonly', []],
    ['scriptDebug', ['YES']],
    ['asking', []],
  ] as const)('%s, a typed command', async (name, args) => {
    await expect(client[name]?.(...args)).rejects.toBeInstanceOf(UnsupportedError);
  });

  it('a selected database in a transaction', async () => {
    const multi = client.multi?.() as {
      SELECT(db: number): { exec(): Promise<unknown>; execAsPipeline(): Promise<unknown> };
    };
    await expect(multi.SELECT(1).exec()).rejects.toBeInstanceOf(UnsupportedError);
    await expect(multi.SELECT(1).execAsPipeline()).rejects.toBeInstanceOf(UnsupportedError);
  });

  it('views refuse as well', async () => {
    const view = client.withTypeMapping?.({}) as AnyClient;
    await expect(view.monitor?.(() => {})).rejects.toBeInstanceOf(UnsupportedError);
    await expect(view.sendCommand?.(['WATCH', 'key'])).rejects.toBeInstanceOf(UnsupportedError);
    expect(() => view.createPool?.()).toThrow(UnsupportedError);
  });
});
