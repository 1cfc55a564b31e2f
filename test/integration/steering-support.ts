/** Steering over whatever the databases of a client are. */
import type { MultiDbClient, SteeringSource } from 'redis-multidb';
import { expect } from 'vitest';
import { type RedisServer, waitFor } from '../kit/index.js';
import { post, serve, WITH_TOKEN } from './http-support.js';
import { active } from './support.js';

/** The key of the sources in these tests. */
export const KEY = 'ops:steering';

/**
 * The handler drains the active one of two databases, then a document that somebody wrote to `holder`
 * alone brings it back. `holder` is the server of one database that has the key.
 */
export async function expectSteered(
  client: MultiDbClient,
  steering: SteeringSource,
  holder: RedisServer,
): Promise<void> {
  const first = client.activeDatabase;
  const ids = client.databases.map(({ id }) => id);
  const { url } = await serve(client, { ...WITH_TOKEN, steering });
  const order = { action: 'drain', database: first, reason: 'upgrade', by: 'ada' };
  const response = await post(`${url}/steering`, order);
  const answer = (await response.json()) as { version: number };
  expect(answer).toMatchObject({ changed: true, written: ids, failed: [] });
  await active(
    client,
    ids.find((id) => id !== first),
  );
  const sources = () => client.explain().steering?.sources ?? [];
  const isRead = () => ids.every((id) => sources().some((each) => each.source.endsWith(`: ${id}`)));
  await waitFor(() => isRead() && sources().every(({ state }) => state === 'ok'), {
    what: 'all databases to be read with the document',
    timeoutMs: 10_000,
  });
  const published = JSON.parse(String(await holder.command('GET', KEY)));
  expect(published).toMatchObject({ version: answer.version, drain: [first] });
  const { drain, ...rest } = published;
  const next = JSON.stringify({ ...rest, version: answer.version + 1, prefer: first });
  await holder.command('SET', KEY, next);
  await active(client, first);
}
