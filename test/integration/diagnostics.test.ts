import { spawn } from 'node:child_process';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import path from 'node:path';
import { createInterface } from 'node:readline';
import {
  type ClientMessage,
  diagnosticsChannelName,
  EVENT_NAMES,
  type MultiDbEventName,
  openClients,
} from 'redis-multidb';
import { afterEach, expect, it } from 'vitest';
import { waitFor } from '../kit/index.js';
import {
  active,
  clientOf,
  connected,
  errorOf,
  recordEvents,
  EVENT_NAMES as recorded,
  servers,
} from './support.js';

const undo: (() => void)[] = [];
afterEach(() => {
  for (const each of undo.splice(0)) each();
});

/** What is published from now on, for the rest of the test. */
function listen(...names: readonly (MultiDbEventName | 'client')[]) {
  const heard: { readonly name: string; readonly message: Record<string, unknown> }[] = [];
  for (const name of names) {
    const listener = (message: unknown) => {
      heard.push({ name, message: message as Record<string, unknown> });
    };
    subscribe(diagnosticsChannelName(name), listener);
    undo.push(() => unsubscribe(diagnosticsChannelName(name), listener));
  }
  return heard;
}

it('publishes what it emits, all of it, in order', async () => {
  const [east, west] = await servers();
  const heard = listen(...EVENT_NAMES);
  const client = clientOf([east, west], {
    client: { name: 'orders' },
    failureDetector: { minNumOfFailures: 1, failureRateThreshold: 1 },
  });
  const events = recordEvents(client);
  client.once('ready', () => {
    throw new Error('from a listener');
  });
  await client.connect();
  await east.kill();
  await active(client, 'west');
  await west.kill();
  await active(client, undefined);
  await east.restart();
  await active(client, 'east');
  await client.close();

  expect(events.all.length).toBeGreaterThan(10);
  const told = events.all.map(({ name, event }) => {
    if (event === undefined) return { name, message: { client: 'orders' } };
    if (event instanceof Error) return { name, message: { client: 'orders', error: event } };
    return { name, message: { client: 'orders', ...event } };
  });
  // An event that a listener causes is emitted after the present one; channels publish it at once.
  const byName = (list: readonly { name: string }[], wanted: string) =>
    list.filter(({ name }) => name === wanted);
  for (const name of EVENT_NAMES) expect(byName(heard, name)).toEqual(byName(told, name));
  const switches = heard.filter(({ name }) => name === 'switch').map(({ message }) => message.to);
  expect(switches).toEqual(['east', 'west', undefined, 'east']);
  expect(heard.every(({ message }) => Object.isFrozen(message))).toBe(true);
});

it('publishes when nobody listens to the client', async () => {
  const [east, west] = await servers();
  const heard = listen('failover');
  const _client = await connected([east, west], { client: { name: 'orders' } });
  await east.kill();
  await waitFor(() => heard.length === 1, { what: 'the message' });
  expect(heard[0]?.message).toMatchObject({ client: 'orders', from: 'east', to: 'west' });
});

it('knows every event that there is', () => {
  expect([...EVENT_NAMES].sort()).toEqual([...recorded].sort());
});

it('tells which clients are open', async () => {
  const [east, west] = await servers();
  const heard = listen('client');
  const before = openClients();
  const client = clientOf([east, west], { client: { name: 'orders' } });
  expect(openClients()).toEqual(before);
  await client.connect();
  expect(openClients()).toEqual([...before, client]);
  await client.close();
  expect(openClients()).toEqual(before);
  await client.connect();
  client.destroy();
  client.destroy();
  expect(openClients()).toEqual(before);
  const message = (state: ClientMessage['state']) => ({
    name: 'client',
    message: { client: 'orders', state, instance: client },
  });
  expect(heard).toEqual(['open', 'closed', 'open', 'closed'].map((each) => message(each as never)));
});

it('does not list a client that could not connect', async () => {
  const [east, west] = await servers();
  const heard = listen('client');
  await Promise.all([east.kill(), west.kill()]);
  const client = clientOf([east, west]);
  expect((await errorOf(client.connect())).code).toBe('INITIALIZATION_FAILED');
  expect(openClients()).not.toContain(client);
  expect(heard).toEqual([]);
});

it('fails over although a subscriber throws, and prints what happens on demand', async () => {
  const [east, west] = await servers();
  const script = path.join(import.meta.dirname, 'diagnostics-process.ts');
  const child = spawn(process.execPath, ['--import', 'tsx', script, east.url, west.url], {
    env: { ...process.env, NODE_DEBUG: 'redis-multidb' },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  undo.push(() => child.kill('SIGKILL'));
  let debug = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    debug += text;
  });
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  expect((await lines.next()).value).toBe('ready');
  await east.kill();
  expect((await lines.next()).value).toBe('west');
  child.stdin.end();
  expect(JSON.parse((await lines.next()).value ?? '')).toEqual({
    uncaught: ['from a subscriber', 'from a subscriber'],
    heard: ['east', 'west'],
    reply: 'OK',
  });
  expect(await once(child, 'close')).toEqual([0, null]);
  expect(debug).toMatch(/^REDIS-MULTIDB \d+: child switch from=east to=west reason=health-check /m);
  expect(debug).toMatch(/^REDIS-MULTIDB \d+: child ready$/m);
  expect(debug).toMatch(/^REDIS-MULTIDB \d+: child end$/m);
});
