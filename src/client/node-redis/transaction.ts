import { WatchError } from '@redis/client';
import type { CommandArgument } from '../../core/command-argument.js';
import type { Batch } from '../../drivers/driver.js';
import { ClientClosedError, InvalidOptionError, UnsupportedError } from '../../errors.js';
import type { CommandOptions } from '../../runtime/command/command-options.js';
import type { DeferredRejections } from '../../runtime/deferred-rejections.js';
import type { Executor } from '../../runtime/group/executor.js';
import type { Lease } from '../../runtime/transaction/lease.js';
import { runTransaction } from '../../runtime/transaction/run-transaction.js';
import { define } from '../define.js';
import type { TraceSource } from '../traced-call.js';
import { conflictOf, keysOf, prefixed, settingOf } from '../transaction-call.js';
import { GuardedCache } from './client-side-cache.js';
import { rejectingWithCounterpart, withCounterpart } from './counterpart-errors.js';
import { createFacade } from './facade.js';
import type { CommandSink, Internals } from './internals.js';

/** The transaction that a view of `tx` belongs to. */
interface TransactionToken {
  readonly lease: Lease;
  open: boolean;
}

type TokenOptions = CommandOptions & { readonly token?: TransactionToken };

/** Members that would outlive a transaction, or concern its client. */
const OF_THE_CLIENT = [
  'connect',
  'close',
  'destroy',
  'disconnect',
  'quit',
  'QUIT',
  'ref',
  'unref',
  'duplicate',
  'transaction',
  'legacy',
  'SUBSCRIBE',
  'subscribe',
  'UNSUBSCRIBE',
  'unsubscribe',
  'PSUBSCRIBE',
  'pSubscribe',
  'PUNSUBSCRIBE',
  'pUnsubscribe',
  'SSUBSCRIBE',
  'sSubscribe',
  'SUNSUBSCRIBE',
  'sUnsubscribe',
  'getPubSubListeners',
  'extendPubSubListeners',
  'extendPubSubChannelListeners',
];

/** What commands of a transaction share with commands of the client. */
interface Surroundings {
  readonly source: TraceSource;
  readonly rejections: DeferredRejections;
}

/**
 * `transaction()` of a facade. Its callback gets a client with the same methods: a facade whose
 * commands go over the leased connection that the token of the view names. It does not read from
 * the cache of the client, and it reports its writes to the cache.
 */
export function transactionMember(
  client: Record<string, unknown>,
  facade: Internals,
  executor: () => Executor | undefined,
  { source, rejections }: Surroundings,
): object {
  let inner: Internals | undefined;

  return {
    transaction: rejections.wrap(async function (
      this: Internals,
      keys: unknown,
      fn: (tx: unknown) => unknown,
      options?: unknown,
    ): Promise<unknown> {
      const given = keysOf(keys);
      if (typeof fn !== 'function') throw new InvalidOptionError('fn', 'a function', fn);
      const { maxAttempts, timeoutMs } = settingOf(options);
      const present = executor();
      if (present === undefined) throw withCounterpart(new ClientClosedError());
      inner ??= innerFacade(client, facade, { source, rejections });
      const views = inner;
      const watched = prefixedBy(views, given);
      const running = runTransaction(present, {
        keys: watched,
        maxAttempts,
        timeoutMs: timeoutMs ?? present.coordinator.runtime.options.commandDeadlineMs,
        isConflict: (error) => error instanceof WatchError,
        perform: async (lease) => {
          const token: TransactionToken = { lease, open: true };
          try {
            const tx = views.withCommandOptions({ ...this._commandOptions, token });
            if (watched.length > 0) await watch(tx, watched);
            lease.entered = true;
            const result = await fn(tx);
            return isMulti(result) ? await result.exec() : result;
          } finally {
            token.open = false;
          }
        },
      });
      return rejectingWithCounterpart(running);
    }),
  };
}

function innerFacade(
  client: Record<string, unknown>,
  like: Internals,
  { source, rejections }: Surroundings,
): Internals {
  const engine: CommandSink = {
    send: (args, options) => send(args, options),
    sendBatch: (kind, commands, options) => send([kind.toUpperCase()], options, { kind, commands }),
    refuse: (error) => rejections.reject(error),
  };
  const { clientSideCache: cache } = (like._self as { options?: { clientSideCache?: unknown } })
    .options as { clientSideCache?: unknown };
  const sink = cache instanceof GuardedCache ? cache.guard(engine) : engine;
  const plain = { ...client, clientSideCache: undefined, emitInvalidate: undefined };
  const inner = createFacade(plain, { ...sink, source }, undefined, like);
  function watchMember(this: Internals, keys: unknown) {
    return watch(this, prefixedBy(this, keysOf(keys)));
  }
  function unwatchMember(this: Internals) {
    return send(['UNWATCH'], this._commandOptions);
  }
  define(inner._self, {
    watch: watchMember,
    WATCH: watchMember,
    unwatch: unwatchMember,
    UNWATCH: unwatchMember,
    get isOpen() {
      return true;
    },
    get isReady() {
      return true;
    },
  });
  for (const name of OF_THE_CLIENT) {
    define(inner._self, {
      [name]: () => {
        throw new UnsupportedError(
          `${name}: not available in a transaction; call it on the client`,
        );
      },
    });
  }
  return inner;
}

function send(
  args: readonly CommandArgument[],
  options: TokenOptions | undefined,
  batch?: Batch,
): Promise<unknown> {
  const { token } = options ?? {};
  if (token === undefined) return Promise.reject(new ClientClosedError('outside a transaction'));
  const { lease, open } = token;
  if (!open) {
    const over = lease.ended ?? new ClientClosedError('the transaction is over');
    return lease.refuse(withCounterpart(over));
  }
  return lease.send(args, options, batch).catch((error) => {
    throw lease.isRefusal(error) ? withCounterpart(conflictOf(lease, error)) : error;
  });
}

/** With their prefix. */
function watch(view: Internals, keys: readonly CommandArgument[]): Promise<unknown> {
  const { token } = (view._commandOptions ?? {}) as TokenOptions;
  return send(['WATCH', ...keys], token && ({ token } as TokenOptions));
}

function prefixedBy(view: Internals, keys: readonly CommandArgument[]): readonly CommandArgument[] {
  const prefix = (view as { _keyPrefix?: CommandArgument })._keyPrefix;
  return prefix === undefined ? keys : keys.map((key) => prefixed(prefix, key));
}

/** A `multi()` that the callback returns unexecuted. */
function isMulti(value: unknown): value is { exec(): Promise<unknown> } {
  const { exec, execAsPipeline } = (value ?? {}) as Record<string, unknown>;
  return typeof exec === 'function' && typeof execAsPipeline === 'function';
}
