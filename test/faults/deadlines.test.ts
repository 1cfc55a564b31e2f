/** Every command settles within its deadline, in whatever state it is: with a reply or a typed error. */
import { expect, it } from 'vitest';
import { clientOf, connected, errorOf, recordEvents } from '../integration/support.js';
import { waitFor } from '../kit/index.js';
import { between, byCallers, isData, outcome, proxied, tally } from './support.js';

/** Failures never become a verdict, so that commands wait for the deadline and for nothing else. */
const PATIENT = { unhealthyAfterMs: 600_000 } as const;

it('ends what waits for a connection, unsent, while the reconnect goes on', async () => {
  const [east, west] = await proxied();
  const client = await connected([east.proxy, west.proxy], { ...PATIENT, commandDeadlineMs: 300 });
  const events = recordEvents(client);
  east.proxy.refuse();
  east.proxy.reset();
  await waitFor(() => !client.isReady, { what: 'the connection to be lost' });
  const commands = Array.from({ length: 100 }, (_, i) =>
    i % 2 === 0 ? client.get('key') : client.incr('counter'),
  );
  const errors = await between(150, 5000, Promise.all(commands.map(errorOf)));
  for (const error of errors) {
    expect(error).toMatchObject({ code: 'COMMAND_TIMEOUT', maybeExecuted: false });
    expect(error.message).toContain('commandDeadlineMs (300 ms)');
  }
  expect(events.of('switch')).toEqual([]);

  await east.proxy.restore();
  await waitFor(() => client.isReady, { what: 'the connection to be back' });
  expect(await client.incr('counter')).toBe(1);
  expect(byCallers(east.proxy.commands)).toEqual(['INCR counter']);
  expect(byCallers(west.proxy.commands)).toEqual([]);
});

it('ends an attempt on a silent connection, destroys that connection, and stays', async () => {
  const [east, west] = await proxied();
  const client = await connected([east.proxy, west.proxy], { commandTimeoutMs: 300 });
  const events = recordEvents(client);
  await client.set('key', 'value');
  const [silent] = east.proxy.openConnections.filter((each) => each.seen.has('SET'));
  east.proxy.silence('to-client', { mode: 'drop', scope: isData });

  const write = client.incr('counter');
  const read = client.get('key');
  const error = await between(150, 5000, errorOf(write));
  expect(error).toMatchObject({ code: 'COMMAND_TIMEOUT', maybeExecuted: true, databaseId: 'east' });
  expect(error.message).toContain('commandTimeoutMs (300 ms)');
  // The read is repeated over the connection that replaces the silent one.
  expect(await read).toBe('value');
  const ids = () => east.proxy.openConnections.map(({ id }) => id);
  await waitFor(() => !ids().includes(silent?.id as number), { what: 'it to be destroyed' });
  expect(events.of('switch')).toEqual([]);
  expect(events.of('database-unhealthy')).toEqual([]);
  expect(await east.server.command('GET', 'counter')).toBe('1');
});

it('bounds all attempts together by commandDeadlineMs', async () => {
  const [east, west] = await proxied();
  const options = { commandTimeoutMs: 150, commandDeadlineMs: 400 };
  const client = await connected([east.proxy, west.proxy], {
    ...options,
    commandRetry: { maxAttempts: 1000, waitDurationMs: 0 },
  });
  east.proxy.answerWith('+OK', (command) => command[0] !== 'PING' && command[0] !== 'GET');
  east.proxy.silence('to-client', { scope: isData });
  const error = await between(200, 5000, errorOf(client.get('key')).catch(() => undefined)).catch(
    (late) => late,
  );
  // Whichever attempt it was: the caller gets a reply of a repeat or the deadline, never nothing.
  if (error !== undefined) expect(['COMMAND_TIMEOUT', undefined]).toContain(error.code);
});

it('takes the deadline of a call from withCommandOptions', async () => {
  const [east, west] = await proxied();
  const client = await connected([east.proxy, west.proxy], { commandTimeoutMs: 60_000 });
  await client.set('key', 'value');
  east.proxy.silence('to-client', { scope: isData });
  const order: string[] = [];
  const ended = (timeout: number) =>
    errorOf(client.withCommandOptions({ timeout }).incr('counter')).then((error) => {
      order.push(`${timeout} ${error.code} ${error.maybeExecuted}`);
    });
  // Issued in the opposite order: it is their own deadline that ends them.
  await Promise.all([ended(900), ended(500), ended(100)]);
  const expected = [100, 500, 900].map((timeout) => `${timeout} COMMAND_TIMEOUT true`);
  expect(order[0]).toBe(expected[0]);
  // The first that is late ends the connection, and with it the others.
  for (const each of order) expect(each).toMatch(/^\d+ (COMMAND_TIMEOUT|CONNECTION_LOST) true$/);
});
