import { ErrorReply } from '@redis/client';
import type { CommandArgument } from '../../../core/command-argument.js';
import { hashSlot } from '../../../core/hash-slot.js';
import { ownError } from '../../../foreign/own-error.js';
import type { ProbeConnection } from '../../driver.js';
import { openProbeConnection } from '../probe-connection.js';
import { ClusterAttempt } from './attempt.js';
import { ClusterConnection } from './cluster-connection.js';
import { checkCoverage } from './coverage.js';
import type { ClusterNode } from './node.js';
import type { ScanCursors } from './scan.js';
import type { ClusterSlots } from './slots.js';

/** Number of masters that are asked for the slots each time; the first reply counts. */
const ASKED_FOR_SLOTS = 3;

/** Commands that probe the whole cluster rather than one node. */
const ASKED_OF_ALL: ReadonlySet<string> = new Set(['PING', 'ECHO', 'CLUSTER']);

interface ClusterProbeSetting {
  readonly slots: ClusterSlots;
  readonly scans: ScanCursors;
  /** Whether a connection was accepted and then cut. */
  isCut(error: unknown): boolean;
}

/**
 * Health checks of a whole cluster. PING, ECHO and CLUSTER go to every master, which must also
 * report that every slot is served. A command with a key goes to the node of its slot.
 */
export class ClusterProbe implements ProbeConnection {
  readonly #connection: ClusterConnection;
  readonly #subscribers = new Map<string, Promise<ProbeConnection>>();
  readonly #abort = new AbortController();
  #alive = true;

  private constructor(
    private readonly setting: ClusterProbeSetting,
    onOpen: (error?: Error) => void,
  ) {
    this.#connection = new ClusterConnection(
      setting.slots,
      setting.scans,
      { lazy: true, useReplicas: false, connectTimeoutMs: 0, time: undefined },
      {
        onReady: () => onOpen(),
        onLost: (error) => {
          this.destroy();
          onOpen(error);
        },
        onLaneLost: () => {},
        onMaintenance: () => {},
      },
    );
    this.#connection.unref();
  }

  /** Rejects when no node returns the slots, or when `signal` aborts first. */
  static open(setting: ClusterProbeSetting, signal: AbortSignal): Promise<ClusterProbe> {
    return new Promise((resolve, reject) => {
      signal.throwIfAborted();
      const onAbort = () => {
        probe.destroy();
        reject(signal.reason);
      };
      const probe = new ClusterProbe(setting, (error) => {
        signal.removeEventListener('abort', onAbort);
        if (error === undefined) resolve(probe);
        else reject(error);
      });
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }

  get alive(): boolean {
    return this.#alive;
  }

  async send(args: readonly CommandArgument[]): Promise<unknown> {
    try {
      if (ASKED_OF_ALL.has(String(args[0]).toUpperCase())) return await this.#askAll(args);
      return await new Promise((onReply, onError) => {
        this.#connection.send({ ...attemptOf(args), onReply, onError });
      });
    } catch (error) {
      // A single broken connection proves nothing until a new one breaks, too.
      if (this.setting.isCut(error)) this.destroy();
      throw error;
    }
  }

  async subscribe(channel: string, onMessage: (message: string) => void): Promise<void> {
    const { slots } = this.setting;
    const node = slots.ownerOf(hashSlot(channel));
    if (node === undefined) throw ownError('no node serves the slot of the channel');
    let opening = this.#subscribers.get(node.address);
    if (opening === undefined) {
      opening = openProbeConnection(slots.optionsOf(node, false), this.#abort.signal);
      this.#subscribers.set(node.address, opening);
    }
    let connection: ProbeConnection | undefined;
    try {
      connection = await opening;
      await connection.subscribe(channel, onMessage);
    } catch (error) {
      if (connection?.alive !== true) this.destroy();
      throw error;
    }
  }

  unsubscribe(channel: string, onMessage: (message: string) => void): void {
    for (const opening of this.#subscribers.values()) {
      opening.then(
        (connection) => connection.unsubscribe(channel, onMessage),
        () => {},
      );
    }
  }

  destroy(): void {
    if (!this.#alive) return;
    this.#alive = false;
    const error = ownError('the probe connection has ended');
    this.#abort.abort(error);
    for (const opening of this.#subscribers.values()) {
      opening.then(
        (connection) => connection.destroy(),
        () => {},
      );
    }
    this.#connection.destroy(error);
  }

  async #askAll(args: readonly CommandArgument[]): Promise<unknown> {
    await this.#look();
    const { masters } = this.setting.slots;
    if (masters.length === 0) throw ownError('no node serves any slot');
    const replies = await Promise.all(masters.map((node) => this.#askOne(node, args)));
    return replies[0];
  }

  async #askOne(node: ClusterNode, args: readonly CommandArgument[]): Promise<unknown> {
    const [reply, info] = await Promise.all([
      this.#sendTo(node, args),
      this.#sendTo(node, ['CLUSTER', 'INFO']).catch(unlessForbidden),
    ]);
    if (info !== undefined) checkCoverage(String(info), node.address);
    return reply;
  }

  /** Checks whether the slots have moved, because no node reports the loss of another node. */
  async #look(): Promise<void> {
    const { slots } = this.setting;
    const nodes = slots.someMasters(ASKED_FOR_SLOTS);
    try {
      const changed = await Promise.any(
        nodes.map(async (node) => {
          const told = await this.#sendTo(node, ['CLUSTER', 'SLOTS']).catch(unlessForbidden);
          return told === undefined || slots.agrees(told) ? undefined : node;
        }),
      );
      if (changed !== undefined) await slots.rediscover(changed);
    } catch {
      await slots.rediscover();
    }
  }

  #sendTo(node: ClusterNode, args: readonly CommandArgument[]): Promise<unknown> {
    const owner = new ClusterAttempt({ ...attemptOf(args), onReply() {}, onError() {} });
    const options = { connection: this.#connection, part: owner.whole, isWhole: true };
    return this.#connection.sendTo(node, args, options);
  }
}

function attemptOf(args: readonly CommandArgument[]) {
  return { args, batch: undefined, options: undefined, written: false, handle: undefined };
}

/**
 * Returns `undefined` if the server does not permit or know the command, which says nothing about
 * the cluster.
 */
function unlessForbidden(error: unknown): undefined {
  if (error instanceof ErrorReply && /^(NOPERM|ERR) /.test(error.message)) return undefined;
  throw error;
}
