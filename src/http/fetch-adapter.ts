/** Frameworks that speak the Fetch API: Hono, Next and similar methods. */
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

/**
 * A `Request` does not contain the address of the client. Pass the address, or the environment of
 * Hono's Node.js server (`c.env`); without it, the client does not count as local.
 */
export interface FetchContext {
  /** The address of the other end. */
  readonly remoteAddress?: string | undefined;
  /** The request of `node:http`, as Hono hands it over. */
  readonly incoming?: unknown;
}

/** Never rejects. */
export async function handleFetch(
  dispatcher: Dispatcher,
  request: Request,
  context: unknown,
): Promise<Response> {
  const url = new URL(request.url);
  const path = dispatcher.pathOf(url.pathname);
  const answer =
    path === undefined ? undefined : await dispatcher.answer(incoming(request, url, path, context));
  return toResponse(answer ?? failure(404, 'not found'), request);
}

function incoming(request: Request, url: URL, path: string, context: unknown): HandledRequest {
  const headers: Record<string, string> = Object.create(null);
  for (const [name, value] of request.headers) headers[name] = value;
  headers.host ??= url.host;
  return {
    method: request.method,
    path,
    headers,
    remoteAddress: remoteAddressOf(context),
    raw: request,
    readBody: (limits) => readBody(request, limits),
  };
}

function remoteAddressOf(context: unknown): string | undefined {
  const { remoteAddress, incoming } = (context ?? {}) as FetchContext;
  const { socket } = (incoming ?? {}) as { socket?: { remoteAddress?: unknown } };
  const address = remoteAddress ?? socket?.remoteAddress;
  return typeof address === 'string' ? address : undefined;
}

async function readBody(request: Request, limits: BodyLimits): Promise<unknown> {
  if (request.bodyUsed) throw new BodyError(400, 'the body has already been read');
  const tooLarge = new BodyError(413, 'the body is too large');
  if (Number(request.headers.get('content-length') ?? 0) > limits.maxBytes) throw tooLarge;
  const reader = request.body?.getReader();
  if (reader === undefined) return parseBody(new Uint8Array());
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  const late = limits.timeUp.then(() => {
    throw new BodyError(408, 'the body took too long');
  });
  late.catch(() => {});
  try {
    for (;;) {
      const { done, value } = await Promise.race([reader.read(), late]);
      if (done) return parseBody(Buffer.concat(chunks));
      bytes += value.byteLength;
      if (bytes > limits.maxBytes) throw tooLarge;
      chunks.push(value);
    }
  } catch (error) {
    reader.cancel().catch(() => {});
    throw error instanceof BodyError ? error : new BodyError(400, 'the body is incomplete');
  }
}

function toResponse(answer: Answer, request: Request): Response {
  const { status, headers, body } = answer;
  if (request.method === 'HEAD' || status === 303) return new Response(null, { status, headers });
  if (typeof body === 'string') return new Response(body, { status, headers });
  return new Response(streamOf(body, request.signal), { status, headers });
}

function streamOf(
  start: (sink: StreamSink) => void,
  signal: AbortSignal,
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let isGone = signal.aborted;
  const waiting: (() => void)[] = [];
  const gone = () => {
    isGone = true;
    signal.removeEventListener('abort', gone);
    for (const callback of waiting.splice(0)) callback();
  };
  signal.addEventListener('abort', gone);
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        start({
          write(text) {
            if (isGone) return false;
            if ((controller.desiredSize ?? 0) < 0) return false;
            controller.enqueue(encoder.encode(text));
            return true;
          },
          end() {
            if (isGone) return;
            controller.close();
            gone();
          },
          destroy() {
            if (isGone) return;
            controller.error(new Error('the reader is too slow'));
            gone();
          },
          onGone(callback) {
            if (isGone) callback();
            else waiting.push(callback);
          },
        });
      },
      cancel: gone,
    },
    new ByteLengthQueuingStrategy({ highWaterMark: MAX_WAITING_BYTES }),
  );
}
