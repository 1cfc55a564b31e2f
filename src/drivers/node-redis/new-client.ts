import { createClient } from '@redis/client';
import { StreamedCredentials } from './credentials.js';
import { type ClientOptions, respOf } from './options.js';
import { guardStream } from './stream-guard.js';

export type InnerClient = ReturnType<typeof createClient>;

const templates = new Map<unknown, InnerClient>();

/**
 * A client for one connection, in well under a millisecond. `createClient` builds a class with
 * every command anew, 20 ms of a blocked event loop, whenever its options differ from those of the
 * call before; a duplicate of a client that never connects reuses the class.
 */
export function newClient(options: ClientOptions): InnerClient {
  const { RESP } = options;
  let template = templates.get(RESP);
  if (template === undefined) {
    template = createClient(RESP === undefined ? {} : { RESP }) as unknown as InnerClient;
    templates.set(RESP, template);
  }
  const client = template.duplicate(options as never) as unknown as InnerClient;
  guardStream(client, respOf(options) !== 2);
  const { credentialsProvider } = options;
  if (credentialsProvider instanceof StreamedCredentials) {
    client.on('ready', () => credentialsProvider.ready());
  }
  return client;
}

/** Ends a client and its socket in whatever state they are. */
export function discardClient(client: InnerClient, abort: AbortController): void {
  try {
    client.destroy();
  } catch {
    // Version 5 throws when it isn't open; nothing is left to destroy then.
  }
  abort.abort();
}
