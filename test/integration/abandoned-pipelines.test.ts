/** The rest of a pipeline behind a full socket is not sent once its caller has received the error. */
import { expect, it } from 'vitest';
import { startProxy, startRedis, waitFor } from '../kit/index.js';
import { clientOf, errorOf, healthy } from './support.js';

const SIZE = 400;
const VALUE = 'x'.repeat(100_000);

it.each(['client', 'pool'] as const)('over a %s', async (topology) => {
  const server = await startRedis();
  const proxy = await startProxy(server);
  const client = clientOf([], {
    databases: [{ id: 'east', topology, client: { url: proxy.url } }] as never,
    // The connection is to live: what is silent for long is dropped with all that waits on it.
    suspectAfterMs: 60_000,
    healthCheck: false,
    commandTimeoutMs: 300,
  });
  await client.connect();
  await healthy(client);

  proxy.silence('to-server');
  const pipeline = client.multi();
  for (let i = 0; i < SIZE; i += 1) pipeline.set(`late${i}`, VALUE);
  const told = errorOf(pipeline.execAsPipeline());
  expect(await told).toMatchObject({ code: 'COMMAND_TIMEOUT', maybeExecuted: true });
  const connections = proxy.acceptedConnections;
  await proxy.restore();
  await waitFor(() => client.set('after', '1').catch(() => false), { what: 'it to serve' });
  if (topology === 'client') expect(proxy.acceptedConnections).toBe(connections);
  // What the socket had taken before may arrive; what was behind it does not.
  expect(await server.command('EXISTS', `late${SIZE - 1}`)).toBe(0);
  expect(await server.command('DBSIZE')).toBeLessThan(SIZE);
});
