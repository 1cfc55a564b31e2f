import type { ClientRequest } from 'node:http';
import type { Timer } from '../clock.js';
import { MAX_STEERING_LENGTH } from '../core/steering/document.js';
import { boundedBody } from '../foreign/bounded-body.js';
import { ownError } from '../foreign/own-error.js';
import type { RestTlsOptions } from '../health-strategies/rest-client.js';
import { lookupHook, processLookups } from '../name-lookup/lookup-hook.js';
import type { SteeringSource } from '../options/steering.js';
import { anyObject, invalid } from '../validation/check.js';
import { jittered, milliseconds, optionalText, sourceOptions } from './options.js';

/** User name and password, or a bearer token. */
export type HttpSteeringCredentials =
  | { readonly username: string; readonly password: string }
  | { readonly token: string };

/** Options of `httpSteering()`. */
export interface HttpSteeringOptions {
  /**
   * Sent with each request; a function is called for each, so that a token can be renewed. Default:
   * none.
   */
  readonly credentials?:
    | HttpSteeringCredentials
    | (() => HttpSteeringCredentials | Promise<HttpSteeringCredentials>);
  /** How the server is verified; as in `tls.connect`. */
  readonly tls?: RestTlsOptions;
  /** Time between two requests, about. Accepts milliseconds from 1 to 2147483647. Default: 5000. */
  readonly intervalMs?: number;
  /** Deadline of one request. Accepts milliseconds from 1 to 2147483647. Default: 10000. */
  readonly timeoutMs?: number;
  /**
   * How long the server may hold a request until the document changes (`Prefer: wait`). 0: no long
   * poll. Accepts milliseconds from 0 to 2147483647. Default: 30000.
   */
  readonly waitMs?: number;
  /** The name of the source. Default: `http`. */
  readonly name?: string;
}

/** One character more than is allowed, in bytes of UTF-8. */
const MOST_BYTES = 4 * MAX_STEERING_LENGTH + 1;
const KNOWN = ['credentials', 'tls', 'intervalMs', 'timeoutMs', 'waitMs', 'name'];

interface Response {
  readonly status: number;
  readonly etag: string | undefined;
  /** The server held the request (`Preference-Applied: wait`). */
  readonly hasWaited: boolean;
  readonly body: string;
}

/**
 * Steering by GET on a URL. 200 delivers the document, 304 says that it has not changed, 204 and 404
 * that there is none; everything else is trouble with the source. Redirects are not followed.
 */
export function httpSteering(url: string | URL, options: HttpSteeringOptions = {}): SteeringSource {
  const target = urlOf(url);
  const given = sourceOptions(options, KNOWN, 'options');
  const { credentials } = given;
  if (credentials !== undefined && typeof credentials !== 'function') authorizationOf(credentials);
  const tls = given.tls === undefined ? {} : anyObject(given.tls, 'tls');
  const intervalMs = milliseconds(given.intervalMs, 'intervalMs', 5000);
  const timeoutMs = milliseconds(given.timeoutMs, 'timeoutMs', 10_000);
  const waitMs = given.waitMs === 0 ? 0 : milliseconds(given.waitMs, 'waitMs', 30_000);
  const name = optionalText(given.name, 'name') ?? 'http';
  return {
    name,
    watch(context) {
      const controller = new AbortController();
      const { signal } = controller;
      let etag: string | undefined;
      const read = async () => {
        let hasWaited = false;
        let timer: Timer | undefined;
        const deadline = new AbortController();
        const end = () => deadline.abort(signal.reason);
        signal.addEventListener('abort', end, { once: true });
        try {
          const given = typeof credentials === 'function' ? await credentials() : credentials;
          signal.throwIfAborted();
          const isKnown = etag !== undefined;
          const limitMs = isKnown ? timeoutMs + waitMs : timeoutMs;
          timer = context.after(limitMs, () => {
            deadline.abort(ownError(`no answer within ${limitMs} ms`));
          });
          const response = await get(target, {
            authorization: given === undefined ? undefined : authorizationOf(given),
            etag,
            // Before there is something to compare with, nothing can change.
            waitMs: isKnown ? waitMs : 0,
            tls,
            signal: deadline.signal,
          });
          if (signal.aborted) return;
          ({ hasWaited } = response);
          if (response.status === 200) {
            ({ etag } = response);
            context.deliver(response.body);
          } else if (response.status === 204 || response.status === 404) {
            etag = undefined;
            context.absent();
          } else if (response.status === 304 && isKnown) {
            // Unchanged: whatever was reported still holds.
          } else throw ownError(`status ${response.status}`);
        } catch (error) {
          if (signal.aborted) return;
          // The next answer has the document, so that a trouble ends.
          etag = undefined;
          hasWaited = false;
          context.fail(deadline.signal.aborted ? deadline.signal.reason : error);
        } finally {
          timer?.cancel();
          signal.removeEventListener('abort', end);
        }
        // A server that holds requests is asked again soon, but never without a pause.
        const pauseMs = hasWaited ? Math.min(intervalMs, 1000) : intervalMs;
        context.after(jittered(pauseMs, context.random), read);
      };
      void read();
      return () => controller.abort();
    },
  };
}

interface Request {
  readonly authorization: string | undefined;
  readonly etag: string | undefined;
  readonly waitMs: number;
  readonly tls: object;
  readonly signal: AbortSignal;
}

/** One GET, bounded in size and time. It never keeps the process alive. */
async function get(url: URL, { authorization, etag, waitMs, ...rest }: Request): Promise<Response> {
  const { tls, signal } = rest;
  const isSecure = url.protocol === 'https:';
  // Loaded by the first request: most applications have no such source.
  const { request } = isSecure ? await import('node:https') : await import('node:http');
  return new Promise((resolve, reject) => {
    const headers = {
      accept: 'application/json',
      ...(authorization === undefined ? {} : { authorization }),
      ...(etag === undefined ? {} : { 'if-none-match': etag }),
      ...(waitMs === 0 ? {} : { prefer: `wait=${Math.ceil(waitMs / 1000)}` }),
    };
    // A name server that is silent must not hold a thread for each request.
    const lookup = lookupHook({ lookups: processLookups, by: undefined, signal });
    const options = { ...(isSecure ? tls : {}), headers, signal, agent: false, lookup } as const;
    const sent: ClientRequest = request(url, options);
    const fail = (error: Error) => {
      reject(error);
      sent.destroy();
    };
    sent.on('socket', (socket) => socket.unref());
    sent.on('close', () => reject(ownError('the connection was closed')));
    sent.on('error', fail);
    sent.on('response', (response) => {
      const { statusCode: status = 0, headers: received } = response;
      const applied = String(received['preference-applied'] ?? '');
      const hasWaited = waitMs > 0 && /\bwait\b/i.test(applied);
      boundedBody(response, MOST_BYTES).then(
        (body) => resolve({ status, etag: received.etag, hasWaited, body }),
        fail,
      );
    });
    sent.end();
  });
}

function authorizationOf(value: unknown): string {
  const { username, password, token } = anyObject(value, 'credentials');
  if (isHeaderText(token)) return `Bearer ${token}`;
  if (typeof username === 'string' && typeof password === 'string' && !username.includes(':')) {
    return `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  }
  throw invalid('credentials', '{ username, password } or { token }', 'another object');
}

function isHeaderText(value: unknown): value is string {
  return typeof value === 'string' && /^[!-~]+$/.test(value);
}

function urlOf(given: unknown): URL {
  let url: URL | null = null;
  try {
    if (given instanceof URL || typeof given === 'string') url = new URL(given);
  } catch {}
  const isHttp = url?.protocol === 'http:' || url?.protocol === 'https:';
  if (url === null || !isHttp) throw invalid('url', 'an http: or https: URL', 'something else');
  if (url.username !== '' || url.password !== '') {
    throw invalid('url', 'a URL without credentials (use the option)', 'one with credentials');
  }
  return url;
}
