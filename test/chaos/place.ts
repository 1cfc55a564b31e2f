/** One database of a run: a real server behind a recording proxy, and what undoes its faults. */
import {
  type FaultProxy,
  type NameServer,
  RawConnection,
  type RedisServer,
  type Reply,
  RespError,
  startProxy,
  startRedis,
  waitFor,
  waitForSync,
} from '../kit/index.js';
import { type Data, readData } from './data.js';
import { ProxyWitness } from './proxy-witness.js';
import type { topologyOf } from './topology.js';

type Topology = ReturnType<typeof topologyOf>;

/** So that scripts and pauses need not be long. */
const CONFIG = { 'lua-time-limit': 20 } as const;
const RAW_TIMEOUT_MS = 8000;
const FAILOVER_MS = 300;

export interface PlaceOptions {
  /** Keep the data over a restart. */
  readonly persist: boolean;
  readonly topology: Topology;
  /** With a replica that can take the server's place behind the endpoint. */
  readonly moves: boolean;
  /** It is reached by a name, which these tell. */
  readonly names: NameServer | undefined;
}

export class Place {
  readonly persist: boolean;
  readonly topology: Topology;
  readonly names: NameServer | undefined;
  readonly hostname: string;
  readonly witness: ProxyWitness;
  /** Of the default user at present; a fault changes it. */
  password: string | undefined;
  isFrozen = false;
  /** Not answering for a while by itself: asleep, in a script. */
  busyUntil = 0;
  #control: RawConnection | undefined;
  #undos: (() => Promise<unknown>)[] = [];

  static async start(id: string, options: PlaceOptions): Promise<Place> {
    const { persist, topology, moves } = options;
    const isCluster = topology === 'cluster';
    const config = { ...CONFIG, ...(isCluster ? { 'cluster-enabled': true } : {}) };
    const server = await startRedis({ persist, config });
    if (isCluster) {
      await server.command('CLUSTER', 'ADDSLOTSRANGE', '0', '16383');
      await clusterIsWell((...args) => server.command(...args));
    }
    const spare = moves ? await startSpare(server, persist) : undefined;
    const proxy = await startProxy(server, { recordCommands: true });
    const monitor = { sentinel: [`monitor ${id} 127.0.0.1 ${server.port} 1`] };
    const sentinel =
      topology === 'sentinel' ? await startRedis({ sentinel: true, config: monitor }) : undefined;
    return new Place(id, options, server, spare, proxy, sentinel);
  }

  private constructor(
    readonly id: string,
    { persist, topology, names }: PlaceOptions,
    public server: RedisServer,
    /** A replica that can take its place. */
    public spare: RedisServer | undefined,
    readonly proxy: FaultProxy,
    /** Names the server as the master. */
    readonly sentinel: RedisServer | undefined,
  ) {
    this.persist = persist;
    this.topology = topology;
    this.names = names;
    this.hostname = `${id}.test`;
    names?.set(this.hostname, proxy.host);
    this.witness = new ProxyWitness(id, proxy);
  }

  /** Its process takes commands. */
  get answers(): boolean {
    return this.server.isRunning && !this.isFrozen && performance.now() >= this.busyUntil;
  }

  /** Where clients find it. */
  get host(): string {
    return this.names === undefined ? this.proxy.host : this.hostname;
  }

  /** Nothing else is wrong with its servers. */
  get canMove(): boolean {
    return this.spare !== undefined && this.answers && this.#undos.length === 0;
  }

  /**
   * The replica takes over, with all the data, and new connections reach it; the old server goes on
   * as its replica and keeps its connections.
   */
  async move(): Promise<void> {
    const { server, spare } = this;
    if (spare === undefined) return;
    const timeout = ['TIMEOUT', String(FAILOVER_MS)];
    await this.ask('FAILOVER', 'TO', spare.host, String(spare.port), ...timeout);
    const isOver = async () =>
      (await server.info('master_failover_state')) === 'no-failover' && 'over';
    await waitFor(isOver, { what: 'the failover to end', timeoutMs: 5000, intervalMs: 5 });
    if ((await server.info('role')) === 'master') throw new Error('the failover was given up');
    this.#control?.close();
    this.server = spare;
    this.spare = server;
    this.proxy.moveTo(spare);
  }

  /** A command past the proxy, over a connection that a changed password spares. */
  async ask(...args: string[]): Promise<Reply> {
    if (this.#control?.isOpen !== true) {
      const { port } = this.server;
      const { password } = this;
      this.#control = await RawConnection.open({ port, password, timeoutMs: RAW_TIMEOUT_MS });
    }
    return this.#control.request(...args);
  }

  /** Opens the connection for commands while it still can be. */
  async prepare(): Promise<void> {
    await this.ask('PING');
  }

  /** Sends a command over a separate connection without awaiting its reply. */
  async start(...args: string[]): Promise<void> {
    const { port } = this.server;
    const connection = await RawConnection.open({ port, password: this.password });
    connection.send(...args);
    connection.next(RAW_TIMEOUT_MS).then(
      () => connection.close(),
      () => connection.close(),
    );
  }

  async kill(): Promise<void> {
    await this.server.kill();
    this.isFrozen = false;
    this.busyUntil = 0;
    this.password = undefined;
    this.#control?.close();
  }

  async launch(): Promise<void> {
    if (this.server.isRunning) return;
    if (!this.persist) this.witness.noteDataLoss();
    await this.server.launch();
  }

  async freeze(): Promise<void> {
    this.isFrozen = true;
    await this.server.freeze();
  }

  /** To be done by `heal`, unless the process was replaced meanwhile. */
  undo(...args: string[]): void {
    const { server } = this;
    const { pid } = server;
    this.#undos.push(async () => {
      if (this.server === server && server.pid === pid) await this.ask(...args);
    });
  }

  /** Back to a healthy server on a healthy network. */
  async heal(): Promise<void> {
    await this.launch();
    if (this.isFrozen) await this.server.thaw();
    this.isFrozen = false;
    this.names?.restore(this.hostname);
    const restored = this.proxy.restore();
    this.witness.watch();
    await restored;
    for (const undo of this.#undos.splice(0)) await patiently(undo);
    this.password = undefined;
    await patiently(() => this.ask('PING'));
  }

  /** Resolves when nothing is on its way any more. */
  async settle(): Promise<void> {
    await this.sentinel?.dispose();
    await waitFor(() => this.proxy.connections === 0, {
      what: `the connections to ${this.id} to be closed`,
      timeoutMs: 15_000,
    }).catch((cause: unknown) => {
      const open = this.proxy.openConnections.map(({ seen }) => [...seen].join(' '));
      throw new Error(`${String(cause)}; open: ${open.join(', ')}`, { cause });
    });
    const others = async () =>
      String(await this.ask('CLIENT', 'LIST', 'TYPE', 'normal'))
        .trim()
        .split('\n').length - 1;
    await waitFor(async () => (await others()) === 0, {
      what: `${this.id} to have read everything`,
      timeoutMs: 15_000,
    });
    // After a restart it takes its time.
    if (this.topology === 'cluster') await clusterIsWell((...args) => this.ask(...args));
  }

  read(): Promise<Data> {
    return readData((...args) => this.ask(...args));
  }

  async dispose(): Promise<void> {
    this.#control?.close();
    let isGone = false;
    const processes = [this.server, this.spare, this.sentinel].map((each) => each?.dispose());
    const gone = Promise.all(processes).then(() => this.proxy.close());
    void gone.then(() => {
      isGone = true;
    });
    // Rather a failed run than one that never ends.
    await waitFor(() => isGone, { what: `${this.id} to be gone`, timeoutMs: 10_000 });
    await gone;
  }
}

/**
 * A replica by command and not by its configuration: a process that was promoted and is started again
 * begins as a master, and does not get its lost data back from its own replica.
 */
async function startSpare(server: RedisServer, persist: boolean): Promise<RedisServer> {
  const spare = await startRedis({ persist, config: CONFIG });
  await spare.command('REPLICAOF', server.host, String(server.port));
  await waitForSync(server, spare);
  return spare;
}

function clusterIsWell(ask: (...args: string[]) => Promise<Reply>): Promise<unknown> {
  const isWell = async () => String(await ask('CLUSTER', 'INFO')).includes('cluster_state:ok');
  return waitFor(isWell, { what: 'the cluster to be healthy', timeoutMs: 10_000 });
}

/** A server that is busy, paused or has just been started answers later. */
function patiently(action: () => Promise<unknown>): Promise<unknown> {
  let failure: unknown;
  const attempt = async () => {
    try {
      await action();
      return true;
    } catch (error) {
      failure = error;
      if (error instanceof RespError && error.code === 'NOTBUSY') return true;
      return false;
    }
  };
  return waitFor(attempt, {
    what: 'a fault to be undone',
    timeoutMs: 15_000,
    intervalMs: 20,
  }).catch((error) => {
    throw new Error(`${error.message}: ${String(failure)}`);
  });
}
