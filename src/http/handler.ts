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
 * Status, probes, events, management and the page of one client. It is itself a listener of
 * `node:http` and a middleware of Express.
 */
export interface HttpHandler extends NodeHandler {
  /** The same: `createServer(handler.node)`. */
  readonly node: NodeHandler;
  /**
   * For frameworks that speak the Fetch API. `context` may tell the address of the other end
   * (`{ remoteAddress }`, or Hono's `c.env`); without it nobody counts as local. Never rejects.
   */
  readonly fetch: (request: Request, context?: unknown) => Promise<Response>;
  /** A plugin of Fastify: `app.register(handler.fastify, { prefix: '/redis' })`. */
  readonly fastify: FastifyPlugin;
  /**
   * Ends the event streams, which would keep a server from closing, answers `/readyz` with 503
   * from now on, and keeps no connection open after an answer. The client stays as it is. Idempotent.
   */
  close(): void;
}

/** Throws `InvalidOptionError`. Reading is for this machine alone, and changing is off, until said otherwise. */
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
