import type { EventEmitter } from 'node:events';
import { BasicClientSideCache } from '@redis/client';
import type { CommandArgument } from '../../core/command-argument.js';

/** The parts of node-redis's client-side caches that are used. */
export interface CacheProvider extends EventEmitter {
  handleCache(
    client: unknown,
    parser: CommandParser,
    load: () => Promise<unknown>,
    transformReply: TransformReply | undefined,
    typeMapping: unknown,
  ): Promise<unknown>;
  trackingOn(): CommandArgument[];
  invalidate(key: CommandArgument | null): void;
  clear(): void;
  stats(): unknown;
  size(): number;
  onError(): void;
  onClose(): void;
}

export interface CommandParser {
  readonly redisArgs: readonly CommandArgument[];
  readonly keys: readonly CommandArgument[];
  readonly preserve: unknown;
}

export type TransformReply = (reply: unknown, preserve: unknown, typeMapping: unknown) => unknown;

/** node-redis checks with `instanceof`, and exports only the derived classes. */
export const Provider = Object.getPrototypeOf(
  BasicClientSideCache,
) as abstract new () => EventEmitter;

export function isProvider(value: unknown): value is CacheProvider {
  const provider = value as Partial<CacheProvider> | null | undefined;
  return typeof provider?.handleCache === 'function' && typeof provider.invalidate === 'function';
}

/**
 * Takes the place of a cache in a connection's inner client. It caches nothing, makes the server
 * track the keys that are read there, and passes on invalidations before any later reply is
 * delivered.
 */
export class TrackingRelay extends Provider implements CacheProvider {
  constructor(
    private readonly tracking: () => CommandArgument[],
    private readonly onInvalidate: (key: CommandArgument | null) => void,
  ) {
    super();
  }

  async handleCache(
    _client: unknown,
    { preserve }: CommandParser,
    load: () => Promise<unknown>,
    transformReply: TransformReply | undefined,
    typeMapping: unknown,
  ): Promise<unknown> {
    const reply = await load();
    return transformReply === undefined ? reply : transformReply(reply, preserve, typeMapping);
  }

  trackingOn(): CommandArgument[] {
    return this.tracking();
  }

  invalidate(key: CommandArgument | null): void {
    this.onInvalidate(key);
  }

  clear(): void {}
  stats(): undefined {
    return undefined;
  }
  size(): number {
    return 0;
  }
  onError(): void {}
  onClose(): void {}
}

/** Returns the relay for a data connection with these options; `undefined` if nothing is cached. */
export function trackingRelay(
  { clientSideCache, emitInvalidate }: { clientSideCache?: unknown; emitInvalidate?: unknown },
  onInvalidate: (key: CommandArgument | null) => void,
): TrackingRelay | undefined {
  if (!clientSideCache && !emitInvalidate) return undefined;
  const tracking = () =>
    isProvider(clientSideCache) ? clientSideCache.trackingOn() : ['CLIENT', 'TRACKING', 'ON'];
  return new TrackingRelay(tracking, onInvalidate);
}
