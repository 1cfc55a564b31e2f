import { afterEach, expect, it } from 'vitest';
import { createMultiDbClient, type SwitchEvent } from '../../src/index.js';
import { stopAll, waitFor } from '../kit/index.js';
import { proxied } from './support.js';

afterEach(stopAll);

/** A push message of RESP 3, as Redis Software sends it. */
const push = (...parts: (string | number)[]) =>
  `>${parts.length}\r\n${parts
    .map((part) => (typeof part === 'number' ? `:${part}\r\n` : `$${part.length}\r\n${part}\r\n`))
    .join('')}`;

/** Two databases behind proxies, with a detection that needs well under a second. */
async function start(maintNotifications: 'auto' | 'disabled' = 'auto') {
  const [east, west] = await proxied();
  const client = createMultiDbClient({
    databases: [
      { id: 'east', weight: 1, client: { url: east.proxy.url } },
      { id: 'west', weight: 0.5, client: { url: west.proxy.url } },
    ],
    client: { RESP: 3, maintNotifications, maintRelaxedCommandTimeout: 6000 },
    initialWaitMs: 10_000,
    suspectAfterMs: 100,
    healthCheck: { timeoutMs: 300, intervalMs: 100, numProbes: 1 },
    commandTimeoutMs: 300,
  });
  const switches: SwitchEvent[] = [];
  client.on('switch', (event) => switches.push(event));
  await client.connect();
  await client.set('k', 'v');
  switches.length = 0;
  return { client, east: east.proxy, server: east.server, switches };
}

it('asks the server to announce maintenance', async () => {
  const { client, east } = await start();
  const asked = () => east.commands.some(({ args }) => args[1] === 'MAINT_NOTIFICATIONS');
  await waitFor(asked, { what: 'CLIENT MAINT_NOTIFICATIONS' });
  await client.close();
});

it.each(['MIGRATING', 'FAILING_OVER'])('stays while a %s server is silent', async (announced) => {
  const { client, east, switches } = await start();
  const ended = announced === 'MIGRATING' ? 'MIGRATED' : 'FAILED_OVER';
  let unhealthy = 0;
  client.on('database-unhealthy', () => {
    unhealthy += 1;
  });

  east.inject('to-client', push(announced, 1, 5));
  await client.get('k');
  east.silence('both', { mode: 'hold' });
  const write = client.incr('counter');
  // Seen to be silent by its probes, and yet not left: the command outlasts its own timeout.
  await waitFor(() => unhealthy > 0, { what: 'a failed round' });
  await new Promise((resolve) => setTimeout(resolve, 1000));
  expect(client.activeDatabase).toBe('east');
  await east.restore();
  expect(await write).toBe(1);
  east.inject('to-client', push(ended, 2));
  expect(await client.get('k')).toBe('v');
  expect(switches).toEqual([]);
  await client.close();
});

it('stays while a MOVING server closes its connections and refuses for a while', async () => {
  const { client, east, switches } = await start();
  east.inject('to-client', push('MOVING', 1, 1));
  await client.get('k');
  east.refuse();
  east.end();
  const read = client.get('k');
  await new Promise((resolve) => setTimeout(resolve, 1000));
  expect(client.activeDatabase).toBe('east');
  await east.accept();
  expect(await read).toBe('v');
  expect(switches).toEqual([]);
  await client.close();
});

it('leaves it when the maintenance has ended and it is still silent', async () => {
  const { client, east, switches } = await start();
  east.inject('to-client', push('MIGRATING', 1, 5));
  await client.get('k');
  east.inject('to-client', push('MIGRATED', 2));
  await client.get('k');
  east.silence('both', { mode: 'drop' });
  expect(await client.get('other')).toBe(null);
  expect(switches.map(({ to }) => to)).toEqual(['west']);
  await client.close();
});

it('follows no announcement when the user has disabled them', async () => {
  const { client, east, switches } = await start('disabled');
  east.inject('to-client', push('MIGRATING', 1, 5));
  await client.get('k');
  east.silence('both', { mode: 'drop' });
  expect(await client.get('other')).toBe(null);
  expect(switches.map(({ to }) => to)).toEqual(['west']);
  await client.close();
});
