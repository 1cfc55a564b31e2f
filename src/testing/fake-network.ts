import type { CommandArgument } from '../core/command-argument.js';
import { FakeNetworkError } from './fake-errors.js';
import type { VirtualClock } from './virtual-clock.js';

/** Something that a client asks a server: one command, or several back to back. */
export interface FakeRequest {
  readonly commands: readonly (readonly CommandArgument[])[];
  /** For a batch: executed as a whole, answered by an array. */
  readonly isBatch: boolean;
  /** Sent by the engine, not by a caller. */
  readonly isQuestion?: boolean;
  /** Virtual time. */
  readonly sentAt: number;
  onAnswer(answer: FakeAnswer): void;
}

export type FakeAnswer =
  | { readonly ok: true; readonly reply: unknown }
  | { readonly ok: false; readonly error: Error };

/** One of the processes that an endpoint leads to. */
export interface FakeProcess {
  /** The process refuses writes: another one has replaced it, or it has always been a replica. */
  isReplica: boolean;
}

/** What a connection is for: commands, transactions, health checks, or subscriptions. */
export type FakeConnectionKind = 'data' | 'isolated' | 'probe' | 'subscriber';

/** Which way packets go. */
export type FakeDirection = 'to-server' | 'to-client';

/** A server as the network sees it; implemented by the fake database. */
export interface FakeServer {
  readonly clock: VirtualClock;
  readonly address: string;
  /** Current latency of one direction, in milliseconds. */
  readonly latencyMs: number;
  readonly refuses: boolean;
  /** The process is stopped: requests that reach it wait in its kernel. */
  readonly isFrozen: boolean;
  readonly losesToServer: boolean;
  readonly losesToClient: boolean;
  /** Whether new connections get no answer at all. */
  readonly swallowsNew: boolean;
  /** The process that the next connection leads to. */
  nextProcess(): FakeProcess;
  nextWireId(): number;
  /** The connections that the server handles. */
  readonly wires: Set<FakeWire>;
  /** The connections that clients hold open. */
  readonly clients: Set<FakeWire>;
  /** Returns the answer to a request; undefined: it never gets one. */
  execute(request: FakeRequest, wire: FakeWire): FakeAnswer | undefined;
}

export interface FakeWireListener {
  onOpen(): void;
  onClosed(error: FakeNetworkError): void;
  /** The server has read a request: there is room for more. */
  onRoom?(): void;
}

/**
 * One TCP connection between a client and a fake server. Lost packets are sent again until one side
 * has closed, as in TCP, so that they arrive after the network has recovered.
 */
export class FakeWire {
  state: 'opening' | 'open' | 'closed' = 'opening';
  /** The id in the reply to CLIENT ID. */
  readonly id: number;
  /** Requests that the server has not executed yet: in its buffers and on the way. */
  unread = 0;
  /** The process that the connection leads to; undefined until its first packet has arrived. */
  process: FakeProcess | undefined;
  /** Directions in which nothing passes any more, without an error on either side. */
  readonly #forgotten = new Set<FakeDirection>();
  /** Requests that a lossy network or a frozen server holds back, in order. */
  readonly #toServer: (() => void)[] = [];
  /** The server has closed it; the client may not know yet. */
  #isCut = false;
  #tellLater: (() => void) | undefined;
  readonly #toClient: (() => void)[] = [];
  #lastToServer = 0;
  #lastToClient = 0;

  constructor(
    readonly server: FakeServer,
    readonly kind: FakeConnectionKind,
    private readonly listener: FakeWireListener,
  ) {
    this.id = server.nextWireId();
    server.wires.add(this);
    server.clients.add(this);
    if (server.swallowsNew) this.forget();
    this.#sendToServer(() => {
      this.process = server.nextProcess();
      if (server.refuses) this.#close('ECONNREFUSED');
      else this.#whenThawed(() => this.#sendToClient(() => this.#open()));
    });
  }

  /** Whether the connection is silent until it is closed. */
  get isForgotten(): boolean {
    return this.#forgotten.size > 0;
  }

  /** A firewall on the way loses its state: nothing passes in this direction any more. */
  forget(direction: FakeDirection | 'both' = 'both'): void {
    if (direction !== 'to-client') this.#forgotten.add('to-server');
    if (direction !== 'to-server') this.#forgotten.add('to-client');
  }

  send(request: FakeRequest): void {
    this.unread += 1;
    this.#sendToServer(() =>
      this.#whenThawed(() => {
        this.unread -= 1;
        const answer = this.server.execute(request, this);
        if (answer !== undefined) this.#sendToClient(() => request.onAnswer(answer));
        if (this.listener.onRoom !== undefined) {
          this.server.clock.deliver(0, () => this.listener.onRoom?.());
        }
      }),
    );
  }

  /** Sends a push message of the server; it arrives in order with the replies. */
  push(arrive: () => void): void {
    if (!this.#isCut) this.#sendToClient(arrive);
  }

  /**
   * Closes the connection on the client's side. Requests that the server has received are executed
   * all the same.
   */
  destroy(): void {
    this.#end();
  }

  /**
   * Resets the connection on the server's side: unread requests are lost, and so are replies on the
   * way.
   */
  cut(code: 'ECONNRESET' | 'ECONNREFUSED' = 'ECONNRESET'): void {
    if (this.state !== 'closed' && !this.#isCut) this.#close(code);
  }

  /** Releases held-back packets, as far as the network and the server permit now. */
  release(): void {
    const tell = this.#tellLater;
    this.#tellLater = undefined;
    if (tell !== undefined) this.server.clock.deliver(this.server.latencyMs, tell);
    const toServer = this.#toServer.splice(0);
    const toClient = this.#toClient.splice(0);
    for (const arrive of toServer) this.#arrive(arrive);
    for (const arrive of toClient) {
      this.server.clock.deliver(this.server.latencyMs, () => this.#return(arrive));
    }
    if (this.state === 'closed' && this.#toServer.length === 0) this.server.wires.delete(this);
  }

  get #losesToServer(): boolean {
    return this.#forgotten.has('to-server') || this.server.losesToServer;
  }

  #open(): void {
    if (this.state !== 'opening') return;
    this.state = 'open';
    this.listener.onOpen();
  }

  #close(code: 'ECONNRESET' | 'ECONNREFUSED'): void {
    const { server } = this;
    this.#isCut = true;
    this.#toServer.length = 0;
    this.#toClient.length = 0;
    server.wires.delete(this);
    if (this.#forgotten.has('to-client')) return;
    const tell = () => {
      if (this.state === 'closed') return;
      if (this.#forgotten.has('to-client')) return;
      if (server.losesToClient) {
        // Reported when the client's next packet gets through.
        this.#tellLater = tell;
        server.wires.add(this);
        return;
      }
      this.#end();
      this.listener.onClosed(new FakeNetworkError(code, server.address));
    };
    server.clock.deliver(server.latencyMs, tell);
  }

  #end(): void {
    this.state = 'closed';
    this.server.clients.delete(this);
    this.#toClient.length = 0;
    this.#tellLater = undefined;
    if (this.#losesToServer) this.#toServer.length = 0;
    if (this.#toServer.length === 0) this.server.wires.delete(this);
  }

  #sendToServer(arrive: () => void): void {
    const { clock, latencyMs } = this.server;
    // Bytes never overtake each other, even if the latency drops.
    const at = Math.max(clock.now() + latencyMs, this.#lastToServer);
    this.#lastToServer = at;
    clock.elsewhere(at - clock.now(), () => this.#arrive(arrive));
  }

  #arrive(arrive: () => void): void {
    if (this.#isCut) return;
    if (this.#losesToServer) {
      // Packets are not sent again once the client has closed.
      if (this.state !== 'closed') this.#toServer.push(arrive);
    } else if (this.#toServer.length > 0) this.#toServer.push(arrive);
    else arrive();
  }

  #whenThawed(act: () => void): void {
    if (!this.server.isFrozen) {
      act();
      return;
    }
    this.#toServer.push(() => this.#whenThawed(act));
    this.server.wires.add(this);
  }

  #sendToClient(arrive: () => void): void {
    const { clock, latencyMs } = this.server;
    const at = Math.max(clock.now() + latencyMs, this.#lastToClient);
    this.#lastToClient = at;
    clock.deliver(at - clock.now(), () => this.#return(arrive));
  }

  #return(arrive: () => void): void {
    if (this.#isCut || this.state === 'closed') return;
    const isLost = this.#forgotten.has('to-client') || this.server.losesToClient;
    if (isLost || this.#toClient.length > 0) this.#toClient.push(arrive);
    else arrive();
  }
}
