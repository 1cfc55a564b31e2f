import type { Socket } from 'node:net';
import type { InnerClient } from './inner-client.js';
import { captureSocket } from './raw-socket.js';

/** The socket of one inner client: whether it keeps the process alive, and how many bytes it received. */
export class SocketUse {
  #socket: Socket | undefined;
  #referenced = true;
  /** Bytes that reached the decoder; counted where the socket is not accessible (TLS). */
  #decoded = 0;

  constructor(private readonly client: InnerClient) {}

  /** Calls `connect` and returns the socket that it creates, if that is accessible. */
  open(connect: () => void): Socket | undefined {
    this.#socket = captureSocket(connect);
    if (this.#socket === undefined) this.#countChunks();
    return this.#socket;
  }

  get bytesReceived(): number {
    return this.#socket?.bytesRead ?? this.#decoded;
  }

  ref(): void {
    this.#referenced = true;
    this.apply();
  }

  unref(): void {
    this.#referenced = false;
    this.apply();
  }

  /**
   * To be called again when the client is connected, because node-redis knows the socket only then. Applies to
   * the socket as well.
   */
  apply(): void {
    const method = this.#referenced ? 'ref' : 'unref';
    this.client[method]();
    this.#socket?.[method]();
  }

  #countChunks(): void {
    const { decoder } = this.client._getQueue();
    const write = decoder.write;
    decoder.write = (chunk) => {
      this.#decoded += chunk.length;
      return write.call(decoder, chunk);
    };
  }
}
