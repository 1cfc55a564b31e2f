/**
 * Nothing of ioredis bypasses the engine: every member that a client has is ours, ends in
 * `sendCommand`, or is harmless for a reason that stands here. A member that a new version brings
 * fails this test until somebody has looked at it.
 */
import { EventEmitter } from 'node:events';
import { Readable } from 'node:stream';
import { createMultiDbRedis } from 'redis-multidb/ioredis';
import { describe, expect, it } from 'vitest';
import { LIBRARIES } from './support.js';

/** By member, why it may stay ioredis's own. */
const HARMLESS: Readonly<Record<string, string>> = {
  constructor: 'a class',
  options: 'the options of the client',
  status: 'set by the engine',
  isCluster: 'false',
  scriptsSet: 'the definitions of scripts',
  addedBuiltinSet: 'the names of added commands',
  condition: 'undefined: of a connection that is never opened',
  commandQueue: 'empty: of a connection that is never opened',
  offlineQueue: 'empty: of a connection that is never opened',
  connector: 'ours: it is never asked for a connection',
  connectionEpoch: '0: of a connection that is never opened',
  reconnectTimeout: 'null: of a connection that is never opened',
  retryAttempts: '0: of a connection that is never opened',
  manuallyClosing: 'false: of a connection that is never opened',
  subscriptionSet: 'of a connection that is never opened',
  _autoPipelines: 'empty: commands are always written together',
  _runningAutoPipelines: 'empty: commands are always written together',
  autoPipelineQueueSize: '0: commands are always written together',
  _addedScriptHashes: 'of a connection that is never opened',
  call: 'ends in sendCommand: same-results.test.ts',
  callBuffer: 'ends in sendCommand: same-results.test.ts',
  send_command: 'ends in sendCommand: same-results.test.ts',
  pipeline: 'its commands end in sendCommand: same-results.test.ts',
  multi: 'its commands end in sendCommand: same-results.test.ts',
  exec: 'refused by sendCommand',
  defineCommand: 'its commands end in sendCommand: same-results.test.ts',
  addBuiltinCommand: 'defines a method that ends in sendCommand',
  createBuiltinCommand: 'returns functions that end in sendCommand',
  getBuiltinCommands: 'a list of names',
  end: 'calls disconnect',
  silentEmit: 'emits an event',
  scanStream: 'calls createScanStream',
  scanBufferStream: 'calls createScanStream',
  sscanStream: 'calls createScanStream',
  sscanBufferStream: 'calls createScanStream',
  hscanStream: 'calls createScanStream',
  hscanBufferStream: 'calls createScanStream',
  zscanStream: 'calls createScanStream',
  zscanBufferStream: 'calls createScanStream',
  parseOptions: 'called by the constructor',
  resetCommandQueue: 'called by the constructor',
  resetOfflineQueue: 'called by the constructor',
  _connect: 'called by connect of ioredis, which is ours',
  flushQueue: 'of a connection that is never opened',
  _readyCheck: 'of a connection that is never opened',
  recoverFromFatalError: 'called for a connection that is never opened',
  handleReconnection: 'called for a connection that is never opened',
  getBlockingTimeoutInMs: 'called by sendCommand of ioredis, which is ours',
  getConfiguredBlockingTimeout: 'called by sendCommand of ioredis, which is ours',
  setSocketTimeout: 'called by sendCommand of ioredis, which is ours',
  clearSocketTimeout: 'of a connection that is never opened',
  _getServerAddress: 'of traces: the first database',
  _buildCommandContext: 'of traces of sendCommand of ioredis, which is ours',
  _buildBatchContext: 'of traces: the first database',
  _getDescription: 'of debug output',
};

/** Members of a Pipeline, which is ioredis's own. Its commands end in `sendCommand` of the client. */
const OF_PIPELINES = [
  ...['constructor', 'redis', 'isPipeline', 'isCluster', 'options', 'promise', 'resolve', 'reject'],
  ...['replyPending', '_queue', '_result', '_transactions', '_shaToScript', 'nodeifiedPromise'],
  ...[
    'length',
    'fillResult',
    'sendCommand',
    'addBatch',
    'exec',
    'execBuffer',
    'multi',
    'multiBuffer',
  ],
  ...['scriptsSet', 'addedBuiltinSet', 'getBuiltinCommands', 'createBuiltinCommand'],
  ...['addBuiltinCommand', 'defineCommand', 'call', 'callBuffer', 'send_command'],
];

/** Members of a Command: arguments, its promise, and its settling. Timers are set by nobody. */
const OF_COMMANDS = [
  ...['constructor', 'name', 'args', 'callback', 'promise', 'resolve', 'reject', 'errorStack'],
  ...['inTransaction', 'isTraced', 'isResolved', 'isSettled', 'transformed', 'replyEncoding'],
  ...['protocol', 'replyMapping', 'setReplyContext', 'transformReply', 'preTransformedName'],
  ...['getSlot', 'getKeys', '_iterateKeys', 'keys', 'slot', 'toWritable', 'stringifyArguments'],
  ...['initPromise', '_convertValue', 'bufferMode', 'isReadOnly', 'ignore'],
  ...['setTimeout', 'setBlockingTimeout', 'extractBlockingTimeout', '_clearTimers'],
  ...['_commandTimeoutTimer', '_blockingTimeoutTimer', '_blockingDeadline'],
];

/** Members of a scan stream. Each page is fetched by a member of `opt.redis`, which is ours. */
const OF_SCAN_STREAMS = [
  ...['constructor', 'opt', '_redisCursor', '_redisDrained', '_read', 'close'],
];

describe.each(LIBRARIES)('%s', (_, Class) => {
  const options = { lazyConnect: true };
  const databases = [{ id: 'east', redis: 'redis://127.0.0.1:1' }];
  const redis = createMultiDbRedis({ Redis: Class, redis: options, databases });
  const plain = new Class({ lazyConnect: true });
  const commands = new Set(plain.getBuiltinCommands().flatMap((name) => [name, `${name}Buffer`]));

  const members = (instance: object) => {
    const found = new Set<string>();
    for (let at = instance; at !== Object.prototype; at = Object.getPrototypeOf(at)) {
      for (const key of Reflect.ownKeys(at)) if (typeof key === 'string') found.add(key);
    }
    return found;
  };
  const isOurs = (key: string) => {
    let at: object = redis;
    while (at !== Class.prototype) {
      if (Object.hasOwn(at, key) && !Object.hasOwn(plain, key)) return true;
      at = Object.getPrototypeOf(at);
    }
    return false;
  };

  it('has no member that nobody has looked at', () => {
    const unknown = [...members(plain)].filter(
      (key) =>
        !isOurs(key) &&
        !commands.has(key) &&
        !(key in EventEmitter.prototype) &&
        !Object.hasOwn(HARMLESS, key),
    );
    expect(unknown).toEqual([]);
  });

  it('has no member of Pipeline, Commander, ScanStream or Command that nobody has looked at', () => {
    const pipeline = redis.pipeline();
    expect(pipeline.constructor).toBe(plain.pipeline().constructor);
    const ownOf = (instance: object) =>
      [...members(instance)].filter(
        (key) => !commands.has(key) && !(key in EventEmitter.prototype),
      );
    const unknown = (instance: object, known: readonly string[]) =>
      ownOf(instance).filter((key) => !known.includes(key));
    expect(unknown(pipeline, OF_PIPELINES)).toEqual([]);
    const ofScanStreams = [...members(redis.scanStream())].filter(
      (key) => !(key in Readable.prototype) && !Object.hasOwn(new Readable(), key),
    );
    expect(ofScanStreams.filter((key) => !OF_SCAN_STREAMS.includes(key))).toEqual([]);
    // A Pipeline reaches its client by `sendCommand` alone.
    const { Command } = Class as unknown as { Command: new (name: string) => object };
    expect(unknown(new Command('ping'), OF_COMMANDS)).toEqual([]);
  });

  it('keeps the methods of a subclass, and those that somebody has replaced', () => {
    class Loud extends Class {
      override get(key: string) {
        return super.get(key.toUpperCase());
      }
    }
    const loud = createMultiDbRedis({ Redis: Loud, redis: options, databases });
    const sent: unknown[] = [];
    loud.sendCommand = ({ name, args }: { name: string; args: unknown[] }) =>
      sent.push([name, args]);
    loud.get('a');
    loud.set('a', 1);
    loud.getBuffer('a');
    expect(sent).toEqual([
      ['get', ['A']],
      ['set', ['a', '1']],
      ['get', ['a']],
    ]);
    const own = (name: string) => Object.hasOwn(Object.getPrototypeOf(loud), name);
    expect([own('get'), own('set'), own('getBuffer')]).toEqual([false, true, true]);
  });

  it('has no class for a cluster: one of ioredis connects by itself', () => {
    expect(redis.isCluster).toBe(false);
    const Cluster = Class.Cluster as unknown as { prototype: object };
    expect(redis instanceof (Cluster as never)).toBe(false);
    const clusterOf = () => createMultiDbRedis({ Redis: Cluster as never, databases });
    expect(clusterOf).toThrow(/Redis: .*the class `Redis`/);
  });

  it('has its own members to live with a connection', () => {
    for (const name of ['connect', 'disconnect', 'duplicate', 'monitor', 'sendCommand']) {
      expect([name, isOurs(name)]).toEqual([name, true]);
    }
  });

  it('hands every command to the engine, or refuses it', async () => {
    const sent: string[] = [];
    const own = redis as unknown as Record<string, unknown>;
    own.sendCommand = ({ name }: { name: string }) => sent.push(name);
    for (const name of plain.getBuiltinCommands()) {
      if (name === 'multi' || name === 'exec') continue;
      (own[name] as () => void).call(redis);
      (own[`${name}Buffer`] as () => void).call(redis);
    }
    expect(new Set(sent).size).toBe(plain.getBuiltinCommands().length - 2);
  });
});
