/** Errors of this package are `instanceof` node-redis's class for the same event as well. */
import * as library from '@redis/client';
import { createClient } from '@redis/client';
import * as other from 'redis-client-5';
import {
  AcquireTimeoutError,
  ClientClosedError,
  CommandTimeoutError,
  ConnectionLostError,
  isMultiDbError,
  type MultiDbClient,
  MultiDbError,
  TemporarilyUnavailableError,
} from 'redis-multidb';
import { expect, it } from 'vitest';
import { type RedisServer, waitFor } from '../kit/index.js';
import { clientOf, connected, databases, errorOf, own, servers } from './support.js';

/** A plain client of the same server. */
function plain(server: RedisServer) {
  const client = createClient({ url: server.url });
  // Version 5 throws when it is closed.
  own({ destroy: () => void (client.isOpen && client.destroy()) });
  return client;
}

type ErrorClass = abstract new (...args: never[]) => Error;

function expectBoth(error: unknown, ours: ErrorClass, theirs: ErrorClass, code: string): void {
  expect(error).toBeInstanceOf(ours);
  expect(error).toBeInstanceOf(theirs);
  expect(error).toBeInstanceOf(MultiDbError);
  expect(isMultiDbError(error)).toBe(true);
  expect(error).toMatchObject({ code, name: ours.name, constructor: ours });
  expect(Object.keys(error as object)).toEqual(expect.arrayContaining(['code', 'maybeExecuted']));
  expect(String(error)).toMatch(new RegExp(`^${ours.name}: `));
  // Not of another copy of the library.
  if (theirs !== (other as Record<string, unknown>)[theirs.name]) {
    const same = (other as unknown as Record<string, ErrorClass>)[theirs.name];
    if (same !== undefined) expect(error).not.toBeInstanceOf(same);
  }
}

/** Every call that a closed client refuses. */
const CALLS: Record<string, (client: MultiDbClient) => Promise<unknown>> = {
  command: (client) => client.get('k'),
  raw: (client) => client.sendCommand(['GET', 'k']),
  multi: (client) => client.multi().get('k').exec(),
  pipeline: (client) => client.multi().get('k').execAsPipeline(),
  view: (client) => client.withTypeMapping({}).get('k'),
  publish: (client) => client.publish('channel', 'message'),
};

it.each(Object.entries(CALLS))('closed, as a plain client: %s', async (_, call) => {
  const [east] = await servers(1);
  const theirs = plain(east);
  const ours = clientOf([east]);
  for (const phase of ['not connected', 'closed', 'destroyed']) {
    if (phase !== 'not connected') {
      await Promise.all([ours.connect(), theirs.connect()]);
      if (phase === 'closed') await Promise.all([ours.close(), theirs.close()]);
      else {
        ours.destroy();
        theirs.destroy();
      }
    }
    const expected = await errorOf(call(theirs as unknown as MultiDbClient));
    const error = await errorOf(call(ours));
    expect(error.message).toBe(expected.message);
    expectBoth(error, ClientClosedError, library.ClientClosedError, 'CLIENT_CLOSED');
    expect(error).toMatchObject({ maybeExecuted: false, wasPending: false });
  }
});

it('pending when the client is destroyed, as a plain client', async () => {
  const [east] = await servers(1);
  const theirs = plain(east);
  await theirs.connect();
  const ours = await connected([east]);
  const waiting = [theirs, ours].map((client) => errorOf(client.blPop('list', 0)));
  await waitFor(async () => (await east.info('blocked_clients')) === '2', {
    what: 'both to block',
  });
  theirs.destroy();
  ours.destroy();
  const [expected, error] = await Promise.all(waiting);
  expect(error?.message).toBe(expected?.message);
  expect(expected).toBeInstanceOf(library.DisconnectsClientError);
  expectBoth(error, ClientClosedError, library.DisconnectsClientError, 'CLIENT_CLOSED');
  expect(error).toMatchObject({ maybeExecuted: true, wasPending: true, databaseId: 'east' });
});

it('a transaction and a subscription of a destroyed client', async () => {
  const [east] = await servers(1);
  const client = await connected([east]);
  const transaction = errorOf(client.transaction('k', (tx) => tx.blPop('list', 0)));
  await waitFor(async () => (await east.info('blocked_clients')) === '1', { what: 'it to block' });
  client.destroy();
  const pending = await transaction;
  expectBoth(pending, ClientClosedError, library.DisconnectsClientError, 'CLIENT_CLOSED');
  for (const call of [client.transaction('k', () => 1), client.subscribe('c', () => {})]) {
    expectBoth(await errorOf(call), ClientClosedError, library.ClientClosedError, 'CLIENT_CLOSED');
  }
});

it('a timeout, with the outcome of the command', async () => {
  const [east] = await servers(1);
  const client = await connected([east], { suspectAfterMs: 5000 });
  await east.command('CLIENT', 'PAUSE', '2000');
  const error = await errorOf(client.withCommandOptions({ timeout: 100 }).incr('n'));
  expectBoth(error, CommandTimeoutError, library.TimeoutError, 'COMMAND_TIMEOUT');
  expect(error.maybeExecuted).toBe(true);
  const late = await errorOf(
    client.transaction('k', () => new Promise(() => {}), { timeoutMs: 50 }),
  );
  expectBoth(late, CommandTimeoutError, library.TimeoutError, 'COMMAND_TIMEOUT');
});

it('a pool without a free connection', async () => {
  const [east] = await servers(1);
  const client = await connected([east], {
    databases: databases([east]).map((each) => ({
      ...each,
      topology: 'pool' as const,
      pool: { minimum: 1, maximum: 1, acquireTimeout: 50 },
    })),
  });
  const popped = client.blPop('list', 0).catch(() => {});
  await waitFor(async () => (await east.info('blocked_clients')) === '1', { what: 'it to block' });
  const error = await errorOf(client.get('k'));
  expectBoth(error, AcquireTimeoutError, library.TimeoutError, 'ACQUIRE_TIMEOUT');
  client.destroy();
  await popped;
});

it('a lost connection, and no database that can serve', async () => {
  const [east] = await servers(1);
  const client = await connected([east]);
  await east.command('CLIENT', 'PAUSE', '60000', 'WRITE');
  const lost = errorOf(client.incr('n'));
  await waitFor(async () => (await east.info('blocked_clients')) === '1', { what: 'it to wait' });
  await east.kill();
  const error = await lost;
  expectBoth(error, ConnectionLostError, library.SocketClosedUnexpectedlyError, 'CONNECTION_LOST');
  expect(error.maybeExecuted).toBe(true);

  await waitFor(() => client.explain().state === 'down', { what: 'no database to serve' });
  expectBoth(
    await errorOf(client.get('k')),
    TemporarilyUnavailableError,
    library.ClientOfflineError,
    'TEMPORARILY_UNAVAILABLE',
  );
});
