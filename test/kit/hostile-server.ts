/** A Redis server that at times sends what no client asked for, or what is not RESP at all. */
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { register, unregister } from '../../src/test-bed/server/registry.js';

/** What a server, or a proxy in its place, may send. Each breaks the stream in another way. */
export const GARBAGE = {
  /** Load balancers say why they close. */
  'error line': '-ERR idle timeout, connection closed by the proxy\r\n',
  'one reply more': '+OK\r\n',
  'one number more': ':1\r\n',
  'one null more': '_\r\n',
  'half a reply': '$5\r\nhel',
  'half an array': '*2\r\n$1\r\na\r\n',
  'an HTTP answer': 'HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n',
  'a TLS alert': Buffer.from([0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x28]),
  'zero bytes': Buffer.alloc(64),
  'random bytes': Buffer.from('9f3cd0127ae5410bff00c4881d', 'hex'),
  'a huge string': '$99999999999999999999\r\n',
  'a huge array': '*4294967296\r\n',
  'negative lengths': '*-7\r\n$-9\r\n',
  'an unknown type': '?what\r\n',
  'an empty push': '>0\r\n',
  'a push of nothing known': '>2\r\n$5\r\nother\r\n$1\r\nx\r\n',
} as const satisfies Record<string, string | Buffer>;

export type GarbageName = keyof typeof GARBAGE;

export interface HostileServerOptions {
  /** Where connections lead while it behaves. */
  readonly target: { readonly host?: string; readonly port: number };
}

interface Pair {
  readonly client: Socket;
  readonly upstream: Socket;
  /** Everything that the client has sent, as text. */
  sent: string;
  /** Nothing has come from the server since the client sent something. */
  isOwing: boolean;
}

export interface SayOptions {
  /** Whether a FIN follows. Default: false. */
  readonly end?: boolean;
  /** Only to connections over which this text was sent, for instance the name of a command. */
  readonly toThoseThatSent?: string;
}

/** Relays to a real server byte by byte, unless a hostile behaviour is set. */
export class HostileServer {
  readonly #server: Server;
  readonly #pairs = new Set<Pair>();
  #greeting: string | Buffer | undefined;
  #answer: string | Buffer | undefined;
  /** Connections accepted so far. */
  accepted = 0;

  private constructor(
    private readonly options: HostileServerOptions,
    server: Server,
  ) {
    this.#server = server;
    server.on('connection', (client) => this.#accept(client));
  }

  static async start(options: HostileServerOptions): Promise<HostileServer> {
    const server = createServer({ allowHalfOpen: true });
    const hostile = new HostileServer(options, server);
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(0, '127.0.0.1', resolve);
    });
    register(hostile);
    return hostile;
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port;
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  get connections(): number {
    return this.#pairs.size;
  }

  /** Whether no client waits for a reply. */
  get isQuiet(): boolean {
    return [...this.#pairs].every(({ isOwing }) => !isOwing);
  }

  /** Sends `bytes` to every open connection, or to some of them, unasked. */
  say(bytes: string | Buffer, { end = false, toThoseThatSent = '' }: SayOptions = {}): void {
    for (const { client, sent } of this.#pairs) {
      if (!sent.includes(toThoseThatSent)) continue;
      client.write(bytes);
      if (end) client.end();
    }
  }

  /** From now on every new connection begins with `bytes`; `undefined`: no longer. */
  greet(bytes: string | Buffer | undefined): void {
    this.#greeting = bytes;
  }

  /** From now on whatever arrives is answered with `bytes`; `undefined`: relayed again. */
  answer(bytes: string | Buffer | undefined): void {
    this.#answer = bytes;
  }

  /** Relays again; what has been broken stays so. */
  behave(): void {
    this.#greeting = undefined;
    this.#answer = undefined;
  }

  async dispose(): Promise<void> {
    unregister(this);
    for (const { client, upstream } of this.#pairs) {
      client.destroy();
      upstream.destroy();
    }
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #accept(client: Socket): void {
    this.accepted += 1;
    const { host = '127.0.0.1', port } = this.options.target;
    const upstream = createConnection({ host, port, allowHalfOpen: true });
    const pair: Pair = { client, upstream, sent: '', isOwing: true };
    this.#pairs.add(pair);
    const end = () => {
      this.#pairs.delete(pair);
      client.destroy();
      upstream.destroy();
    };
    if (this.#greeting !== undefined) client.write(this.#greeting);
    client.on('data', (chunk) => {
      pair.sent += chunk.toString('latin1');
      pair.isOwing = true;
      if (this.#answer === undefined) upstream.write(chunk);
      else client.write(this.#answer);
    });
    upstream.on('data', (chunk) => {
      pair.isOwing = false;
      if (this.#answer === undefined && client.writable) client.write(chunk);
    });
    client.on('end', () => upstream.end());
    upstream.on('end', () => client.end());
    for (const socket of [client, upstream]) socket.on('error', end).on('close', end);
  }
}

export function startHostileServer(options: HostileServerOptions): Promise<HostileServer> {
  return HostileServer.start(options);
}
