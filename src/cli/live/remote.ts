/** A running application through its HTTP handler. */
import { systemClock } from '../../clock.js';
import { substitute } from '../../config/variables.js';
import type { Status } from '../../http/status.js';
import { FailedError, UsageError } from '../exit.js';
import { readEvents, type ServerEvent } from './event-source.js';

const TIMEOUT_MS = 10_000;

export class Remote {
  readonly #base: string;
  readonly #headers: Readonly<Record<string, string>>;

  /** `url` is where the handler is mounted; `headers` are "name: value", with `${VARIABLES}`. */
  constructor(url: string, headers: readonly string[] = []) {
    if (!isHttpUrl(url))
      throw new UsageError(
        'Expected the URL at which the handler is mounted: http://127.0.0.1:8080/redis',
      );
    const parsed = new URL(url);
    // fetch() refuses credentials in URLs, and they would show in messages.
    if (parsed.username !== '' || parsed.password !== '') {
      throw new UsageError(
        "No credentials in the URL, please: --header 'authorization: Bearer ${TOKEN}'",
      );
    }
    this.#base = `${parsed.origin}${parsed.pathname.replace(/\/$/, '')}`;
    this.#headers = Object.fromEntries(headers.map(readHeader));
  }

  get name(): string {
    return this.#base;
  }

  async status(): Promise<Status> {
    const status = (await this.#json('GET', '/status')) as Status;
    if (typeof status !== 'object' || status === null || !Array.isArray(status.databases))
      throw this.#stranger();
    return status;
  }

  /** Resolves to the database that is active then. `durationMs`: null for "until told otherwise". */
  async switchTo(database: string, durationMs: number | null | undefined): Promise<string | null> {
    const body = durationMs === undefined ? { database } : { database, durationMs };
    const answer = (await this.#json('POST', '/active', body)) as { activeDatabase: string | null };
    return answer.activeDatabase;
  }

  /** Everything that happens, until `signal` aborts or the stream ends. */
  async *events(signal: AbortSignal): AsyncGenerator<ServerEvent> {
    const response = await this.#fetch('/events', {
      headers: { accept: 'text/event-stream' },
      signal,
    });
    if (!response.ok) throw await this.#refused(response);
    if (response.body === null) throw this.#stranger();
    yield* readEvents(response.body);
  }

  async #json(method: string, path: string, body?: object): Promise<unknown> {
    const abort = new AbortController();
    const late = () => abort.abort(new Error(`no answer within ${TIMEOUT_MS / 1000} s`));
    const timer = systemClock.after(TIMEOUT_MS, late, { keepAlive: true });
    try {
      const response = await this.#fetch(path, {
        method,
        signal: abort.signal,
        ...(body === undefined
          ? {}
          : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
      });
      if (!response.ok) throw await this.#refused(response);
      return await response.json().catch(() => {
        throw this.#stranger();
      });
    } finally {
      timer.cancel();
    }
  }

  async #fetch(path: string, init: RequestInit): Promise<Response> {
    try {
      const headers = { ...this.#headers, ...(init.headers as Record<string, string> | undefined) };
      return await fetch(`${this.#base}${path}`, { ...init, headers, redirect: 'manual' });
    } catch (error) {
      if (init.signal?.aborted && init.signal.reason?.name === 'AbortError') throw error;
      throw new FailedError(`${this.#base} can't be reached: ${causeOf(error)}`);
    }
  }

  async #refused(response: Response): Promise<FailedError> {
    const text = await response.text().catch(() => '');
    let message: unknown;
    try {
      message = (JSON.parse(text) as { error?: unknown }).error;
    } catch {
      // Some other server.
    }
    if (typeof message !== 'string') return this.#stranger(response.status);
    const hint =
      (response.status === 401 || response.status === 403) && !('authorization' in this.#headers)
        ? ". If its authorize function wants a token: --header 'authorization: Bearer ${TOKEN}'"
        : '';
    return new FailedError(`${this.#base} refuses (${response.status}): ${message}${hint}`);
  }

  #stranger(status?: number): FailedError {
    const answered = status === undefined ? 'the answer' : `the answer (${status})`;
    return new FailedError(
      `${this.#base}: ${answered} is not that of redis-multidb's handler. Is this where it is mounted?`,
    );
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
  if ('text' in value) return [name.toLowerCase(), value.text];
  const what =
    'missing' in value
      ? `the environment variable ${value.missing} is not set`
      : `expected ${value.malformed}`;
  throw new UsageError(`--header ${name}: ${what}`);
}

function causeOf(error: unknown): string {
  const { cause, message } = error as {
    cause?: { code?: string; message?: string; errors?: { message: string }[] };
    message: string;
  };
  return cause?.errors?.[0]?.message || cause?.message || cause?.code || message;
}
