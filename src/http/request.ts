import type { IncomingMessage } from 'node:http';

/** A request as the routes see it, whatever framework it came through. */
export interface HandledRequest {
  readonly method: string;
  /** Below the place where the handler is mounted: begins with `/`, percent-encoded, no query. */
  readonly path: string;
  /** By lower-case name; several values of one name are joined by a comma. */
  readonly headers: Readonly<Record<string, string>>;
  /** Of the other end of the connection; undefined when it is not known. */
  readonly remoteAddress: string | undefined;
  /** Of the framework, for `authorize`. */
  readonly raw: IncomingMessage | Request;
  /** Rejects with `BodyError`. At most once. */
  readBody(limits: BodyLimits): Promise<unknown>;
}

export interface BodyLimits {
  readonly maxBytes: number;
  /** Resolves when the time for the body is over; rejects never. */
  readonly timeUp: Promise<void>;
}

/** Why a body was not taken; the status is what the client is told. */
export class BodyError extends Error {
  constructor(
    readonly status: 400 | 408 | 413,
    message: string,
  ) {
    super(message);
  }
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Text, or what writes a stream until the reader goes. */
  readonly body: string | ((sink: StreamSink) => void);
  /** What the client was about to send has not been read: the connection is of no more use. */
  readonly abandon?: boolean;
}

/** One reader of a stream. */
export interface StreamSink {
  /**
   * Sends `text`. False when more than `MAX_WAITING_BYTES` of what was written before still wait:
   * the reader is too slow. `text` itself never counts against the reader.
   */
  write(text: string): boolean;
  /** Ends the stream in order. Idempotent. */
  end(): void;
  /** Cuts it off. Idempotent. */
  destroy(): void;
  /** Calls back once when the reader is gone, for whatever reason; at once if it is gone already. */
  onGone(callback: () => void): void;
}

/** Bytes that may wait for one slow reader of a stream. */
export const MAX_WAITING_BYTES = 256 * 1024;

/** A JSON document. Rejects everything that isn't one. */
export function parseBody(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw new BodyError(400, 'the body is not valid JSON');
  }
}
