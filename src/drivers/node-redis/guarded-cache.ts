import { isUtf8 } from 'node:buffer';
import { BasicClientSideCache } from '@redis/client';
import { commandTraits, mayRepeat } from '../../core/command-category.js';
import { InvalidOptionError } from '../../errors.js';
import type { CommandArgument } from '../driver.js';
import type { CommandSink } from './facade.js';
import {
  type CacheProvider,
  type CommandParser,
  isProvider,
  Provider,
  type TransformReply,
} from './tracking.js';

/** What the engine tells of the connection that is read from. */
export interface CacheGround {
  /** Identity of the connection and the turn of its database; undefined: there is none. */
  readonly epoch: object | undefined;
  /** Monotonic milliseconds. */
  now(): number;
  /** What was sent at `sentAt` has been answered. */
  prove(epoch: object, sentAt: number): void;
  /** It is certain that no change of late went unheard. */
  isFresh(): boolean;
  listen(listener: { onFlush(): void; onInvalidate(key: CommandArgument | null): void }): void;
}

/** Options of a call that its own reply depends on: nobody else shares what it loads. */
interface CallerOptions {
  readonly abortSignal?: unknown;
  readonly timeout?: unknown;
}

/** A read that is under way for the cache. */
interface Load {
  readonly epoch: object;
  /** With the stamp that each had at the beginning. */
  readonly keys: ReadonlyMap<string, number>;
  readonly shared: boolean;
}

/** A transformed reply that goes to its callers and not into the cache. */
class Unkept {
  constructor(readonly value: unknown) {}
}

const inUse = new WeakSet<object>();

/**
 * The cache of the facade: one of node-redis's, which keeps the values, counts and evicts, behind
 * a guard that keeps out what is not certainly true of the database that is active.
 *
 * A value is kept only if from the sending of its command until this moment the epoch was the same
 * and none of its keys was invalidated; everything is dropped when the epoch ends. node-redis's
 * own `clear()` would not do: a read under way at that moment stores its value afterwards. What
 * this client writes is dropped when it is sent and again when it is answered, so that a caller
 * never reads from the cache what was true before his own write.
 */
export class GuardedCache extends Provider implements CacheProvider {
  /** node-redis's own; what the application sees. */
  readonly inner: CacheProvider;
  /** Options of the call that comes next into `handleCache`, which is not given them. */
  caller: CallerOptions | undefined;
  readonly #loads = new Map<string, Load>();
  /**
   * Keys of what is kept or under way (as in node-redis, a superset), each with a stamp that no
   * key ever had before: a key that was invalidated is gone, or has another one.
   */
  readonly #known = new Map<string, number>();
  #stamps = 0;
  #longestKey = 0;

  constructor(
    setting: unknown,
    private readonly ground: CacheGround,
    private readonly defaults: CallerOptions,
  ) {
    super();
    this.inner = isProvider(setting) ? setting : newCache(setting);
    if (inUse.has(this.inner)) {
      const expected =
        'an instance of its own for each client: what one read does not hold for all';
      throw new InvalidOptionError('client.clientSideCache', expected, 'one that is in use');
    }
    inUse.add(this.inner);
    ground.listen({
      onFlush: () => this.#flush(),
      onInvalidate: (key) => this.invalidate(key),
    });
  }

  async handleCache(
    client: unknown,
    parser: CommandParser,
    send: () => Promise<unknown>,
    transformReply: TransformReply | undefined,
    typeMapping: unknown,
  ): Promise<unknown> {
    const shared = this.#isShareable();
    const { epoch } = this.ground;
    const id = idOf(parser);
    const running = id === undefined ? undefined : this.#loads.get(id);
    const mayUse = running === undefined || (shared && running.shared);
    if (epoch === undefined || id === undefined || !mayUse || !this.ground.isFresh()) {
      const reply = await this.#proving(epoch, send);
      if (transformReply === undefined) return reply;
      return transformReply(reply, parser.preserve, typeMapping);
    }

    let load = running;
    const start = () => {
      load = this.#begin(id, { epoch, keys: parser.keys, shared });
      return this.#proving(epoch, send);
    };
    // Called in the moment in which the value would be kept.
    const settle: TransformReply = (reply, preserve, mapping) => {
      const value = transformReply === undefined ? reply : transformReply(reply, preserve, mapping);
      if (load !== undefined && !this.#holds(load)) throw new Unkept(value);
      return value;
    };
    try {
      return await this.inner.handleCache(client, parser, start, settle, typeMapping);
    } catch (error) {
      if (error instanceof Unkept) return error.value;
      throw error;
    } finally {
      // Not before its value is kept or not: who joins it until then must know of it.
      if (load !== running && this.#loads.get(id) === load) this.#loads.delete(id);
    }
  }

  /** As the server says; `null`: everything. */
  invalidate(key: CommandArgument | null): void {
    if (key === null) {
      this.#flush();
      return;
    }
    this.#known.delete(String(key));
    this.#drop(key);
  }

  /** The cache tells the application's listeners: what they throw is no concern of who drops. */
  #drop(key: CommandArgument | null): void {
    try {
      this.inner.invalidate(key);
    } catch (error) {
      queueMicrotask(() => {
        throw error;
      });
    }
  }

  /** Drops what this client writes, before anybody can read it from the cache again. */
  guard(sink: CommandSink): CommandSink {
    const writing = <T>(
      commands: readonly (readonly CommandArgument[])[],
      send: () => Promise<T>,
    ) => {
      const writes = commands.filter((args) => !mayRepeat(commandTraits(args).category, 'read'));
      if (writes.length === 0) return send();
      this.#forget(writes);
      return send().finally(() => this.#forget(writes));
    };
    return {
      send: (args, options) => writing([args], () => sink.send(args, options)),
      sendBatch: (kind, commands, options) =>
        writing(commands, () => sink.sendBatch(kind, commands, options)),
      refuse: (error) => sink.refuse(error),
    };
  }

  trackingOn(): CommandArgument[] {
    return this.inner.trackingOn();
  }

  clear(): void {
    this.#flush();
  }

  stats(): unknown {
    return this.inner.stats();
  }

  size(): number {
    return this.inner.size();
  }

  onError(): void {}
  onClose(): void {}

  #isShareable(): boolean {
    const options = this.caller;
    this.caller = undefined;
    if (options?.abortSignal !== undefined) return false;
    return (options?.timeout ?? 0) === (this.defaults.timeout ?? 0);
  }

  #begin(
    id: string,
    { epoch, keys, shared }: { epoch: object; keys: readonly CommandArgument[]; shared: boolean },
  ): Load {
    const stamped = new Map<string, number>();
    for (const key of keys.map(String)) {
      const stamp = this.#known.get(key) ?? ++this.#stamps;
      this.#known.set(key, stamp);
      stamped.set(key, stamp);
      if (key.length > this.#longestKey) this.#longestKey = key.length;
    }
    const load = { epoch, keys: stamped, shared };
    this.#loads.set(id, load);
    return load;
  }

  /** Nothing has happened since its beginning that its reply may not know of. */
  #holds({ epoch, keys }: Load): boolean {
    if (epoch !== this.ground.epoch) return false;
    for (const [key, stamp] of keys) if (this.#known.get(key) !== stamp) return false;
    return true;
  }

  async #proving(epoch: object | undefined, send: () => Promise<unknown>): Promise<unknown> {
    const sentAt = this.ground.now();
    const reply = await send();
    if (epoch !== undefined) this.ground.prove(epoch, sentAt);
    return reply;
  }

  #forget(writes: readonly (readonly CommandArgument[])[]): void {
    for (const args of writes) {
      if (commandTraits(args).category === 'admin') {
        this.#flush();
        return;
      }
      for (const arg of args.slice(1)) {
        // A UTF-8 byte sequence is at most four times as long as what it spells.
        if (arg.length > 4 * this.#longestKey) continue;
        const key = String(arg);
        if (this.#known.has(key)) this.invalidate(key);
      }
    }
  }

  #flush(): void {
    this.#loads.clear();
    this.#known.clear();
    this.#longestKey = 0;
    this.#drop(null);
  }
}

/** The application may give an object with options, or a provider of node-redis. */
function newCache(setting: unknown): CacheProvider {
  return new BasicClientSideCache(setting as object) as unknown as CacheProvider;
}

/**
 * Tells a command from every other. Undefined: it must not be cached. Nothing would invalidate one
 * without keys, and node-redis takes bytes that are no UTF-8 for one another.
 */
function idOf({ redisArgs, keys }: CommandParser): string | undefined {
  if (keys.length === 0) return undefined;
  let lengths = '';
  for (const arg of redisArgs) {
    if (typeof arg !== 'string' && !isUtf8(arg)) return undefined;
    lengths += `${arg.length} `;
  }
  return lengths + redisArgs.join(' ');
}
