import type { Timer } from '../../../clock.js';
import type { ConnectionListener, DriverTime } from '../../driver.js';
import { NodeRedisConnection } from '../client-connection.js';
import { FoundConnection } from '../found-connection.js';
import type { ClusterNode } from './node.js';
import { type ClusterSlots, NoNodeError } from './slots.js';

/**
 * Interval at which a connection that is opening checks whether the slot has moved, in
 * milliseconds.
 */
const LOOK_MS = 300;

/**
 * An isolated connection to the node that serves one hash slot: finds the node, connects to it, and
 * stays there. Commands go to this node only; a redirection is an error reply. The connection is
 * lost when the slot moves before it is ready; the next one finds the new node.
 */
export class ShardConnection extends FoundConnection {
  #node: ClusterNode | undefined;
  #timer: Timer | undefined;
  #wasReady = false;

  constructor(
    private readonly slots: ClusterSlots,
    private readonly hashSlot: number,
    private readonly time: DriverTime,
    listener: ConnectionListener,
  ) {
    super(listener);
    this.#find()
      .then((node) => this.#open(node))
      .catch((error: Error) => this.lose(error));
  }

  get node(): string | undefined {
    return this.#node?.address;
  }

  get endpoint(): ClusterNode | undefined {
    return this.#node;
  }

  get ready(): boolean {
    return !this.ended && this.inner?.ready === true;
  }

  /** Looks the slot up again if no node is known, or the known one could not be reached. */
  async #find(): Promise<ClusterNode> {
    const known = this.slots.ownerOf(this.hashSlot);
    if (known !== undefined && !known.failing) return known;
    await this.slots.rediscover();
    const found = this.slots.ownerOf(this.hashSlot);
    if (found === undefined) throw new NoNodeError(`no node serves the slot ${this.hashSlot}`);
    return found;
  }

  #open(node: ClusterNode): void {
    if (this.ended) return;
    this.#node = node;
    const inner = new NodeRedisConnection(this.slots.optionsOf(node, false), {
      settings: this.listener.settings,
      onReady: () => {
        this.#wasReady = true;
        this.#timer?.cancel();
        node.failing = false;
        if (!this.ended) this.listener.onReady();
      },
      onLost: (error) => {
        if (!this.#wasReady) node.failing = true;
        this.lose(error);
      },
      onLaneLost: () => {},
      onMaintenance: (forMs) => {
        if (!this.ended) this.listener.onMaintenance(forMs);
      },
    });
    this.use(inner);
    this.#lookLater(node);
  }

  /**
   * Checks the slot while the connection opens: a frozen node accepts a connection and then stays
   * silent.
   */
  #lookLater(node: ClusterNode): void {
    this.#timer = this.time.clock.after(LOOK_MS, async () => {
      await this.slots.rediscover().catch(() => {});
      if (this.ended || this.ready) return;
      const owner = this.slots.ownerOf(this.hashSlot);
      if (owner === undefined || owner === node) this.#lookLater(node);
      else this.lose(new NoNodeError(`the slot ${this.hashSlot} is now served by another node`));
    });
  }

  protected override end(error: Error): void {
    this.#timer?.cancel();
    super.end(error);
  }
}
