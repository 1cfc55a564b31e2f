/** One database of a run: a real server behind a recording proxy, and what undoes its faults. */
import {
  type FaultProxy,
  RawConnection,
  type RedisServer,
  type Reply,
  RespError,
  startProxy,
  startRedis,
  waitFor,
} from '../kit/index.js';
import { type Data, readData } from './data.js';
import { ProxyWitness } from './proxy-witness.js';
import type { topologyOf } from './topology.js';

type Topology = ReturnType<typeof topologyOf>;

/** So that scripts and pauses need not be long. */
const CONFIG = { 'lua-time-limit': 20 } as const;
const RAW_TIMEOUT_MS = 8000;

export class Place {
  readonly witness: ProxyWitness;
  /** Of the default user at present; a fault changes it. */
  password: string | undefined;
  isFrozen = false;
  /** Not answering for a while by itself: asleep, in a script. */
  busyUntil = 0;
  #control: RawConnection | undefined;
  #undos: (() => Promise<unknown>)[] = [];

  static async start(id: string, persist: boolean, topology: Topology): Promise<Place> {
    const isCluster = topology === 'cluster';
    const config = { ...CONFIG, ...(isCluster ? { 'cluster-enabled': true } : {}) };
    const server = await startRedis({ persist, config });
    if (isCluster) {
      await server.command('CLUSTER', 'ADDSLOTSRANGE', '0', '16383');
      await clusterIsWell((...args) => server.command(...args));
    }
    const proxy = await startProxy(server, { recordCommands: true });
    const monitor = { sentinel: [`monitor ${id} 127.0.0.1 ${server.port} 1`] };
    const sentinel =
      topology === 'sentinel' ? await startRedis({ sentinel: true, config: monitor }) : undefined;
    return new Place(id, persist, topology, server, proxy, sentinel);
  }

  private constructor(
    readonly id: string,
    readonly persist: boolean,
    readonly topology: Topology,
    readonly server: RedisServer,
    readonly proxy: FaultProxy,
    /** Names the server as the master. */
    readonly sentinel: RedisServer | undefined,
  ) {
    this.witness = new ProxyWitness(id, proxy);
  }

  /** Its process takes commands. */
  get answers(): boolean {
    return this.server.isRunning && !this.isFrozen && performance.now() >= this.busyUntil;
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

  /** A command nobody waits for, over a connection of its own. */
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
    const { pid } = this.server;
    this.#undos.push(async () => {
      if (this.server.pid === pid) await this.ask(...args);
    });
  }

  /** Back to a well server on a well network. */
  async heal(): Promise<void> {
    await this.launch();
    if (this.isFrozen) await this.server.thaw();
    this.isFrozen = false;
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
    const processes = [this.server.dispose(), this.sentinel?.dispose()];
    const gone = Promise.all(processes).then(() => this.proxy.close());
    void gone.then(() => {
      isGone = true;
    });
    // Rather a failed run than one that never ends.
    await waitFor(() => isGone, { what: `${this.id} to be gone`, timeoutMs: 10_000 });
    await gone;
  }
}

function clusterIsWell(ask: (...args: string[]) => Promise<Reply>): Promise<unknown> {
  const isWell = async () => String(await ask('CLUSTER', 'INFO')).includes('cluster_state:ok');
  return waitFor(isWell, { what: 'the cluster to be well', timeoutMs: 10_000 });
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
