/** A redis-server process of a test or a drill. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../clock.js';
import { infoField } from '../wire/info.js';
import { rawCommand } from '../wire/raw-connection.js';
import { type CommandArgument, type Reply, RespError } from '../wire/resp.js';
import { sleep, waitFor } from '../wire/wait.js';
import { freePort } from './free-port.js';
import { majorVersion, type RedisDirectives, redisConfig } from './redis-config.js';
import { register, unregister } from './registry.js';
import {
  TEMP_PREFIX,
  unwatchDirectory,
  unwatchProcess,
  watchDirectory,
  watchProcess,
} from './watchdog.js';

/** Options of `startRedis()`. */
export interface RedisServerOptions {
  /** Default: a free one. */
  readonly port?: number;
  /** More command line arguments: `['--maxmemory', '1mb']`. */
  readonly args?: readonly string[];
  /** Password of the default user. */
  readonly password?: string;
  /** Start as a replica of this server. Does not wait for the sync: see `startReplica`. */
  readonly replicaOf?: { readonly port: number; readonly password?: string | undefined };
  /** An existing directory, which the kit does not remove. Default: a temporary one. */
  readonly dir?: string;
  /** Allows DEBUG. Default: true. */
  readonly debug?: boolean;
  /** Directives that override the kit's own. */
  readonly config?: RedisDirectives;
  /** Append-only file with fsync on every write, so that `restart()` keeps the data. Default false. */
  readonly persist?: boolean;
  /** Run as a Sentinel. Default false. */
  readonly sentinel?: boolean;
  /** Default: `REDIS_SERVER` of the environment, or `redis-server`. */
  readonly binary?: string;
}

/** How a server's process ended. */
export interface RedisExit {
  /** Its exit code; null: a signal ended it. */
  readonly code: number | null;
  /** The signal that ended it. */
  readonly signal: NodeJS.Signals | null;
}

const READY_TIMEOUT_MS = 15_000;
const GRACE_MS = 2_000;

/** Starts a server on 127.0.0.1 and resolves once it answers PING. It never outlives this process. */
export async function startRedis(options: RedisServerOptions = {}): Promise<RedisServer> {
  const attempts = options.port === undefined ? 5 : 1;
  for (let attempt = 1; ; attempt++) {
    const port = options.port ?? (await freePort());
    const dir = options.dir ?? (await mkdtemp(join(tmpdir(), TEMP_PREFIX)));
    const server = new RedisServer(port, dir, options);
    try {
      await server.launch();
      return server;
    } catch (error) {
      await server.dispose();
      // Another process may have taken the port since it was found free.
      if (attempt === attempts || !String(error).includes('Address already in use')) throw error;
    }
  }
}

/** A `redis-server` process on 127.0.0.1, with the faults of a process. */
export class RedisServer {
  /** The address on which it listens. */
  readonly host = '127.0.0.1';
  /** The port on which it listens. */
  readonly port: number;
  /** Password of the default user. */
  readonly password: string | undefined;
  /** Its working directory. */
  readonly dir: string;
  readonly #options: RedisServerOptions;
  readonly #binary: string;
  #child: ChildProcess | undefined;
  #exited: Promise<RedisExit> = Promise.resolve({ code: null, signal: null });

  /** Use `startRedis`. */
  constructor(port: number, dir: string, options: RedisServerOptions) {
    this.port = port;
    this.password = options.password;
    this.dir = dir;
    this.#options = options;
    this.#binary = options.binary ?? process.env.REDIS_SERVER ?? 'redis-server';
    if (this.#ownsDir) watchDirectory(dir);
    register(this);
  }

  /** For clients, with the password. */
  get url(): string {
    const credentials = this.password === undefined ? '' : `:${encodeURIComponent(this.password)}@`;
    return `redis://${credentials}${this.host}:${this.port}`;
  }

  /** The id of the current process, or of the last one. */
  get pid(): number {
    if (this.#child?.pid === undefined) throw new Error('The server was never started');
    return this.#child.pid;
  }

  /** Whether the process is running; a frozen one is. */
  get isRunning(): boolean {
    const child = this.#child;
    return child?.pid !== undefined && child.exitCode === null && child.signalCode === null;
  }

  /** Resolves, never rejects, when the current process has ended. */
  get exited(): Promise<RedisExit> {
    return this.#exited;
  }

  /**
   * One command over a short-lived plain socket, with the password the server was started with. Rejects
   * with a `RespError` for an error reply, and after 5 s without a reply (a frozen server).
   */
  command(...args: CommandArgument[]): Promise<Reply> {
    return rawCommand({ port: this.port, password: this.password }, ...args);
  }

  /** One field of INFO, as text: `infoField('role')`. */
  async info(field: string): Promise<string | undefined> {
    return infoField(String(await this.command('INFO', 'everything')), field);
  }

  /** SIGKILL; resolves when the process is gone. The directory stays, for `restart()`. */
  async kill(): Promise<RedisExit> {
    if (this.isRunning) {
      this.#child?.ref();
      this.#child?.kill('SIGKILL');
    }
    return this.#exited;
  }

  /** Asks the server to end (SIGTERM), kills it if it does not within 2 s, and removes its directory. */
  async stop(): Promise<void> {
    await this.#shutDown();
    await this.dispose();
  }

  /** SIGSTOP; resolves when the process stands still. Its sockets stay open and connectable. */
  async freeze(): Promise<void> {
    this.#child?.kill('SIGSTOP');
    await waitFor(async () => (await this.#isFrozen()) !== false, { what: 'the server to freeze' });
  }

  /** SIGCONT; resolves when the process runs again. */
  async thaw(): Promise<void> {
    this.#child?.kill('SIGCONT');
    await waitFor(async () => (await this.#isFrozen()) !== true, { what: 'the server to thaw' });
  }

  /**
   * Starts the server again on the same port, in the same directory and with the same configuration file
   * (what CONFIG REWRITE wrote there included). Ends it first if it runs. With `persist` the data survives.
   */
  async restart(): Promise<void> {
    await this.#shutDown();
    await this.launch();
  }

  /** Kills the process and removes the directory. What `stopAll()` and `await using` call. */
  async dispose(): Promise<void> {
    unregister(this);
    await this.kill();
    if (!this.#ownsDir) return;
    await rm(this.dir, { recursive: true, force: true, maxRetries: 5 });
    unwatchDirectory(this.dir);
  }

  /** Disposes of the server at the end of `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.dispose();
  }

  /** Starts the process and waits until it answers. Use `startRedis` or `restart`. */
  async launch(): Promise<void> {
    const configFile = join(this.dir, 'redis.conf');
    if (!existsSync(configFile)) {
      const major = await majorVersion(this.#binary);
      const { persist = false } = this.#options;
      const conf = { ...this.#options, port: this.port, dir: this.dir, major, persist };
      await writeFile(configFile, redisConfig(conf));
    }
    const { sentinel, args = [] } = this.#options;
    const child = spawn(this.#binary, [configFile, ...(sentinel ? ['--sentinel'] : []), ...args], {
      cwd: this.dir,
      stdio: 'ignore',
    });
    // A server alone does not keep the process of a demo or a test alive; it dies with it.
    child.unref();
    this.#child = child;
    let failure: Error | undefined;
    this.#exited = new Promise((resolve) => {
      child.once('error', (error) => {
        failure = error;
        if (child.pid === undefined) resolve({ code: null, signal: null });
      });
      child.once('exit', (code, signal) => {
        if (child.pid !== undefined) unwatchProcess(child.pid);
        resolve({ code, signal });
      });
    });
    if (child.pid !== undefined) watchProcess(child.pid);
    const deadline = systemClock.now() + READY_TIMEOUT_MS;
    while (!(await this.#isReady())) {
      if (failure) throw startFailure(failure, this.#binary);
      if (!this.isRunning || systemClock.now() > deadline) {
        const log = await readFile(join(this.dir, 'redis.log'), 'utf8').catch(() => '(no log)');
        const what = this.isRunning ? 'is not ready' : 'ended at start';
        throw new Error(`${this.#binary} on port ${this.port} ${what}:\n${log.slice(-2000)}`);
      }
      await sleep(5);
    }
  }

  get #ownsDir(): boolean {
    return this.#options.dir === undefined;
  }

  async #isReady(): Promise<boolean> {
    const target = { port: this.port, password: this.password, timeoutMs: 1000 };
    try {
      await rawCommand(target, 'PING');
    } catch (error) {
      // A replica that waits for its master is up; one that loads its data is not yet.
      if (!(error instanceof RespError) || error.code === 'LOADING') return false;
    }
    // Not some other server that holds the port while ours is about to fail.
    const info = String(await rawCommand(target, 'INFO', 'server').catch(() => ''));
    return infoField(info, 'process_id') === String(this.#child?.pid);
  }

  async #shutDown(): Promise<void> {
    if (!this.isRunning) return;
    this.#child?.ref();
    this.#child?.kill('SIGCONT');
    this.#child?.kill('SIGTERM');
    const kill = () => this.#child?.kill('SIGKILL');
    const timer = systemClock.after(GRACE_MS, kill, { keepAlive: true });
    await this.#exited;
    timer.cancel();
  }

  /** Undefined on systems without /proc, where the signal must be trusted. */
  async #isFrozen(): Promise<boolean | undefined> {
    if (process.platform !== 'linux' || !this.isRunning) return undefined;
    const stat = await readFile(`/proc/${this.pid}/stat`, 'utf8').catch(() => undefined);
    return stat === undefined ? undefined : /^ [Tt]/.test(stat.slice(stat.lastIndexOf(')') + 1));
  }
}

function startFailure(failure: Error, binary: string): Error {
  if ((failure as NodeJS.ErrnoException).code !== 'ENOENT') return failure;
  const advice = 'install redis-server, or name one by the option `binary` or by REDIS_SERVER';
  return new Error(`${binary} was not found: ${advice}`, { cause: failure });
}
