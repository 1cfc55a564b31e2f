import type { IncomingMessage } from 'node:http';

/** A request, independent of the framework. */
export interface HandledRequest {
  readonly method: string;
  /** Below the place where the handler is mounted: begins with `/`, percent-encoded, no query. */
  readonly path: string;
  /** By lower-case name; several values of one name are joined by a comma. */
  readonly headers: Readonly<Record<string, string>>;
  /** Address of the client; undefined if unknown. */
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

/** Why a body was refused, with the status of the answer. */
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
  /** The rest of the request was not read, so the connection cannot be reused. */
  readonly abandon?: boolean;
}

/** One reader of a stream. */
export interface StreamSink {
  /**
   * Sends `text`. Returns false if more than `MAX_WAITING_BYTES` of earlier data still wait,
   * because the reader is too slow. `text` itself does not count.
   */
  write(text: string): boolean;
  /** Ends the stream in order. Idempotent. */
  end(): void;
  /** Ends the stream at once. Idempotent. */
  destroy(): void;
  /** Calls back once when the reader has disconnected; at once if it already has. */
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
