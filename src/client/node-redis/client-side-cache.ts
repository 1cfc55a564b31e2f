import { isUtf8 } from 'node:buffer';
import { BasicClientSideCache } from '@redis/client';
import { isCacheable } from '../../core/cacheable-command.js';
import type { CommandArgument } from '../../core/command-argument.js';
import { commandTraits } from '../../core/command-category.js';
import { mayRepeat } from '../../core/command-risk.js';
import {
  type CacheProvider,
  type CommandParser,
  isProvider,
  Provider,
  type TransformReply,
} from '../../drivers/node-redis/tracking.js';
import { InvalidOptionError } from '../../errors.js';
import { DEFAULT_CACHE_TTL_MS } from '../../options/client-cache.js';
import { processState } from '../../process-state.js';
import { CacheStore, type CacheValidityView } from './cache-store.js';
import type { CommandSink } from './internals.js';

/** Options that affect the reply of a single call, so that it is not shared. */
interface CallerOptions {
  readonly abortSignal?: unknown;
  readonly timeout?: unknown;
}

/** A transformed reply, which goes to its callers and not into the cache. */
class Unkept {
  constructor(readonly value: unknown) {}
}

/** By provider. */
const stores = processState('cache-stores@1', () => new WeakMap<object, CacheStore>());

/**
 * The cache of the facade: one of node-redis's, which keeps the values, counts and evicts, behind
 * a guard that keeps out what is not certainly true of the database that is active.
 *
 * A value is kept only if from the sending of its command until this moment the epoch was the same
 * and none of its keys was invalidated; everything is dropped when the epoch ends. node-redis's
 * own `clear()` would not do: a read in flight at that moment stores its value afterwards. What
 * this client writes is dropped when it is sent and again when it is answered, so that a caller
 * never reads from the cache what was true before his own write.
 */
export class GuardedCache extends Provider implements CacheProvider {
  /** Options of the call that comes next into `handleCache`, which is not given them. */
  caller: CallerOptions | undefined;
  readonly #store: CacheStore;

  constructor(
    setting: unknown,
    private readonly validity: CacheValidityView,
    private readonly defaults: CallerOptions,
  ) {
    super();
    this.#store = storeOf(setting, validity);
    validity.listen({
      onFlush: () => this.#store.flush(),
      onInvalidate: (key) => this.#store.invalidate(key),
      onClose: () => this.#store.close(),
    });
  }

  /** The cache of node-redis, which the application sees. */
  get inner(): CacheProvider {
    return this.#store.inner;
  }

  async handleCache(
    client: unknown,
    parser: CommandParser,
    send: () => Promise<unknown>,
    transformReply: TransformReply | undefined,
    typeMapping: unknown,
  ): Promise<unknown> {
    const shared = this.#isShareable();
    const { epoch } = this.validity;
    const store = this.#store;
    store.expire(this.validity.now());
    const id = idOf(parser);
    const running = id === undefined ? undefined : store.loads.get(id);
    // A read of a duplicate would end with it.
    const isOwn = running?.validity === this.validity;
    const mayUse = running === undefined || (isOwn && shared && running.shared);
    if (epoch === undefined || id === undefined || !mayUse || !store.isFresh(this.validity)) {
      const reply = await this.#proving(epoch, send);
      if (transformReply === undefined) return reply;
      return transformReply(reply, parser.preserve, typeMapping);
    }

    let load = running;
    const start = () => {
      load = store.begin(id, parser.keys, { validity: this.validity, epoch, shared });
      return this.#proving(epoch, send);
    };
    // Called in the moment in which the value would be kept.
    const settle: TransformReply = (reply, preserve, mapping) => {
      const value = transformReply === undefined ? reply : transformReply(reply, preserve, mapping);
      if (load !== undefined && !store.holds(load)) throw new Unkept(value);
      return value;
    };
    try {
      return await this.inner.handleCache(client, parser, start, settle, typeMapping);
    } catch (error) {
      if (error instanceof Unkept) return error.value;
      throw error;
    } finally {
      // Not before its value is kept or not: who joins it until then must know of it.
      if (load !== running && store.loads.get(id) === load) store.loads.delete(id);
    }
  }

  /** An invalidation by the server; `null` for all keys. */
  invalidate(key: CommandArgument | null): void {
    this.#store.invalidate(key);
  }

  /** Drops the keys that this client writes, before anything can read them from the cache again. */
  guard(sink: CommandSink): CommandSink {
    const writing = <T>(
      commands: readonly (readonly CommandArgument[])[],
      send: () => Promise<T>,
    ) => {
      const writes = commands.filter((args) => !mayRepeat(commandTraits(args).category, 'read'));
      if (writes.length === 0) return send();
      this.#store.forget(writes);
      return send().finally(() => this.#store.forget(writes));
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
    this.#store.flush();
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

  async #proving(epoch: object | undefined, send: () => Promise<unknown>): Promise<unknown> {
    const sentAt = this.validity.now();
    const reply = await send();
    if (epoch !== undefined) this.validity.prove(epoch, sentAt);
    return reply;
  }
}

/** A provider of node-redis, shared by a client and its duplicates, or a cache of one client. */
function storeOf(setting: unknown, { group }: CacheValidityView): CacheStore {
  if (!isProvider(setting)) {
    const { ttl } = setting as { readonly ttl?: number };
    const maxAgeMs = ttl === undefined ? DEFAULT_CACHE_TTL_MS : Number.POSITIVE_INFINITY;
    return new CacheStore(newCache(setting), group, maxAgeMs);
  }
  let store = stores.get(setting);
  if (store === undefined) {
    // 0 is the default of node-redis, not a choice of the user.
    const hasOwn = Number((setting as { readonly ttl?: unknown }).ttl) > 0;
    store = new CacheStore(
      setting,
      group,
      hasOwn ? Number.POSITIVE_INFINITY : DEFAULT_CACHE_TTL_MS,
    );
    stores.set(setting, store);
  }
  if (store.group !== group) {
    const expected = 'a separate instance for each group, because databases hold different data';
    throw new InvalidOptionError('client.clientSideCache', expected, 'a provider that is in use');
  }
  return store;
}

/** The application may give an object with options, or a provider of node-redis. */
function newCache(setting: unknown): CacheProvider {
  return new BasicClientSideCache(setting as object) as unknown as CacheProvider;
}

/**
 * A key that identifies a command; undefined if the command must not be cached. Its reply may
 * depend on more than its keys, or node-redis would confuse it with another command: different
 * bytes that are not UTF-8 look the same.
 */
function idOf({ redisArgs, keys }: CommandParser): string | undefined {
  if (keys.length === 0 || !isCacheable(redisArgs)) return undefined;
  let lengths = '';
  for (const arg of redisArgs) {
    if (typeof arg !== 'string' && !isUtf8(arg)) return undefined;
    lengths += `${arg.length} `;
  }
  return lengths + redisArgs.join(' ');
}
