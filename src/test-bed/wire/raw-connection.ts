/** A plain socket that speaks RESP: the witness that does not trust the client under test. */
import { connect, type Socket } from 'node:net';
import { systemClock } from '../../clock.js';
import { type CommandArgument, encodeCommand, type Reply, RespError, RespParser } from './resp.js';

export interface RawTarget {
  readonly port?: number;
  /** Default 127.0.0.1. */
  readonly host?: string;
  /** A Unix socket, instead of host and port. */
  readonly path?: string;
  readonly username?: string;
  readonly password?: string | undefined;
  /** Bound on connecting and on each reply in milliseconds. Default 5000. */
  readonly timeoutMs?: number;
}

/** How a connection ended: `end` by FIN, `reset` by RST, `closed` by ourselves. */
export type RawEnding = 'end' | 'reset' | 'closed';

interface Waiter {
  resolve(reply: Reply): void;
  reject(error: Error): void;
}

export class RawConnection {
  readonly socket: Socket;
  /** Resolves, never rejects, when the connection is over. */
  readonly closed: Promise<RawEnding>;
  /** Everything received, as one string per chunk. */
  readonly chunks: string[] = [];
  readonly #timeoutMs: number;
  readonly #parser = new RespParser();
  readonly #replies: Reply[] = [];
  readonly #waiters: Waiter[] = [];
  #failure: Error | undefined;

  /** Connects, and authenticates if the target has a password. Rejects as the socket does (ECONNREFUSED). */
  static async open(target: RawTarget): Promise<RawConnection> {
    const { path, host = '127.0.0.1', port = 6379, timeoutMs = 5000 } = target;
    const socket = path === undefined ? connect({ host, port }) : connect({ path });
    const connection = new RawConnection(socket, timeoutMs);
    await new Promise<void>((resolve, reject) => {
      const late = () => {
        socket.destroy();
        reject(new Error(`No connection to ${path ?? port} within ${timeoutMs} ms`));
      };
      const timer = systemClock.after(timeoutMs, late, { keepAlive: true });
      socket.once('connect', () => {
        timer.cancel();
        resolve();
      });
      socket.once('error', (error) => {
        timer.cancel();
        reject(error);
      });
    });
    if (target.password !== undefined) {
      try {
        await connection.request('AUTH', target.username ?? 'default', target.password);
      } catch (error) {
        connection.close();
        throw error;
      }
    }
    return connection;
  }

  private constructor(socket: Socket, timeoutMs: number) {
    this.socket = socket;
    this.#timeoutMs = timeoutMs;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    let ending: RawEnding = 'closed';
    socket.once('end', () => {
      ending = 'end';
    });
    socket.once('error', (error) => {
      ending = 'reset';
      this.#failure = error;
    });
    this.closed = new Promise((resolve) => {
      socket.once('close', () => {
        this.#failure ??= new Error(`The connection is over (${ending})`);
        for (const waiter of this.#waiters.splice(0)) waiter.reject(this.#failure);
        resolve(ending);
      });
    });
  }

  get isOpen(): boolean {
    return this.#failure === undefined && !this.socket.destroyed;
  }

  write(bytes: string | Buffer): void {
    this.socket.write(bytes);
  }

  /** Writes a command without waiting for its reply. */
  send(...args: CommandArgument[]): void {
    this.socket.write(encodeCommand(args));
  }

  /** The next reply or push in order of arrival. An error reply is a value here. */
  next(timeoutMs = this.#timeoutMs): Promise<Reply> {
    const reply = this.#replies.shift();
    if (reply !== undefined) return Promise.resolve(reply);
    if (this.#failure) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      const late = () => {
        this.#waiters.splice(this.#waiters.indexOf(waiter), 1);
        reject(new Error(`No reply within ${timeoutMs} ms`));
      };
      const timer = systemClock.after(timeoutMs, late, { keepAlive: true });
      const waiter: Waiter = {
        resolve: (value) => {
          timer.cancel();
          resolve(value);
        },
        reject: (error) => {
          timer.cancel();
          reject(error);
        },
      };
      this.#waiters.push(waiter);
    });
  }

  /** One command and its reply. An error reply rejects with a `RespError`. */
  async request(...args: CommandArgument[]): Promise<Reply> {
    this.send(...args);
    const reply = await this.next();
    if (reply instanceof RespError) throw reply;
    return reply;
  }

  close(): void {
    this.socket.destroy();
  }

  #receive(chunk: Buffer): void {
    this.chunks.push(chunk.toString());
    for (const reply of this.#parser.push(chunk)) {
      const waiter = this.#waiters.shift();
      if (waiter) waiter.resolve(reply);
      else this.#replies.push(reply);
    }
  }
}

/** One command over a connection of its own. An error reply rejects with a `RespError`. */
export async function rawCommand(target: RawTarget, ...args: CommandArgument[]): Promise<Reply> {
  const connection = await RawConnection.open(target);
  try {
    return await connection.request(...args);
  } finally {
    connection.close();
  }
}
