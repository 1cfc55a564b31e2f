/** A handler behind a real server, asked with `fetch` and over raw sockets. */
import type { createServer, Server } from 'node:http';
import { connect, type Socket } from 'node:net';
import {
  createHttpHandler,
  type HttpHandlerOptions,
  type OperatedClient,
} from 'redis-multidb/http';
import { afterEach } from 'vitest';
import { serveHandler } from '../kit/index.js';

const opened: { close(): unknown }[] = [];

afterEach(async () => {
  for (const each of opened.splice(0)) await each.close();
});

export const TOKEN = 'Bearer right';

/** Who has the token may do everything. */
export const WITH_TOKEN = {
  authorize: ({ headers }) => headers.authorization === TOKEN,
} satisfies HttpHandlerOptions;

export interface Served {
  readonly port: number;
  readonly url: string;
  readonly server: Server;
  readonly handler: ReturnType<typeof createHttpHandler>;
}

/** Ends with the test. */
export async function serve(client: OperatedClient, options?: HttpHandlerOptions): Promise<Served> {
  const handler = createHttpHandler(client, options);
  return serveListener(handler, handler);
}

export async function serveListener(
  listener: Parameters<typeof createServer>[1],
  handler: ReturnType<typeof createHttpHandler>,
): Promise<Served> {
  const served = await serveHandler(handler, listener);
  opened.push(served);
  return { ...served, handler };
}

/** As a program with the token does it. */
export function post(url: string, body: unknown, headers: Record<string, string> = {}) {
  return fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: TOKEN, ...headers },
    body: JSON.stringify(body),
  });
}

/** Bytes to the port, and what came back until the other end closed or said enough. */
export class Raw {
  text = '';
  closed = false;
  readonly #socket: Socket;

  constructor(port: number) {
    this.#socket = connect(port, '127.0.0.1');
    this.#socket.setEncoding('utf8');
    this.#socket.on('data', (text) => {
      this.text += text;
    });
    // A reset is one of the ways in which the other end may refuse.
    this.#socket.on('error', () => {});
    this.#socket.on('close', () => {
      this.closed = true;
    });
    opened.push({ close: () => this.#socket.destroy() });
  }

  get status(): number {
    return Number(/^HTTP\/1\.1 (\d+)/.exec(this.text)?.[1]);
  }

  /** Of the answer, by lower-case name. */
  header(name: string): string | undefined {
    return new RegExp(`^${name}: (.*)$`, 'im').exec(this.text)?.[1]?.trim();
  }

  send(...lines: string[]): this {
    this.#socket.write(lines.join('\r\n'));
    return this;
  }

  /** False when the other end takes no more at present. */
  write(text: string): boolean {
    return this.#socket.write(text);
  }

  pause(): void {
    this.#socket.pause();
  }

  destroy(): void {
    this.#socket.destroy();
  }
}

export interface ReceivedEvent {
  readonly id: string | undefined;
  readonly event: string;
  // biome-ignore lint/suspicious/noExplicitAny: whatever the event carries
  readonly data: any;
}

/** A reader of `/events`. */
export class EventReader {
  readonly events: ReceivedEvent[] = [];
  comments = 0;
  ended = false;
  readonly #controller = new AbortController();

  static async open(url: string, headers: Record<string, string> = {}): Promise<EventReader> {
    const reader = new EventReader();
    const response = await fetch(`${url}/events`, { headers, signal: reader.#controller.signal });
    if (response.status !== 200) throw new Error(`/events answered ${response.status}`);
    opened.push(reader);
    reader.#read(response.body as ReadableStream<Uint8Array>).catch(() => {
      reader.ended = true;
    });
    return reader;
  }

  of(event: string): ReceivedEvent[] {
    return this.events.filter((each) => each.event === event);
  }

  close(): void {
    this.#controller.abort();
  }

  async #read(body: ReadableStream<Uint8Array>): Promise<void> {
    let rest = '';
    for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
      const blocks = (rest + chunk).split('\n\n');
      rest = blocks.pop() ?? '';
      for (const block of blocks) this.#take(block);
    }
    this.ended = true;
  }

  #take(block: string): void {
    const field = (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1];
    if (block.startsWith(':')) this.comments += 1;
    const data = field('data');
    if (data === undefined) return;
    this.events.push({
      id: field('id'),
      event: field('event') ?? 'message',
      data: JSON.parse(data),
    });
  }
}
