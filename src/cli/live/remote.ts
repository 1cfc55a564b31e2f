/** A running application through its HTTP handler. */

import { systemClock, type Timer } from '../../clock.js';
import { substitute } from '../../config/variables.js';
import { duration } from '../../drill/report/format.js';
import { foreignText } from '../../foreign/foreign-text.js';
import { holdSecrets } from '../../foreign/held-secrets.js';
import type { Secret } from '../../foreign/secret-forms.js';
import { secretsInHeader } from '../../foreign/secrets-in-header.js';
import type { Status } from '../../http/status.js';
import type { SteeringAnswer } from '../../http/steering-change.js';
import { FailedError, UsageError } from '../exit.js';
import { asStatus, cleanDocument, parseDocument, readText } from './answer.js';
import { readEvents, type ServerEvent } from './event-source.js';
import { Pace, paced, pause } from './pace.js';

/** Also the default of `--timeout`. */
export const TIMEOUT_MS = 10_000;
/** Delay before a reconnect in milliseconds, the same as the handler gives browsers. */
export const RECONNECT_MS = 2000;
/**
 * Number of timeouts without data after which a stream counts as lost. The handler sends a status
 * or a comment more often.
 */
const SILENT_TIMEOUTS = 3;
/** The longest answer that is read for the reason of a refusal, in bytes. */
const LONGEST_REFUSAL = 64 * 1024;
/** Events that are accepted at once: more than a handler keeps for a reader that reconnects. */
const BURST_EVENTS = 500;
/** Events per second that are accepted after that. */
const EVENTS_PER_SECOND = 50;
const BURST_BYTES = 8 * 1024 * 1024;
const BYTES_PER_SECOND = 1024 * 1024;

export class Remote {
  readonly #base: string;
  readonly #headers: Readonly<Record<string, string>>;

  /**
   * `url`: where the handler is mounted. `headers`: "name: value", with `${VARIABLES}`.
   * `timeoutMs`: time within which a reply must arrive.
   */
  constructor(
    url: string,
    headers: readonly string[] = [],
    private readonly timeoutMs = TIMEOUT_MS,
  ) {
    if (!isHttpUrl(url))
      throw new UsageError('Expected the URL of the handler: http://127.0.0.1:8080/redis');
    const parsed = new URL(url);
    // fetch() refuses credentials in URLs, and they would show in messages.
    if (parsed.username !== '' || parsed.password !== '') {
      throw new UsageError(
        "Credentials are not allowed in the URL; use --header 'authorization: Bearer ${TOKEN}'",
      );
    }
    this.#base = `${parsed.origin}${parsed.pathname.replace(/\/$/, '')}`;
    this.#headers = Object.fromEntries(headers.map(readHeader));
    // A server may repeat them, in an error or a redirect for instance.
    holdSecrets(this, headers.flatMap(secretsOfHeader));
  }

  get name(): string {
    return this.#base;
  }

  async status(): Promise<Status> {
    const status = asStatus(await this.#json('GET', '/status'));
    if (status === undefined) throw this.#stranger();
    return status;
  }

  /**
   * Switches to `database`. Resolves to the id of the active database afterwards. `durationMs`:
   * null for an unlimited time.
   */
  async switchTo(
    database: string,
    durationMs: number | null | undefined,
    unchecked = false,
  ): Promise<string | null> {
    const body = {
      database,
      ...(durationMs === undefined ? {} : { durationMs }),
      ...(unchecked ? { unchecked } : {}),
    };
    const { activeDatabase: active } = await this.#change('/active', body);
    if (typeof active !== 'string' && active !== null) throw this.#stranger();
    return active;
  }

  /** Ends the forced switch to `database`. Resolves to false if it was not forced. */
  async release(database: string): Promise<boolean> {
    const path = `/databases/${encodeURIComponent(database)}/release`;
    const { changed } = await this.#change(path, {});
    if (typeof changed !== 'boolean') throw this.#stranger();
    return changed;
  }

  /** Lets the application publish a steering document. */
  async steer(body: object): Promise<SteeringAnswer> {
    const answer = await this.#change('/steering', body);
    const { version, until, written, failed } = answer;
    const isKnown =
      typeof version === 'number' &&
      (until === null || typeof until === 'string') &&
      Array.isArray(written) &&
      Array.isArray(failed) &&
      failed.every((each) => typeof each === 'object' && each !== null);
    if (!isKnown) throw this.#stranger();
    return answer as unknown as SteeringAnswer;
  }

  async #change(path: string, body: object): Promise<Readonly<Record<string, unknown>>> {
    const answer = await this.#json('POST', path, body);
    return typeof answer === 'object' && answer !== null ? { ...answer } : {};
  }

  /**
   * Yields all events until `signal` aborts. Streams end now and then, and applications restart: it
   * reconnects without a limit, and yields a `lost` event when that fails. Rejects if the first
   * connection fails.
   */
  async *events(signal: AbortSignal): AsyncGenerator<ServerEvent> {
    let lastId: string | undefined;
    let isConnected = false;
    let isLost = false;
    while (!signal.aborted) {
      try {
        for await (const event of this.#stream(lastId, signal)) {
          isConnected = true;
          isLost = false;
          lastId = event.id ?? lastId;
          yield event;
        }
      } catch (error) {
        if (signal.aborted || !isConnected) throw error;
        if (!isLost) yield { event: 'lost', data: { cause: (error as Error).message } };
        isLost = true;
      }
      if (!isConnected) throw this.#stranger();
      await pause(RECONNECT_MS, signal);
    }
  }

  async *#stream(lastId: string | undefined, signal: AbortSignal): AsyncGenerator<ServerEvent> {
    const call = new Call(signal);
    call.expect(this.timeoutMs, `no answer within ${duration(this.timeoutMs)}`);
    try {
      const response = await this.#fetch('/events', {
        headers: {
          accept: 'text/event-stream',
          ...(lastId === undefined ? {} : { 'last-event-id': lastId }),
        },
        signal: call.signal,
      });
      if (!response.ok) throw await this.#refused(response);
      const isStream = response.headers.get('content-type')?.startsWith('text/event-stream');
      if (response.body === null || !isStream) throw this.#stranger();
      const silenceMs = SILENT_TIMEOUTS * this.timeoutMs;
      const heard = () => call.expect(silenceMs, `no data for ${duration(silenceMs)}`);
      const events = new Pace(BURST_EVENTS, EVENTS_PER_SECOND, call.signal);
      const bytes = new Pace(BURST_BYTES, BYTES_PER_SECOND, call.signal);
      for await (const { data, ...event } of readEvents(paced(response.body, bytes, heard))) {
        await events.take(1);
        const clean = cleanDocument(data);
        // An invalid status is skipped; the next one may be valid.
        if (event.event === 'status' && asStatus(clean) === undefined) continue;
        yield { ...event, event: foreignText(event.event), data: clean };
      }
    } catch (error) {
      if (signal.aborted || error instanceof FailedError) throw error;
      throw this.#unreachable(call.late ?? error);
    } finally {
      call.end();
    }
  }

  async #json(method: string, path: string, body?: object): Promise<unknown> {
    const call = new Call();
    call.expect(this.timeoutMs, `no answer within ${duration(this.timeoutMs)}`);
    try {
      const response = await this.#fetch(path, {
        method,
        signal: call.signal,
        ...(body === undefined
          ? {}
          : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
      });
      if (!response.ok) throw await this.#refused(response);
      const text = await readText(response).catch((error) => {
        throw this.#unreachable(call.late ?? error);
      });
      const document = parseDocument(text);
      if (document === undefined) throw this.#stranger();
      return document;
    } finally {
      call.end();
    }
  }

  async #fetch(path: string, init: RequestInit): Promise<Response> {
    try {
      const headers = { ...this.#headers, ...(init.headers as Record<string, string> | undefined) };
      return await fetch(`${this.#base}${path}`, { ...init, headers, redirect: 'manual' });
    } catch (error) {
      if (init.signal?.aborted && init.signal.reason?.name === 'AbortError') throw error;
      throw this.#unreachable(error);
    }
  }

  #unreachable(error: unknown): FailedError {
    return new FailedError(`${this.#base} can't be reached: ${foreignText(causeOf(error))}`);
  }

  async #refused(response: Response): Promise<FailedError> {
    const given = response.headers.get('location');
    if (response.status >= 300 && response.status < 400 && given !== null) {
      // Masked before it is parsed: a URL has its host in lower case.
      const location = foreignText(given, 300);
      if (!URL.canParse(location, this.#base)) return this.#stranger(response.status);
      const { origin, pathname } = new URL(location, this.#base);
      return new FailedError(
        `${this.#base} redirects to ${origin}${pathname}, which is not followed. Is this the URL of the handler?`,
      );
    }
    const text = await readText(response, LONGEST_REFUSAL).catch(() => '');
    const { error: message } = (parseDocument(text) ?? {}) as { error?: unknown };
    if (typeof message !== 'string') return this.#stranger(response.status);
    const hint =
      (response.status === 401 || response.status === 403) && !('authorization' in this.#headers)
        ? ". If the authorize function requires a token, add --header 'authorization: Bearer ${TOKEN}'"
        : '';
    return new FailedError(`${this.#base} refuses (${response.status}): ${message}${hint}`);
  }

  #stranger(status?: number): FailedError {
    const answered = status === undefined ? 'the answer' : `the answer (${status})`;
    return new FailedError(
      `${this.#base}: ${answered} is not from the handler of redis-multidb. Is this the URL of the handler?`,
    );
  }
}

/**
 * One request. It is aborted when `signal` aborts, or when an expected part does not come in time.
 */
class Call {
  readonly #abort = new AbortController();
  readonly #stop = () => this.#abort.abort(this.given?.reason);
  #timer: Timer | undefined;
  /** The error for the part that did not come in time. */
  late: Error | undefined;

  constructor(private readonly given?: AbortSignal) {
    given?.addEventListener('abort', this.#stop, { once: true });
  }

  get signal(): AbortSignal {
    return this.#abort.signal;
  }

  expect(withinMs: number, message: string): void {
    this.#timer?.cancel();
    const giveUp = () => {
      this.late = new Error(message);
      this.#abort.abort(this.late);
    };
    this.#timer = systemClock.after(withinMs, giveUp, { keepAlive: true });
  }

  end(): void {
    this.#timer?.cancel();
    this.given?.removeEventListener('abort', this.#stop);
  }
}

export function isHttpUrl(text: string): boolean {
  return /^https?:\/\//i.test(text) && URL.canParse(text);
}

/** "name: value", with `${VARIABLES}`. Throws a `UsageError`. */
export function readHeader(text: string): [string, string] {
  const [, name, raw] = /^([!#$%&'*+.^_`|~\w-]+):\s*(.*)$/.exec(text) ?? [];
  if (name === undefined || raw === undefined)
    throw new UsageError("Expected a header such as 'authorization: Bearer ${TOKEN}'");
  const value = substitute(raw, process.env);
  const isSendable = 'text' in value && /^[\t\x20-\x7e\x80-\xff]*$/.test(value.text);
  if (isSendable) return [name.toLowerCase(), value.text];
  const what =
    'text' in value
      ? 'the value has characters that a header must not have, such as a line break'
      : 'missing' in value
        ? `the environment variable ${value.missing} is not set`
        : `expected ${value.malformed}`;
  throw new UsageError(`--header ${name}: ${what}`);
}

/** The secrets in a header, which no output may show, including the values of variables. */
export function secretsOfHeader(text: string): Secret[] {
  const { used } = substituted(text);
  const values = used.map((name) => ({ text: process.env[name] ?? '' }));
  return [...secretsInHeader(...readHeader(text)), ...values];
}

function substituted(text: string): { readonly used: readonly string[] } {
  const found = substitute(text, process.env);
  return 'used' in found ? found : { used: [] };
}

function causeOf(error: unknown): string {
  const { cause, message } = error as {
    cause?: { code?: string; message?: string; errors?: { message: string }[] };
    message: string;
  };
  return cause?.errors?.[0]?.message || cause?.message || cause?.code || message;
}
