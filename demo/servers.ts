import { setTimeout as sleep } from 'node:timers/promises';
import type { DatabaseInfo, Outage } from '../src/drill/report/model.js';
import { type RedisServer, startRedis } from '../test/kit/index.js';

/** Holds the id of the server that it is read from, so that a reply tells where it came from. */
export const WHERE_KEY = 'demo:where';

export const KEY_PREFIX = 'demo:';

const WEIGHTS: Readonly<Record<string, number>> = { east: 3, west: 2, south: 1 };

/**
 * Acknowledged writes survive a SIGKILL: they are handed to the kernel before the reply. No fsync,
 * which guards against a loss of power alone and would make the show depend on the disk.
 */
const CONFIG = { appendfsync: 'no', 'auto-aof-rewrite-percentage': 0 };

/** A slow server is stopped for less than `suspectAfterMs` at a time. */
const SLOW = { stoppedMs: 220, runningMs: 10 };

/** The three servers, and what was done to them. They are independent: nothing is replicated. */
export class Servers {
  readonly outages: Outage[] = [];
  readonly #open = new Map<string, Omit<Outage, 'to'>>();
  readonly #pids = new Set<number>();
  #slowing: Promise<void> | undefined;

  private constructor(
    private readonly byId: ReadonlyMap<string, RedisServer>,
    private readonly now: () => number,
  ) {}

  static async start(now: () => number): Promise<Servers> {
    const started = await Promise.all(
      Object.keys(WEIGHTS).map(async (id) => {
        const server = await startRedis({ persist: true, config: CONFIG });
        await server.command('SET', WHERE_KEY, id);
        return [id, server] as const;
      }),
    );
    const servers = new Servers(new Map(started), now);
    servers.#notePids();
    return servers;
  }

  /** In order of preference. */
  get infos(): DatabaseInfo[] {
    return [...this.byId].map(([id, { host, port }]) => ({
      id,
      weight: WEIGHTS[id] ?? 1,
      address: `${host}:${port}`,
    }));
  }

  get ids(): string[] {
    return [...this.byId.keys()];
  }

  get(id: string): RedisServer {
    const server = this.byId.get(id);
    if (server === undefined) throw new Error(`No server is called ${id}`);
    return server;
  }

  /** Killed, frozen or slow right now. */
  stateOf(id: string): Outage['kind'] | 'up' {
    return this.#open.get(id)?.kind ?? 'up';
  }

  /** The signals to all of them go out in one synchronous step. */
  async kill(...ids: string[]): Promise<void> {
    const from = this.now();
    for (const id of ids) this.#open.set(id, { id, kind: 'down', from });
    await Promise.all(ids.map((id) => this.get(id).kill()));
  }

  async restart(...ids: string[]): Promise<void> {
    await Promise.all(ids.map((id) => this.get(id).restart()));
    this.#notePids();
    this.#end(ids);
  }

  async freeze(id: string): Promise<void> {
    this.#open.set(id, { id, kind: 'frozen', from: this.now() });
    await this.get(id).freeze();
  }

  /** The server runs only now and then, as on a machine that is overloaded. It answers everything, late. */
  slow(id: string): void {
    this.#open.set(id, { id, kind: 'slow', from: this.now() });
    this.#slowing = this.#slow(id);
  }

  async speedUp(id: string): Promise<void> {
    this.#end([id]);
    await this.#slowing;
  }

  async #slow(id: string): Promise<void> {
    const server = this.get(id);
    while (this.stateOf(id) === 'slow') {
      await server.freeze();
      await sleep(SLOW.stoppedMs);
      await server.thaw();
      await sleep(SLOW.runningMs);
    }
  }

  async thaw(id: string): Promise<void> {
    await this.get(id).thaw();
    this.#end([id]);
  }

  /** Ends everything and returns the processes that are still there, which must be none. */
  async dispose(): Promise<number[]> {
    this.#end(this.ids);
    await this.#slowing;
    await Promise.all([...this.byId.values()].map((server) => server.dispose()));
    return [...this.#pids].filter(isAlive);
  }

  #end(ids: readonly string[]): void {
    for (const id of ids) {
      const outage = this.#open.get(id);
      if (outage === undefined) continue;
      this.#open.delete(id);
      this.outages.push({ ...outage, to: this.now() });
    }
  }

  #notePids(): void {
    for (const server of this.byId.values()) this.#pids.add(server.pid);
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
