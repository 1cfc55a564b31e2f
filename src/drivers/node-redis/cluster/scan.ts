import { randomInt } from 'node:crypto';
import { HASH_SLOTS } from '../../../core/hash-slot.js';
import { UnsupportedError } from '../../../errors.js';
import type { ServerIdentity } from '../../server-identity.js';
import type { ClusterAttempt } from './attempt.js';
import type { NodeSender } from './node.js';
import type { ClusterSlots } from './slots.js';

/**
 * Maximum number of scans that are remembered; the one that was continued longest ago is dropped
 * first.
 */
const MAX_SCANS = 1000;

/** Progress of a SCAN over the whole cluster. */
interface Scan {
  /** 1 for each slot that has not been scanned completely. */
  readonly left: Uint8Array;
  /** The node that is being scanned, its own cursor, and the slots that it had at the start. */
  readonly address: string;
  readonly cursor: string;
  /** The server that returned the cursor. */
  readonly server: ServerIdentity | undefined;
  readonly owned: Uint8Array;
}

/**
 * SCAN over all masters of a cluster, one after the other. Progress is recorded by slot rather than
 * by node, so that SCAN's guarantee holds when slots move or a replica takes over: the slots of a
 * node that is gone are scanned again on their new node.
 *
 * Cursors are numbers of this process without a meaning of their own; no two clusters share any.
 */
export class ScanCursors {
  readonly #scans = new Map<string, Scan>();
  #next = randomInt(1, 2 ** 47);

  constructor(private readonly slots: ClusterSlots) {}

  /** Returns a number that, with high probability, no other cluster client hands out. */
  mint(): string {
    this.#next += 1;
    return String(this.#next);
  }

  async scan(connection: NodeSender, owner: ClusterAttempt): Promise<unknown> {
    const { args, options } = owner.attempt;
    const { typeMapping, asap } = options ?? {};
    const given = String(args[1]);
    const known = given === '0' ? undefined : this.#scans.get(given);
    if (given !== '0' && known === undefined) {
      throw new UnsupportedError(
        `SCAN ${given.slice(0, 20)}: this client did not return that cursor for this cluster`,
      );
    }
    let scan = this.#located(known ?? this.#from(new Uint8Array(HASH_SLOTS).fill(1)));
    for (;;) {
      const node = scan && this.slots.byAddress(scan.address);
      if (scan === undefined || node === undefined) throw new Error('no node serves any slot');
      const reply = await connection.sendTo(node, ['SCAN', scan.cursor, ...args.slice(2)], {
        connection,
        part: owner.whole,
        isWhole: false,
        isAll: true,
        typeMapping,
        asap,
      });
      const { server } = owner;
      // The server process was replaced, and its successor would skip keys: scans the node's slots
      // again.
      if (scan.cursor === '0' || (await areSame(scan.server, server))) {
        return await this.#answer({ ...scan, server }, reply as [string | Buffer, unknown]);
      }
      scan = this.#from(scan.left);
    }
  }

  async #answer(scan: Scan, [cursor, keys]: [string | Buffer, unknown]): Promise<unknown> {
    // A reply to SCAN does not reveal that slots have moved.
    if (String(cursor) === '0') await this.slots.rediscover().catch(() => {});
    const next = this.#after(scan, String(cursor));
    const token = next === undefined ? '0' : this.#keep(next);
    return [Buffer.isBuffer(cursor) ? Buffer.from(token) : token, keys];
  }

  /**
   * The start of a scan of the node that serves the first slot of `left`; `undefined` if none is
   * left.
   */
  #from(left: Uint8Array): Scan | undefined {
    const first = left.findIndex((isLeft, slot) => isLeft === 1 && this.#owner(slot) !== undefined);
    const address = first < 0 ? undefined : this.#owner(first);
    if (address === undefined) return undefined;
    return { left, address, cursor: '0', server: undefined, owned: this.#slotsOf(address) };
  }

  /** If the node has left, continues with the node that serves its slots. */
  #located(scan: Scan | undefined): Scan | undefined {
    if (scan === undefined || this.#isMaster(scan.address)) return scan;
    return this.#from(scan.left);
  }

  #after(scan: Scan, cursor: string): Scan | undefined {
    if (cursor !== '0') return { ...scan, cursor };
    // Only slots that the node served throughout have been scanned completely.
    const now = this.#slotsOf(scan.address);
    const left = scan.left.map((isLeft, slot) =>
      scan.owned[slot] === 1 && now[slot] === 1 ? 0 : isLeft,
    );
    return this.#from(left);
  }

  #keep(scan: Scan): string {
    const token = this.mint();
    this.#scans.set(token, scan);
    if (this.#scans.size > MAX_SCANS) {
      for (const oldest of this.#scans.keys()) {
        this.#scans.delete(oldest);
        break;
      }
    }
    return token;
  }

  #owner(slot: number): string | undefined {
    return this.slots.ownerOf(slot)?.address;
  }

  #isMaster(address: string): boolean {
    return this.slots.masters.some((node) => node.address === address);
  }

  #slotsOf(address: string): Uint8Array {
    return Uint8Array.from({ length: HASH_SLOTS }, (_, slot) =>
      this.#owner(slot) === address ? 1 : 0,
    );
  }
}

async function areSame(
  one: ServerIdentity | undefined,
  other: ServerIdentity | undefined,
): Promise<boolean> {
  await Promise.all([one?.known, other?.known]);
  return one !== undefined && other !== undefined && one.equals(other);
}
