/** One connection through the proxy: the client's socket, the server's, and a pipe each way. */
import type { Socket } from 'node:net';
import { type CommandListener, CommandTracker, type Tampering } from './command-tracker.js';
import type { Direction, Faults } from './proxy-faults.js';
import { ProxyPipe } from './proxy-pipe.js';
import type { ProxyTarget } from './proxy-target.js';

/** The properties by which a scope predicate can distinguish connections. */
export interface ProxyConnection {
  /** 1, 2, 3 ... in order of acceptance. */
  readonly id: number;
  /** The server that this connection leads to. */
  readonly target: ProxyTarget;
  /** Names, in upper case, of the commands that this connection has carried. */
  readonly seen: ReadonlySet<string>;
}

export interface LinkOptions {
  readonly id: number;
  readonly client: Socket;
  readonly target: ProxyTarget;
  /** Undefined: a connection that is accepted and never answered. */
  readonly upstream: Socket | undefined;
  readonly faults: Faults;
  /** Undefined: bytes are not looked at. */
  readonly tampering: Tampering | undefined;
  readonly received: (direction: Direction, bytes: number) => void;
  readonly delivered: (direction: Direction, bytes: number) => void;
  readonly onCommand: CommandListener;
}

export class ProxyLink implements ProxyConnection {
  readonly id: number;
  readonly target: ProxyTarget;
  readonly seen: Set<string> = new Set();
  readonly faults: Faults;
  /** Resolves when both sockets are closed. */
  readonly closed: Promise<unknown>;
  readonly pipes: { readonly [D in Direction]: ProxyPipe } | undefined;
  readonly #client: Socket;
  readonly #upstream: Socket | undefined;
  readonly #received: LinkOptions['received'];
  #isAbandoned: boolean;
  #isForgotten = false;
  #isOver = false;

  constructor(options: LinkOptions) {
    const { client, upstream } = options;
    this.id = options.id;
    this.target = options.target;
    this.faults = options.faults;
    this.#client = client;
    this.#upstream = upstream;
    this.#received = options.received;
    this.#isAbandoned = upstream === undefined;
    this.closed = Promise.all([closed(client), upstream && closed(upstream)]);
    if (upstream) this.pipes = this.#join(client, upstream, options);
    else this.#swallow();
  }

  /** Whether the client's data is discarded. */
  get isAbandoned(): boolean {
    return this.#isAbandoned;
  }

  /**
   * Whether the connection was reset or ended here, although its sockets take a moment to close.
   */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** RST to both sides. */
  reset(): void {
    this.#isOver = true;
    this.#dispose();
    resetSocket(this.#client);
    if (this.#upstream) resetSocket(this.#upstream);
  }

  /** FIN to both sides, as a server that is shut down or killed sends. */
  end(): void {
    this.#isOver = true;
    this.#dispose();
    this.#client.destroySoon();
    this.#upstream?.destroySoon();
  }

  /** Closes the server's side; the client's stays open and gets nothing. */
  abandon(): void {
    if (this.#isAbandoned) return;
    this.#isAbandoned = true;
    this.#dispose();
    this.#upstream?.destroy();
    this.#swallow();
  }

  /** Lets nothing pass in that direction any more, whatever happens to the faults. */
  forget(direction: Direction | 'both'): void {
    this.#isForgotten = true;
    const directions: Direction[] = direction === 'both' ? ['to-server', 'to-client'] : [direction];
    for (const each of directions) this.pipes?.[each].dispose();
    if (this.#client.readableEnded || this.#client.destroyed) this.end();
    // A full buffer would hide the client's FIN.
    else for (const socket of [this.#client, this.#upstream]) socket?.resume();
  }

  /** Continues after the faults have ended. */
  resume(): void {
    if (this.#isAbandoned) this.reset();
    else for (const pipe of this.#allPipes()) pipe.resume();
  }

  /** Writes straight to a socket, past all faults. Returns whether it could. */
  inject(direction: Direction, bytes: Buffer): boolean {
    const socket = direction === 'to-client' ? this.#client : this.#upstream;
    if (!socket?.writable) return false;
    socket.write(bytes);
    return true;
  }

  #join(client: Socket, upstream: Socket, options: LinkOptions): Record<Direction, ProxyPipe> {
    const resetAll = () => this.reset();
    const pipe = (direction: Direction, source: Socket, target: Socket) =>
      new ProxyPipe(this.faults[direction], {
        source,
        target,
        resetAll,
        seal: () => this.#dispose(),
        delivered: (bytes) => options.delivered(direction, bytes),
      });
    const toServer = pipe('to-server', client, upstream);
    const toClient = pipe('to-client', upstream, client);
    const tracker =
      options.tampering &&
      new CommandTracker(options.tampering, (command, forwarded) => {
        this.seen.add((command[0] as string).toUpperCase());
        options.onCommand(command, forwarded);
      });
    client.on('data', (chunk: Buffer) => {
      this.#received('to-server', chunk.length);
      if (this.#isAbandoned) return;
      const bytes = tracker?.fromClient(chunk);
      toServer.push(bytes?.toServer ?? chunk);
      if (bytes !== undefined) toClient.push(bytes.toClient);
    });
    upstream.on('data', (chunk: Buffer) => {
      this.#received('to-client', chunk.length);
      if (!this.#isAbandoned) toClient.push(tracker?.fromServer(chunk) ?? chunk);
    });
    const onClientGone = (ending: 'end' | 'reset') => {
      // The reply to its FIN would be lost, and the connection would stay open indefinitely.
      if (this.#isForgotten) this.end();
      else toServer.finish(ending);
    };
    client.on('end', () => onClientGone('end'));
    client.on('error', () => onClientGone('reset'));
    upstream.on('end', () => toClient.finish('end'));
    // A refused connect as well: the client, already accepted, sees its connection reset.
    upstream.on('error', () => toClient.finish('reset'));
    return { 'to-server': toServer, 'to-client': toClient };
  }

  #swallow(): void {
    const client = this.#client;
    if (!this.pipes) {
      client.on('data', (chunk: Buffer) => this.#received('to-server', chunk.length));
      client.on('error', () => client.destroy());
    }
    client.on('end', () => client.destroy());
    client.resume();
  }

  #dispose(): void {
    for (const pipe of this.#allPipes()) pipe.dispose();
  }

  #allPipes(): ProxyPipe[] {
    return this.pipes ? Object.values(this.pipes) : [];
  }
}

function closed(socket: Socket): Promise<unknown> {
  return new Promise((resolve) => socket.once('close', resolve));
}

function resetSocket(socket: Socket): void {
  if (socket.destroyed) return;
  // While its FIN is on the way libuv refuses to reset a socket, and Node.js then never closes it.
  const isEnding = socket.writableEnded && !socket.writableFinished;
  try {
    if (socket.connecting || isEnding) socket.destroy();
    else socket.resetAndDestroy();
  } catch {
    // A Unix socket knows no RST.
    socket.destroy();
  }
}
