/**
 * Operates a client over HTTP: status, probes, events, management and a page.
 *
 * @module
 */

export { bearer } from './bearer.js';
export type { OperatedClient } from './client.js';
export type { FastifyPlugin, FastifyScope } from './fastify-adapter.js';
export type { FetchContext } from './fetch-adapter.js';
export { createHttpHandler, type HttpHandler, type NodeHandler } from './handler.js';
export type { LatencyHistoryStatus, LatencyPoint } from './latency-history.js';
export type { Next } from './node-adapter.js';
export type { AuthorizeRequest, HttpAction, HttpHandlerOptions } from './options.js';
export { STATUS_SCHEMA } from './schema.js';
export type { DatabaseStatus, ForcedStatus, ProbeStatus, Status, SwitchStatus } from './status.js';
