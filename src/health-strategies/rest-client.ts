import { Agent, type AgentOptions, request } from 'node:https';
import { boundedBody } from '../foreign/bounded-body.js';
import { lookupHook, processLookups } from '../name-lookup/lookup-hook.js';

/** Far above what a cluster with thousands of databases answers. */
const MAX_BODY_BYTES = 4 * 1024 * 1024;

/** How the server is verified and the client identifies itself; as in `tls.connect`. */
export interface RestTlsOptions {
  /** PEM certificates to trust in place of the ones that Node.js trusts. */
  readonly ca?: string | Buffer | readonly (string | Buffer)[];
  /** PEM certificate chain and private key of the client. */
  readonly cert?: string | Buffer;
  /** PEM private key of the client. */
  readonly key?: string | Buffer;
  /** The passphrase of the private key. */
  readonly passphrase?: string;
  /** The name that the server's certificate must have. Default: the host of the URL. */
  readonly servername?: string;
  /** `false` accepts every certificate, with a warning. Default: true. */
  readonly rejectUnauthorized?: boolean;
}

export interface RestResponse {
  readonly status: number;
  /** Of a redirect. */
  readonly location: string | undefined;
  readonly body: string;
}

/**
 * GET over HTTPS with keep-alive, bounded in size, abortable, and without redirects. It never
 * keeps the process alive.
 */
export class RestClient {
  readonly #agent: Agent;

  constructor(tls: RestTlsOptions) {
    this.#agent = new Agent({ ...(tls as AgentOptions), keepAlive: true, maxFreeSockets: 2 });
  }

  /** Rejects when there is no complete response; error statuses are responses. */
  async get(
    url: URL,
    authorization: string | undefined,
    signal: AbortSignal,
  ): Promise<RestResponse> {
    try {
      return await this.#get(url, authorization, signal);
    } catch (error) {
      // The server had closed a connection that was kept open: not the answer to this request.
      if (!(error instanceof StaleConnection) || signal.aborted) throw error;
      return await this.#get(url, authorization, signal);
    }
  }

  close(): void {
    this.#agent.destroy();
  }

  #get(url: URL, authorization: string | undefined, signal: AbortSignal): Promise<RestResponse> {
    return new Promise((resolve, reject) => {
      const headers = {
        accept: 'application/json',
        ...(authorization === undefined ? {} : { authorization }),
      };
      const lookup = lookupHook({ lookups: processLookups, by: undefined, signal });
      const sent = request(url, { agent: this.#agent, headers, signal, lookup });
      sent.on('socket', (socket) => socket.unref());
      sent.on('error', (error: NodeJS.ErrnoException) => {
        const isStale = sent.reusedSocket && error.code === 'ECONNRESET';
        reject(isStale ? new StaleConnection(error.message) : error);
      });
      sent.on('response', (response) => {
        const { statusCode: status = 0, headers } = response;
        boundedBody(response, MAX_BODY_BYTES).then(
          (body) => resolve({ status, location: headers.location, body }),
          (error) => {
            reject(error);
            sent.destroy();
          },
        );
      });
      sent.end();
    });
  }
}

class StaleConnection extends Error {}
