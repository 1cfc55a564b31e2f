import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Dispatcher } from './dispatcher.js';
import { handleNode } from './node-adapter.js';

/** The members of Fastify that the plugin uses, so that its package is not needed for the types. */
export interface FastifyScope {
  /** The prefix under which the plugin is registered. */
  readonly prefix: string;
  /** Removes Fastify's parsers in this scope. */
  removeAllContentTypeParsers(): void;
  /** Adds a parser in this scope. */
  addContentTypeParser(
    contentType: string,
    parser: (
      request: never,
      payload: never,
      done: (error: Error | null, body?: unknown) => void,
    ) => void,
  ): unknown;
  /** Adds a route for every method. */
  all(
    path: string,
    handler: (
      request: { readonly raw: IncomingMessage },
      reply: { readonly raw: ServerResponse; hijack(): unknown },
    ) => void,
  ): unknown;
  /** Adds a hook that runs before the server closes. */
  addHook(name: 'preClose', hook: (done: () => void) => void): unknown;
}

/** A plugin of Fastify, as `app.register()` takes it. */
export type FastifyPlugin = (
  scope: FastifyScope,
  options: unknown,
  done: (error?: Error) => void,
) => void;

/** `app.register(handler.fastify, { prefix: '/redis' })`. */
export function fastifyPlugin(dispatcher: Dispatcher): FastifyPlugin {
  return (scope, _options, done) => {
    // The handler reads bodies itself, within its own limits; only in the plugin's own scope.
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser('*', (_request, _payload, parsed) => parsed(null));
    const handle = (
      { raw }: { readonly raw: IncomingMessage },
      reply: { readonly raw: ServerResponse; hijack(): unknown },
    ) => {
      reply.hijack();
      handleNode(dispatcher, raw, reply.raw, undefined, scope.prefix.replace(/\/$/, ''));
    };
    scope.all('/', handle);
    scope.all('/*', handle);
    // Fastify waits for open streams when it closes.
    scope.addHook('preClose', (closed) => {
      dispatcher.close();
      closed();
    });
    done();
  };
}
