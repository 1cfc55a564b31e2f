/** A TCP proxy in front of a Redis server that simulates the faults of networks and servers. */
import { createServer, type Server, type Socket } from 'node:net';
import { systemClock, systemRandom, type Timer } from '../../clock.js';
import { freePort } from '../server/free-port.js';
import { register, unregister } from '../server/registry.js';
import { terminated } from './command-filter.js';
import type { Answer, Command, CommandListener, Rewrite, Tampering } from './command-tracker.js';
import {
  Cut,
  copyFaults,
  type Direction,
  type DirectionFaults,
  type Faults,
  noFaults,
  type SilenceMode,
} from './proxy-faults.js';
import { type ProxyConnection, ProxyLink } from './proxy-link.js';
import { connectTo, type ProxyTarget } from './proxy-target.js';
import { CommandRecord, type RecordedCommand } from './recorded-command.js';

export type { ProxyTarget } from './proxy-target.js';

/** Options of `startProxy()`. */
export interface ProxyOptions {
  /** Default: a free one. */
  readonly port?: number;
  /** Default: 127.0.0.1. Another loopback address makes the same port another server. */
  readonly host?: string;
  /** Keep every command in `commands`. Default false. */
  readonly recordCommands?: boolean;
  /**
   * Passes bytes through unparsed, as TLS requires. `commands`, `answerWith` and `rewriteReplies`
   * are then unavailable, and `seen` stays empty. Default false.
   */
  readonly opaque?: boolean;
}

/**
 * The connections that a fault applies to: present and future ones, present ones, future ones, or
 * the present ones for which the predicate holds: `(c) => c.seen.has('GET')`.
 */
export type Scope = 'all' | 'present' | 'new' | ((connection: ProxyConnection) => boolean);

/** Bytes of one direction. */
export interface ByteCounts {
  /** Bytes that arrived at the proxy. */
  readonly received: number;
  /**
   * Bytes handed to the other side's socket, including replies of the proxy, but not injected
   * bytes.
   */
  readonly delivered: number;
}

/** Starts a proxy, by default on a free port of 127.0.0.1. */
export async function startProxy(
  target: ProxyTarget,
  options: ProxyOptions = {},
): Promise<FaultProxy> {
  const attempts = options.port === undefined ? 5 : 1;
  for (let attempt = 1; ; attempt++) {
    const proxy = new FaultProxy(target, options.port ?? (await freePort()), options);
    try {
      await proxy.accept();
      register(proxy);
      return proxy;
    } catch (error) {
      // Another process may have taken the port since it was found free.
      if (attempt === attempts) throw error;
    }
  }
}

/**
 * Faults may be set at any time and in any combination; each lasts until `restore()`. The proxy
 * accepts a connection before it connects to the server: one that the server refuses is accepted
 * and then reset. Use `refuse()` where the client should see ECONNREFUSED.
 *
 * Commands are matched with replies by counting, also in MULTI, pub/sub and RESP3; `CLIENT REPLY
 * OFF` would break the count.
 */
export class FaultProxy {
  /** The address on which the proxy listens. */
  readonly host: string;
  /** The port on which the proxy listens. */
  readonly port: number;
  /** With the target's password, if it has one. */
  readonly url: string;
  /** With `recordCommands`: what reached the proxy, in order. Set its length to 0 to forget. */
  readonly commands: RecordedCommand[] = [];
  #target: ProxyTarget;
  readonly #records: boolean;
  readonly #opaque: boolean;
  readonly #links = new Set<ProxyLink>();
  readonly #tampering: Tampering = { answer: undefined, rewrite: undefined };
  readonly #bytes = {
    'to-server': { received: 0, delivered: 0 },
    'to-client': { received: 0, delivered: 0 },
  };
  /** Faults of future connections. */
  #faults: Faults = noFaults();
  #cuts: Cut[] = [];
  #swallowsNew = false;
  #losses: Timer | undefined;
  #server: Server | undefined;
  #accepted = 0;

  /** Use `startProxy`. */
  constructor(target: ProxyTarget, port: number, options: ProxyOptions) {
    const { password } = target;
    const credentials = password === undefined ? '' : `:${encodeURIComponent(password)}@`;
    this.#target = target;
    this.host = options.host ?? '127.0.0.1';
    this.port = port;
    this.url = `redis://${credentials}${this.host}:${port}`;
    this.#records = options.recordCommands ?? false;
    this.#opaque = options.opaque ?? false;
  }

  /** The server that new connections lead to. */
  get target(): ProxyTarget {
    return this.#target;
  }

  /** Number of open connections, without those that were reset or ended. */
  get connections(): number {
    return this.#open.length;
  }

  /** The connections that the proxy holds now, oldest first. */
  get openConnections(): readonly ProxyConnection[] {
    return this.#open;
  }

  /** Number of connections accepted since the start. */
  get acceptedConnections(): number {
    return this.#accepted;
  }

  /** Bytes of all connections since the start. */
  get bytes(): { readonly toServer: ByteCounts; readonly toClient: ByteCounts } {
    return { toServer: { ...this.#bytes['to-server'] }, toClient: { ...this.#bytes['to-client'] } };
  }

  /** RST on both sides. Returns how many connections were reset. */
  reset(scope: Exclude<Scope, 'new'> = 'all'): number {
    const links = this.#select(scope);
    for (const link of links) link.reset();
    return links.length;
  }

  /**
   * Every `everyMs`, each open connection is reset with the probability `share`, until `restore()`. New
   * connections are accepted.
   */
  lossy({ share, everyMs = 200 }: { readonly share: number; readonly everyMs?: number }): void {
    this.#losses?.cancel();
    const lose = () => {
      for (const link of this.#open) if (systemRandom() < share) link.reset();
      this.#losses = systemClock.after(everyMs, lose);
    };
    lose();
  }

  /** FIN on both sides, as when a server is shut down. Returns how many connections were ended. */
  end(scope: Exclude<Scope, 'new'> = 'all'): number {
    const links = this.#select(scope);
    for (const link of links) link.end();
    return links.length;
  }

  /**
   * Stops listening: connects get ECONNREFUSED. Open connections are not affected; `reset()` or
   * `end()` closes them.
   */
  refuse(): void {
    // The listening socket closes at once; a callback would wait for the open connections.
    this.#server?.close();
    this.#server = undefined;
  }

  /** Listens again, on the same port. Rejects with EADDRINUSE if another process took it meanwhile. */
  async accept(): Promise<void> {
    if (this.#server) return;
    const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) =>
      this.#connect(socket),
    );
    this.#server = server;
    try {
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject);
        server.listen({ port: this.port, host: this.host, exclusive: true }, resolve);
      });
    } catch (error) {
      this.#server = undefined;
      throw error;
    }
  }

  /**
   * No byte passes in that direction, and no FIN or RST either; connecting still works. With `hold`, the
   * default, `restore()` delivers what was sent meanwhile, as TCP does after a partition, even if the client
   * has closed since. With `drop` it is lost, and `restore()` resets the connections that lost something.
   */
  silence(
    direction: Direction | 'both' = 'both',
    { mode = 'hold', scope = 'all' }: { mode?: SilenceMode; scope?: Scope } = {},
  ): void {
    this.#set(direction, scope, { silence: mode });
  }

  /** Each byte arrives this much later; order is kept. An omitted direction stays as it is. */
  delay(delay: { toServerMs?: number; toClientMs?: number; scope?: Scope }): void {
    const { toServerMs, toClientMs, scope = 'all' } = delay;
    if (toServerMs !== undefined) this.#set('to-server', scope, { delayMs: toServerMs });
    if (toClientMs !== undefined) this.#set('to-client', scope, { delayMs: toClientMs });
  }

  /** Each connection gets that many bytes per second, in slices of 20 ms (or one byte if that is more). */
  trickle(options: {
    bytesPerSecond: number;
    direction?: Direction | 'both';
    scope?: Scope;
  }): void {
    const { bytesPerSecond, direction = 'both', scope = 'all' } = options;
    this.#set(direction, scope, { bytesPerSecond });
  }

  /**
   * Resets, on both sides, the connection that delivers the next `bytes`th byte in that direction, after
   * delivering it; counted over all the connections in scope, once. 0 resets at the first byte, undelivered:
   * `cutAfter(0, 'to-client')` loses the reply to a command that was executed. Resolves with true when a
   * connection was cut, with false if `restore()` or `close()` came before.
   */
  cutAfter(bytes: number, direction: Direction, scope: Scope = 'all'): Promise<boolean> {
    const cut = new Cut(bytes);
    this.#cuts.push(cut);
    this.#set(direction, scope, { cut });
    return cut.done;
  }

  /**
   * New connections are accepted and never answered; present ones are not affected. `restore()`
   * resets them.
   */
  blackhole(): void {
    this.#swallowsNew = true;
  }

  /** Like `blackhole`; in addition the present connections lose their server without noticing. */
  halfOpen(): void {
    this.#swallowsNew = true;
    for (const link of this.#open) link.abandon();
  }

  /**
   * New connections lead to `target`, as after a failover behind a name or a virtual address; present ones
   * stay with their server. `restore()` does not move back. The password has to be the same.
   */
  moveTo(target: ProxyTarget): void {
    this.#target = target;
  }

  /**
   * A firewall loses its state: no byte of these connections passes in that direction any more, and no FIN or
   * RST; new ones are healthy. It lasts until the client closes them, whatever `restore()` does, and then the
   * server loses them as well. Returns how many connections were forgotten.
   */
  forgetFlows(
    direction: Direction | 'both' = 'both',
    scope: Exclude<Scope, 'new'> = 'all',
  ): number {
    const links = this.#select(scope);
    for (const link of links) link.forget(direction);
    return links.length;
  }

  /**
   * Writes raw bytes to the open connections, past all faults: a push, an error nobody asked for. Returns
   * how many connections got them.
   */
  inject(
    direction: Direction,
    bytes: string | Buffer,
    scope: Exclude<Scope, 'new'> = 'all',
  ): number {
    const raw = Buffer.from(bytes as string);
    return this.#select(scope).filter((link) => link.inject(direction, raw)).length;
  }

  /**
   * Answers commands itself, in their order among the server's replies; they don't reach the server. `reply`
   * is raw RESP (a missing CRLF is added), or a function that returns it, or undefined for a command that the
   * server is to answer. `applies` limits it: `allBut('PING', 'HELLO', 'CLIENT')`, `only('SET')`.
   */
  answerWith(
    reply: string | Buffer | ((command: Command) => string | Buffer | undefined),
    applies: (command: Command) => boolean = () => true,
  ): void {
    const answer: Answer = (command) => {
      if (!applies(command)) return undefined;
      const raw = typeof reply === 'function' ? reply(command) : reply;
      return raw === undefined ? undefined : terminated(raw);
    };
    this.#tampering.answer = answer;
  }

  /** Replaces replies of the server by what `rewrite` returns (raw RESP), unless that is undefined. */
  rewriteReplies(rewrite: (reply: Buffer, command: Command) => string | Buffer | undefined): void {
    const complete: Rewrite = (reply, command) => {
      const raw = rewrite(reply, command);
      return raw === undefined ? undefined : terminated(raw);
    };
    this.#tampering.rewrite = complete;
  }

  /** Ends all faults and listens again. Connections that can't continue are reset. */
  async restore(): Promise<void> {
    for (const cut of this.#cuts) cut.settle(false);
    this.#cuts = [];
    this.#losses?.cancel();
    this.#tampering.answer = undefined;
    this.#tampering.rewrite = undefined;
    this.#swallowsNew = false;
    this.#faults = noFaults();
    for (const link of this.#open) {
      Object.assign(link.faults['to-server'], noFaults()['to-server']);
      Object.assign(link.faults['to-client'], noFaults()['to-client']);
      link.resume();
    }
    await this.accept();
  }

  /** Stops listening, resets everything, and resolves when all sockets are closed. */
  async close(): Promise<void> {
    unregister(this);
    this.#losses?.cancel();
    for (const cut of this.#cuts) cut.settle(false);
    this.refuse();
    const links = [...this.#links];
    this.reset();
    await Promise.all(links.map((link) => link.closed));
  }

  /** The same as `close`. */
  dispose(): Promise<void> {
    return this.close();
  }

  /** Closes the proxy at the end of `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  get #open(): ProxyLink[] {
    return [...this.#links].filter((link) => !link.isOver);
  }

  #select(scope: Scope): ProxyLink[] {
    if (scope === 'new') return [];
    return typeof scope === 'function' ? this.#open.filter(scope) : this.#open;
  }

  #set(direction: Direction | 'both', scope: Scope, change: Partial<DirectionFaults>): void {
    const directions: Direction[] = direction === 'both' ? ['to-server', 'to-client'] : [direction];
    for (const one of directions) {
      if (scope === 'all' || scope === 'new') Object.assign(this.#faults[one], change);
      for (const link of this.#select(scope)) {
        Object.assign(link.faults[one], change);
        link.pipes?.[one].pump();
      }
    }
  }

  #connect(client: Socket): void {
    this.#accepted += 1;
    const id = this.#accepted;
    const onCommand: CommandListener = (args, forwarded) => {
      if (!this.#records) return;
      const position = () => link.pipes?.['to-server'].deliveredBytes ?? 0;
      this.commands.push(new CommandRecord(link, args, forwarded, position));
    };
    const link: ProxyLink = new ProxyLink({
      id,
      client,
      target: this.#target,
      upstream: this.#swallowsNew ? undefined : connectTo(this.#target),
      faults: copyFaults(this.#faults),
      tampering: this.#opaque ? undefined : this.#tampering,
      received: (direction, bytes) => {
        this.#bytes[direction].received += bytes;
      },
      delivered: (direction, bytes) => {
        this.#bytes[direction].delivered += bytes;
      },
      onCommand,
    });
    this.#links.add(link);
    void link.closed.then(() => this.#links.delete(link));
  }
}
