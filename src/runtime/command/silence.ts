import { isDead } from '../../core/silent-connection.js';
import type { ProbeConnection } from '../../drivers/driver.js';
import type { ClientContext } from './client-context.js';
import type { DataConnections } from './data-connections.js';
import type { AttemptQueue } from './sent-attempt.js';

/**
 * Finds out whether a silent connection is dead while its server is reachable: a firewall forgot
 * the flow, or the address leads to another server by now. The server is asked over a new
 * connection; if it answers and nothing is under way for the silent one, that is replaced at once,
 * long before the deadlines of its commands.
 */
export class Silence {
  readonly #asking = new Set<AttemptQueue>();

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
      const answer = await this.#ask(lane, since);
      await this.#aTurn();
      const { loop, isAlive } = this.client;
      // What it delivered meanwhile may have been on its way for long.
      if (!isAlive || lane.oldest !== head) return;
      if (lane.look(loop.time) || lane.lastProgress !== lastProgress) return;
      if (!isDead(answer, batch?.commands ?? [args])) return;
      const { id } = lane.channel.database;
      this.connections.replaceSilent(
        lane,
        new Error(`${id} answers on a new connection but not on the existing one`),
      );
    } catch {
      // No answer: what becomes of the database is for its health checks to decide.
    } finally {
      this.#asking.delete(lane);
    }
  }

  /** Rejects when no answer comes within the timeout of a probe. */
  async #ask(lane: AttemptQueue, since: number): Promise<unknown> {
    const { health } = this.client.coordinator;
    const monitor = health.monitors.get(lane.channel.database);
    if (monitor === undefined) throw new Error('the database was removed');
    const abort = new AbortController();
    const error = new Error('no answer in time');
    const timer = this.client.loop.after(monitor.probeTimeoutMs, () => abort.abort(error));
    const { serverId, path } = lane;
    const { driver } = lane.channel.database;
    // Whoever may not ask is answered all the same.
    const orRefusal = (answer: Promise<unknown>) =>
      answer.catch((refusal) => {
        if (driver.classify(refusal) === 'reply') return refusal as unknown;
        throw refusal;
      });
    const args = serverId === undefined ? ['PING'] : ['CLIENT', 'LIST', 'ID', serverId];
    const send = async (): Promise<unknown> => {
      if (path.askAnew !== undefined) return await orRefusal(path.askAnew(args));
      const over = (each: ProbeConnection) => orRefusal(each.send(args));
      return await monitor.lines.commands.useNew(since, abort.signal, over);
    };
    try {
      const aborted = new Promise<never>((_, reject) => {
        abort.signal.addEventListener('abort', () => reject(error), { once: true });
      });
      const answer = await Promise.race([send(), aborted]);
      return serverId === undefined ? undefined : answer;
    } finally {
      timer.cancel();
      abort.abort(error);
    }
  }

  #aTurn(): Promise<void> {
    return new Promise((resolve) => {
      this.client.coordinator.runtime.clock.afterTurn(resolve);
    });
  }
}
