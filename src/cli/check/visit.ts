/** One server of a deployment, asked directly: a seed, a node of a cluster, a Sentinel. */
import { ask, open } from '../../drill/wire/direct.js';
import { NodeRedisDriver } from '../../drivers/node-redis/client-driver.js';
import type { NodeRedisOptions } from '../../drivers/node-redis/options.js';
import { maskSecrets } from '../../foreign/held-secrets.js';
import type { ClientOptions } from '../../options/client.js';

/** The result of a visit, or the reason why there is none. */
export type Visit<T> = { readonly address: string } & (
  | { readonly seen: T; readonly error?: undefined }
  | { readonly seen?: undefined; readonly error: unknown }
);

/** Sends one command; rejects with the error reply, or when no reply comes in time. */
export type Ask = (...args: readonly string[]) => Promise<unknown>;

/** Opens a connection, runs `look` on it, and closes it. Never rejects. */
export async function visit<T>(
  options: object,
  timeoutMs: number,
  look: (send: Ask) => Promise<T>,
): Promise<Visit<T>> {
  // Replies are read in the form of RESP 2.
  const driver = new NodeRedisDriver({ ...options, RESP: 2 } as NodeRedisOptions & ClientOptions);
  const { address } = driver;
  try {
    const connection = await open(driver, timeoutMs);
    try {
      const seen = await look(async (...args) => masked(await ask(connection, args, timeoutMs)));
      return { address, seen };
    } finally {
      connection.destroy();
    }
  } catch (error) {
    return { address, error };
  }
}

/** Returns the reply with secrets masked that the server repeats. */
export function masked(reply: unknown): unknown {
  if (typeof reply === 'string') return maskSecrets(reply);
  return Array.isArray(reply) ? reply.map(masked) : reply;
}

/** Reads alternating names and values, as in RESP 2. */
export function fieldsOf(reply: unknown): ReadonlyMap<string, string> {
  const items = Array.isArray(reply) ? reply.map(String) : [];
  const pairs = items.flatMap((name, at): [string, string][] =>
    at % 2 === 0 ? [[name, items[at + 1] ?? '']] : [],
  );
  return new Map(pairs);
}
