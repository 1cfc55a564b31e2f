import type { IncomingMessage, ServerResponse } from 'node:http';
import type { OperatedClient } from './client.js';
import { Dispatcher } from './dispatcher.js';
import { type FastifyPlugin, fastifyPlugin } from './fastify-adapter.js';
import { handleFetch } from './fetch-adapter.js';
import { handleNode, type Next } from './node-adapter.js';
import { type HttpHandlerOptions, resolveHttpOptions } from './options.js';

/** A listener of `node:http`, and a middleware of Express. */
export type NodeHandler = (request: IncomingMessage, response: ServerResponse, next?: Next) => void;

/**
 * Status, probes, events, management and the page of one client. It is a listener of `node:http`
 * and a middleware of Express.
 */
export interface HttpHandler extends NodeHandler {
  /** The same: `createServer(handler.node)`. */
  readonly node: NodeHandler;
  /**
   * For frameworks with the Fetch API. `context` can contain the address of the client (`{
   * remoteAddress }`, or `c.env` of Hono); without it, the client does not count as local. Never
   * rejects.
   */
  readonly fetch: (request: Request, context?: unknown) => Promise<Response>;
  /** A plugin of Fastify: `app.register(handler.fastify, { prefix: '/redis' })`. */
  readonly fastify: FastifyPlugin;
  /**
   * Ends the event streams, which would keep a server from closing. From now on `/readyz` answers
   * 503, and connections close after an answer. The client does not change. Idempotent.
   */
  close(): void;
}

/**
 * Creates the handler. By default only loopback clients may read, and nobody may change anything.
 * Throws `InvalidOptionError`.
 */
export function createHttpHandler(
  client: OperatedClient,
  options: HttpHandlerOptions = {},
): HttpHandler {
  const dispatcher = new Dispatcher(client, resolveHttpOptions(options));
  const node: NodeHandler = (request, response, next) => {
    handleNode(dispatcher, request, response, next);
  };
  return Object.assign(
    (...args: Parameters<NodeHandler>) => {
      node(...args);
    },
    {
      node,
      fetch: (request: Request, context?: unknown) => handleFetch(dispatcher, request, context),
      fastify: fastifyPlugin(dispatcher),
      close: () => dispatcher.close(),
    },
  );
}
