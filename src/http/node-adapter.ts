/** `node:http`, the same API of `node:http2`, and everything that speaks it: Express, Connect, Fastify's raw requests. */

import type { IncomingMessage, ServerResponse } from 'node:http';
import { isError } from '../is-error.js';
import { failure } from './answers.js';
import type { Dispatcher } from './dispatcher.js';
import {
  type Answer,
  BodyError,
  type BodyLimits,
  type HandledRequest,
  MAX_WAITING_BYTES,
  parseBody,
  type StreamSink,
} from './request.js';

/** Express and Connect: called if the path does not belong to the handler. */
export type Next = (error?: unknown) => void;

/** Answers, or calls `next`; never throws, never rejects. `mountedAt`: where, if it is not stripped. */
export function handleNode(
  dispatcher: Dispatcher,
  request: IncomingMessage,
  response: ServerResponse,
  next: Next | undefined,
  mountedAt?: string,
): void {
  const [fullPath = ''] = (request.url ?? '').split('?', 1);
  const path = dispatcher.pathOf(fullPath, mountedAt);
  const handled = path === undefined ? undefined : dispatcher.answer(incoming(request, path));
  Promise.resolve(handled)
    .then((answer) => {
      if (answer !== undefined) send(answer, request, response, dispatcher.isClosed);
      else if (next !== undefined) next();
      else send({ ...failure(404, 'not found'), abandon: true }, request, response, false);
    })
    .catch((error) => {
      // Only a framework's `next` or a broken response gets here.
      response.destroy(isError(error) ? error : undefined);
    });
}

function incoming(request: IncomingMessage, path: string): HandledRequest {
  const headers: Record<string, string> = Object.create(null);
  for (const [name, value] of Object.entries(request.headers)) {
    if (value === undefined || name.startsWith(':')) continue;
    headers[name] = Array.isArray(value) ? value.join(', ') : value;
  }
  const authority = request.headers[':authority'];
  // One that differs from the Host makes the request malformed (RFC 9113, 8.3.1): it has no host.
  if (typeof authority === 'string') {
    headers.host = (headers.host ?? authority) === authority ? authority : '';
  }
  return {
    method: request.method ?? '',
    path,
    headers,
    remoteAddress: request.socket.remoteAddress,
    raw: request,
    readBody: (limits) => readBody(request, limits),
  };
}

function readBody(request: IncomingMessage, limits: BodyLimits): Promise<unknown> {
  // Other middleware (express.json()) has read it already.
  const { body } = request as { body?: unknown };
  if (request.readableDidRead) {
    if (body !== undefined) return Promise.resolve(body);
    return Promise.reject(new BodyError(400, 'the body has already been read'));
  }
  const tooLarge = () => new BodyError(413, 'the body is too large');
  if (Number(request.headers['content-length'] ?? 0) > limits.maxBytes) {
    return Promise.reject(tooLarge());
  }
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let bytes = 0;
    const settle = (act: () => void) => {
      request.off('data', onData).off('end', onEnd).off('error', onLost).off('close', onLost);
      act();
    };
    const onData = (chunk: Buffer) => {
      bytes += chunk.length;
      chunks.push(chunk);
      if (bytes > limits.maxBytes) refuse(tooLarge());
    };
    const onEnd = () =>
      settle(() => {
        try {
          resolve(parseBody(Buffer.concat(chunks)));
        } catch (error) {
          reject(error);
        }
      });
    const refuse = (error: BodyError) =>
      settle(() => {
        request.pause();
        reject(error);
      });
    const onLost = () => refuse(new BodyError(400, 'the body is incomplete'));
    request.on('data', onData).on('end', onEnd).on('error', onLost).on('close', onLost);
    limits.timeUp.then(() => refuse(new BodyError(408, 'the body took too long')));
  });
}

function send(
  answer: Answer,
  request: IncomingMessage,
  response: ServerResponse,
  isLast: boolean,
): void {
  if (response.headersSent || response.destroyed) return;
  // The connection ends with the answer: what is still coming is not read, or the process is about
  // to end and a connection that is kept would hold its server up.
  const endsConnection = isLast || (answer.abandon && !request.complete);
  if (endsConnection && request.httpVersionMajor < 2) response.setHeader('connection', 'close');
  for (const [name, value] of Object.entries(answer.headers)) response.setHeader(name, value);
  response.statusCode = answer.status;
  const isHead = request.method === 'HEAD';
  if (typeof answer.body === 'string') {
    const body = Buffer.from(answer.body);
    if (answer.status !== 303) response.setHeader('content-length', body.length);
    response.end(isHead ? undefined : body);
  } else if (isHead) {
    response.end();
  } else {
    response.flushHeaders();
    // A session of HTTP/2 keeps its socket to itself.
    if (request.httpVersionMajor < 2) request.socket.setNoDelay(true);
    answer.body(sinkOf(response));
  }
}

/** Node.js's response of HTTP/2 does not tell; its stream does. */
function waitingBytes(response: ServerResponse): number {
  const { stream } = response as { stream?: { writableLength: number } };
  return response.writableLength ?? stream?.writableLength ?? 0;
}

function sinkOf(response: ServerResponse): StreamSink {
  let isGone = response.destroyed;
  const waiting: (() => void)[] = [];
  response.once('close', () => {
    isGone = true;
    for (const callback of waiting.splice(0)) callback();
  });
  // 'close' reports that the reader is gone; the error adds nothing.
  response.on('error', () => {});
  return {
    write(text) {
      if (isGone || response.writableEnded) return false;
      if (waitingBytes(response) > MAX_WAITING_BYTES) return false;
      response.write(text);
      return true;
    },
    end() {
      if (!response.writableEnded) response.end();
    },
    destroy: () => void response.destroy(),
    onGone(callback) {
      if (isGone) callback();
      else waiting.push(callback);
    },
  };
}
