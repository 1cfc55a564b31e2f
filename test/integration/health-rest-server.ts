/**
 * The part of the REST API of Redis Software that tells the availability of databases, as it is
 * published: paths, parameters, Basic authentication, status codes and error bodies.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import type { KeyPair } from './health-certificates.js';

export interface RestEndpoint {
  readonly dns_name?: string;
  readonly addr?: readonly string[];
  readonly port?: number;
}

export interface RestDatabase {
  readonly uid: number;
  readonly endpoints: readonly RestEndpoint[];
  /** Behind the others, in milliseconds. Default: 0. */
  lagMs?: number;
  /** Default: true. */
  available?: boolean;
}

export type RestFault = (request: IncomingMessage, response: ServerResponse) => void;

export interface RestServer {
  readonly url: string;
  readonly port: number;
  databases: RestDatabase[];
  credentials: { username: string; password: string };
  /** Takes the place of the answer to what it is for. */
  fault: { readonly path: RegExp; readonly act: RestFault } | undefined;
  /** Path and query of each request. */
  readonly requests: string[];
  /** Connections accepted so far, and those that are open now. */
  readonly accepted: number;
  readonly open: number;
  /** Ends the connections on which no request is under way, as a keep-alive timeout does. */
  endIdle(): void;
  close(): Promise<void>;
}

export async function startRestServer(
  certificate: KeyPair,
  options: ServerOptions = {},
): Promise<RestServer> {
  const server = createServer({ ...certificate, ...options });
  const sockets = new Set<{ destroy(): void }>();
  let accepted = 0;
  server.on('connection', (socket) => {
    accepted += 1;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
  });
  server.on('tlsClientError', () => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const rest: RestServer = {
    url: `https://127.0.0.1:${port}`,
    port,
    databases: [],
    credentials: { username: 'viewer@example.com', password: 'päss:word' },
    fault: undefined,
    requests: [],
    get accepted() {
      return accepted;
    },
    get open() {
      return sockets.size;
    },
    endIdle: () => server.closeIdleConnections(),
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
  server.on('request', (request, response) => {
    rest.requests.push(request.url ?? '');
    answer(rest, request, response);
  });
  return rest;
}

function answer(rest: RestServer, request: IncomingMessage, response: ServerResponse): void {
  const url = new URL(request.url ?? '', rest.url);
  const { username, password } = rest.credentials;
  const expected = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`;
  const uid = /^\/v1\/bdbs\/(\d+)\/availability$/.exec(url.pathname)?.[1];
  if (rest.fault?.path.test(url.pathname)) rest.fault.act(request, response);
  else if (request.headers.authorization !== expected) response.writeHead(401).end();
  else if (request.method !== 'GET') response.writeHead(405).end();
  else if (url.pathname === '/v1/bdbs') json(response, 200, listOf(rest, url));
  else if (uid !== undefined) answerAvailability(rest, Number(uid), url, response);
  else response.writeHead(404).end();
}

function listOf(rest: RestServer, url: URL): unknown {
  const wanted = url.searchParams.get('fields')?.split(',');
  return rest.databases.map((database) =>
    Object.fromEntries(Object.entries(database).filter(([name]) => wanted?.includes(name))),
  );
}

function answerAvailability(rest: RestServer, uid: number, url: URL, response: ServerResponse) {
  const database = rest.databases.find((each) => each.uid === uid);
  const tolerance = Number(url.searchParams.get('availability_lag_tolerance_ms') ?? 100);
  const checksLag = url.searchParams.get('extend_check') === 'lag';
  if (database === undefined) {
    const description = 'Database does not exist in the cluster';
    json(response, 404, { error_code: 'db_not_found', description });
  } else if (database.available === false || (checksLag && (database.lagMs ?? 0) > tolerance)) {
    const description = 'Database is not available';
    json(response, 503, { error_code: 'bdb_unavailable', description });
  } else {
    response.writeHead(200).end();
  }
}

export function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
