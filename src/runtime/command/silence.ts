import { isDead } from '../../core/silent-connection.js';
import type { ClientContext } from './client-context.js';
import type { DataConnections } from './data-connections.js';
import { viewOfLane } from './lane-inquiry.js';
import { aTurn } from './loop-turn.js';
import type { AttemptQueue, SentAttempt } from './sent-attempt.js';

/**
 * Finds out whether a silent connection is dead while its server is reachable: a firewall dropped
 * the flow, or the address leads to another server by now. The server is asked over a new
 * connection. If it replies and nothing is in progress for the silent connection, that connection
 * is replaced at once, long before the deadlines of its commands.
 */
export class Silence {
  readonly #asking = new Set<AttemptQueue>();
  /** How much of the oldest command of a silent lane had reached the server at the latest check. */
  readonly #arrived = new WeakMap<SentAttempt, string | undefined>();

  constructor(
    private readonly client: ClientContext,
    private readonly connections: Pick<DataConnections, 'replaceSilent'>,
  ) {}

  /** `lane` has delivered nothing since `since`, in monotonic milliseconds. */
  async examine(lane: AttemptQueue, since: number): Promise<void> {
    const head = lane.oldest;
    if (head === undefined || this.#asking.has(lane)) return;
    this.#asking.add(lane);
    const { args, batch } = head;
    const { lastProgress } = lane;
    try {
      const view = await viewOfLane(this.client, lane, since);
      await aTurn(this.client);
      const { loop, isAlive } = this.client;
      // Replies that arrived meanwhile may have been on their way for long.
      if (!isAlive || lane.oldest !== head) return;
      if (lane.look(loop.time) || lane.lastProgress !== lastProgress) return;
      const arrivedBefore = this.#arrived.get(head);
      if (view.kind === 'listed') this.#arrived.set(head, view.arriving);
      if (!isDead(view, batch?.commands ?? [args], arrivedBefore)) return;
      const { id } = lane.channel.database;
      this.connections.replaceSilent(
        lane,
        new Error(`${id} answers on a new connection but not on the existing one`),
      );
    } catch {
      // No reply: the health checks decide about the database.
    } finally {
      this.#asking.delete(lane);
    }
  }
}
