import { blocksNothing } from '../../core/silent-connection.js';
import type { ClientContext } from './client-context.js';
import type { DataConnections } from './data-connections.js';
import { runIdBeside, viewOfLane } from './lane-inquiry.js';
import { aTurn } from './loop-turn.js';
import type { AttemptQueue, SentAttempt } from './sent-attempt.js';

/**
 * Time between two checks of blocking commands, in milliseconds; the first one comes after
 * `suspectAfterMs`.
 */
const LONGEST_PAUSE_MS = 30_000;

/** The state of one blocking command at the head of its lane. */
interface Watch {
  /** Loop time of the next check. */
  dueAt: number;
  pauseMs: number;
  /** Bytes that had arrived when the server reported that nothing blocks; undefined: it did not. */
  doubtedAt: number | undefined;
}

/**
 * Checks whether blocking commands still block. A blocking command is expected to be silent, so
 * only its server can tell that the command never arrived, or that its reply was lost, for example
 * because a firewall dropped the flow of this one connection. The server is asked over the probe
 * connection, at long intervals. When it reports twice, `suspectAfterMs` apart, that nothing blocks
 * there, and nothing has arrived here, the connection is dead and is replaced.
 *
 * A connection id is only meaningful on one server, so both connections must lead to the same
 * server: the connection was asked for the run id of its server ahead of the blocking command. A
 * missing reply to that also proves that the connection is dead. A server that does not report its
 * run id proves nothing.
 */
export class BlockedLanes {
  readonly #watches = new WeakMap<SentAttempt, Watch>();
  readonly #asking = new Set<AttemptQueue>();

  constructor(
    private readonly client: ClientContext,
    private readonly connections: Pick<DataConnections, 'replaceSilent'>,
  ) {}

  /** Called at every tick of the loop clock. */
  look(lane: AttemptQueue, time: number): void {
    const head = lane.oldest;
    if (head?.command.traits.blockMs === undefined || lane.isWaitingRoom) return;
    let watch = this.#watches.get(head);
    if (watch === undefined) {
      const pauseMs = this.#pauseMs;
      // A command behind another one begins to block when that one has been answered.
      watch = { dueAt: time + pauseMs, pauseMs, doubtedAt: undefined };
      this.#watches.set(head, watch);
    }
    if (time < watch.dueAt) {
      this.client.loop.lookAt(watch.dueAt);
    } else if (!this.#asking.has(lane)) {
      this.#asking.add(lane);
      this.#examine(lane, head, watch).finally(() => this.#asking.delete(lane));
    }
  }

  get #pauseMs(): number {
    return this.client.coordinator.runtime.options.suspectAfterMs;
  }

  /** Never rejects. */
  async #examine(lane: AttemptQueue, head: SentAttempt, watch: Watch): Promise<void> {
    const hasNoBlock = await this.#blocksNothing(lane).catch(() => false);
    await aTurn(this.client);
    const { loop, isAlive } = this.client;
    if (!isAlive || lane.oldest !== head) return;
    const { bytesReceived } = lane.path;
    if (!hasNoBlock || bytesReceived !== (watch.doubtedAt ?? bytesReceived)) {
      watch.doubtedAt = undefined;
      watch.pauseMs = Math.min(2 * watch.pauseMs, Math.max(LONGEST_PAUSE_MS, this.#pauseMs));
      watch.dueAt = loop.time + watch.pauseMs;
    } else if (watch.doubtedAt === undefined) {
      watch.doubtedAt = bytesReceived;
      watch.dueAt = loop.time + this.#pauseMs;
    } else {
      watch.dueAt = loop.time + this.#pauseMs;
      const { id } = lane.channel.database;
      const message = `${id} answers on another connection, and nothing blocks on this one`;
      this.connections.replaceSilent(lane, new Error(message));
    }
  }

  async #blocksNothing(lane: AttemptQueue): Promise<boolean> {
    const view = await viewOfLane(this.client, lane);
    const { runId, isKnown } = lane.server;
    // The run id was asked for ahead of the blocking command: without a reply, nothing has passed
    // since.
    if (!isKnown) return true;
    if (!blocksNothing(view)) return false;
    return runId !== undefined && runId === (await runIdBeside(this.client, lane));
  }
}
