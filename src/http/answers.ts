/** Headers of every answer: never cached, sniffed, framed or shared. */
import type { Answer, StreamSink } from './request.js';

const NOTHING_ALLOWED =
  "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const ALWAYS = Object.freeze({
  'cache-control': 'no-store, no-transform',
  'content-security-policy': NOTHING_ALLOWED,
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
});

type Headers = Readonly<Record<string, string>>;

export function json(status: number, document: unknown, headers: Headers = {}): Answer {
  return {
    status,
    headers: { ...ALWAYS, 'content-type': 'application/json; charset=utf-8', ...headers },
    body: `${JSON.stringify(document)}\n`,
  };
}

/** An error message. It repeats nothing of the request. */
export function failure(status: number, message: string, headers: Headers = {}): Answer {
  return json(status, { error: message }, headers);
}

export function html(document: string, contentSecurityPolicy: string): Answer {
  return {
    status: 200,
    headers: {
      ...ALWAYS,
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': contentSecurityPolicy,
    },
    body: document,
  };
}

export function events(body: (sink: StreamSink) => void): Answer {
  const headers = { ...ALWAYS, 'content-type': 'text/event-stream; charset=utf-8' };
  // nginx would hold events back until a buffer is full.
  return { status: 200, headers: { ...headers, 'x-accel-buffering': 'no' }, body };
}

/** To the place where the handler is mounted, from one level below. */
export function redirectUp(): Answer {
  return { status: 303, headers: { ...ALWAYS, location: './' }, body: '' };
}
