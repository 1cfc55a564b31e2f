import type { Timer } from '../../clock.js';
import { hasMovedFrom, type NameHistory, withAnswer } from '../../core/moved-name.js';
import type { NameInUse } from '../../drivers/driver.js';
import { ownError } from '../../foreign/own-error.js';
import { MAX_TIMER_MS } from '../../validation/rules.js';
import type { Database } from '../database.js';
import type { EngineContext } from '../engine-context.js';
import { orAborted } from './or-aborted.js';
import type { SharedProbeConnection } from './shared-probe-connection.js';

/** Random share of the interval, by which it is shorter or longer. */
const JITTER = 0.2;

/**
 * Shortest time in milliseconds before a connection is reported again: a renewed one may stay open
 * for its commands in flight.
 */
const RENEW_AGAIN_AFTER_MS = 60_000;

/**
 * Looks up the host names of a database's open connections periodically, and reports when a name no
 * longer leads to the address of a connection (`core/moved-name.ts`): nothing else shows that an
 * idle connection leads to an outdated server. A failed lookup has no effect, nor has a name that
 * leads to a server which is not healthy. A connection beside those of the database, for example to
 * a Sentinel, is replaced by itself.
 */
export class NameWatch {
  readonly #histories = new Map<string, NameHistory>();
  readonly #abort = new AbortController();
  #timer: Timer | undefined;
  /** Monotonic time of the latest report about each connection. */
  readonly #reportedAt = new WeakMap<object, number>();

  constructor(
    private readonly database: Pick<Database, 'driver'>,
    private readonly monitor: {
      readonly lines: { readonly commands: Pick<SharedProbeConnection, 'use'> };
      readonly probeTimeoutMs: number;
    },
    private readonly runtime: Pick<EngineContext, 'clock' | 'loop' | 'random' | 'options'>,
    /** Called after a round of lookups, once for each connection that is left open. */
    private readonly onMoved: (why: Error) => void,
  ) {}

  start(): void {
    const { resolveIntervalMs } = this.runtime.options;
    if (resolveIntervalMs === 0 || this.database.driver.names === undefined) return;
    const delayMs = resolveIntervalMs * (1 - JITTER + 2 * JITTER * this.runtime.random());
    this.#timer = this.runtime.clock.after(Math.min(delayMs, MAX_TIMER_MS), () => {
      this.#look(resolveIntervalMs / 2)
        // The new connection did not serve: the current ones stay.
        .catch(() => {})
        .finally(() => {
          if (!this.#abort.signal.aborted) this.start();
        });
    });
  }

  close(): void {
    this.#timer?.cancel();
    this.#abort.abort(ownError('the host name is no longer watched'));
  }

  /**
   * Looks up all names. Clients that share a name share its answers up to an age of
   * `minDistanceMs`.
   */
  async #look(minDistanceMs: number): Promise<void> {
    const { names } = this.database.driver;
    const { signal } = this.#abort;
    const answers = (await names?.resolve(minDistanceMs, signal)) ?? [];
    if (names === undefined || signal.aborted) return;
    const { inUse } = names;
    for (const key of [...this.#histories.keys()]) {
      if (inUse.every((use) => use.key !== key)) this.#histories.delete(key);
    }
    const now = this.runtime.clock.now();
    const isReported = (use: NameInUse) =>
      now - (this.#reportedAt.get(use) ?? Number.NEGATIVE_INFINITY) < RENEW_AGAIN_AFTER_MS;
    let why: Error | undefined;
    const others: NameInUse[] = [];
    for (const { key, host, addresses, at } of answers) {
      const history = withAnswer(this.#histories.get(key), addresses, at, minDistanceMs);
      if (history === undefined) continue;
      this.#histories.set(key, history);
      const left = inUse.filter(
        (use) => use.key === key && hasMovedFrom(history, use.addresses) && !isReported(use),
      );
      others.push(...left.filter(({ renew }) => renew !== undefined));
      const ours = left.find(({ renew }) => renew === undefined);
      if (ours === undefined) continue;
      const [from, to] = [ours.addresses.join(', '), history.addresses.join(', ')];
      why = ownError(`${host} has moved from ${from} to ${to}`);
    }
    for (const use of others) {
      this.#reportedAt.set(use, now);
      use.renew?.();
    }
    if (why === undefined) return;
    await this.#verify();
    if (signal.aborted) return;
    for (const use of inUse) if (use.renew === undefined) this.#reportedAt.set(use, now);
    this.onMoved(why);
  }

  /**
   * Rejects unless a new connection serves, because DNS may be wrong or ahead of a failover. A
   * replica is not accepted while the current connection leads to a master.
   */
  async #verify(): Promise<void> {
    const abort = new AbortController();
    const giveUp = () => abort.abort(ownError('no answer in time'));
    this.#abort.signal.addEventListener('abort', giveUp, { once: true });
    const timer = this.runtime.loop.after(this.monitor.probeTimeoutMs, giveUp);
    const { signal } = abort;
    try {
      const connection = await this.database.driver.openProbe(signal);
      try {
        await orAborted(connection.send(['PING']), signal);
        if (!(await isReplica(orAborted(connection.send(['ROLE']), signal)))) return;
        const { commands } = this.monitor.lines;
        const present = commands.use(signal, (each) => each.send(['ROLE']));
        if (await isReplica(orAborted(present, signal))) return;
        throw ownError('the name leads to a replica');
      } finally {
        connection.destroy();
      }
    } finally {
      timer.cancel();
      this.#abort.signal.removeEventListener('abort', giveUp);
    }
  }
}

/** Whether the server is a replica; false if it does not permit ROLE. */
async function isReplica(asked: Promise<unknown>): Promise<boolean> {
  const reply = await asked.catch(() => undefined);
  return Array.isArray(reply) && String(reply[0]) === 'slave';
}
