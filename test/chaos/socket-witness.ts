import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { Socket } from 'node:net';
import { tokensIn } from './history.js';

const CHANNEL = 'net.client.socket';

/**
 * Looks at what this process hands to its sockets that lead to `ports`, whoever does it. A command
 * that is in none of it can't have been executed; one that is handed over after its caller was
 * told how it ended was sent too late.
 */
export class SocketWitness {
  readonly ports = new Set<number>();
  readonly handed = new Set<number>();
  /** Handed over after its caller had received the result. */
  readonly late = new Set<number>();

  constructor(private readonly isSettled: (id: number) => boolean) {
    subscribe(CHANNEL, this.#onSocket);
  }

  stop(): void {
    unsubscribe(CHANNEL, this.#onSocket);
  }

  readonly #onSocket = (message: unknown): void => {
    const { socket } = message as { socket: Socket };
    // `connect` puts a `write` of its own back; nothing is written before it has connected.
    socket.once('connect', () => {
      if (!this.ports.has(socket.remotePort as number)) return;
      const write = socket.write as (...args: unknown[]) => boolean;
      const witness = (...args: unknown[]) => {
        this.#note(args[0]);
        return write.apply(socket, args);
      };
      socket.write = witness as Socket['write'];
    });
  };

  #note(data: unknown): void {
    const text =
      typeof data === 'string' ? data : Buffer.from(data as Uint8Array).toString('latin1');
    for (const id of tokensIn(text)) {
      this.handed.add(id);
      if (this.isSettled(id)) this.late.add(id);
    }
  }
}
