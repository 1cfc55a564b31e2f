/** Every command settles within its deadline, in whatever state it is: with a reply or a typed error. */
import { expect, it } from 'vitest';
import { connected, errorOf, QUICK, recordEvents } from '../integration/support.js';
import { waitFor } from '../kit/index.js';
import { between, byCallers, clients, isData, outcome, proxied, tally } from './support.js';

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

it('ends attempts on a silent connection of a database that is healthy, replaces it, and stays', async () => {
  const [east, west] = await proxied();
  const client = await connected([east.proxy, west.proxy], { commandTimeoutMs: 60_000 });
  const events = recordEvents(client);
  await client.set('key', 'value');
  const [silent] = (await clients(east.server)).filter(({ cmd }) => cmd === 'set');
  east.proxy.silence('to-client', { mode: 'drop', scope: isData });

  const write = client.incr('counter');
  const read = client.get('key');
  const error = await errorOf(write);
  expect(error).toMatchObject({ code: 'CONNECTION_LOST', maybeExecuted: true, databaseId: 'east' });
  // The read is repeated over the connection that replaces the silent one.
  expect(await read).toBe('value');
  const ids = async () => (await clients(east.server)).map(({ id }) => id);
  expect(silent).toBeDefined();
  await waitFor(async () => !(await ids()).includes(silent?.id as string), {
    what: 'it to be destroyed',
  });
  expect(events.of('switch')).toEqual([]);
  expect(events.of('database-unhealthy')).toEqual([]);
  expect(await east.server.command('GET', 'counter')).toBe('1');
});

it('ends an attempt for which the server is still at work, at its deadline', async () => {
  const [east, west] = await proxied();
  const client = await connected([east.proxy, west.proxy], { commandTimeoutMs: 300 });
  const events = recordEvents(client);
  await client.get('key');
  // Everything but writes is answered, also on new connections.
  await east.server.command('CLIENT', 'PAUSE', '60000', 'WRITE');
  const error = await between(150, 5000, errorOf(client.incr('counter')));
  expect(error).toMatchObject({ code: 'COMMAND_TIMEOUT', maybeExecuted: true, databaseId: 'east' });
  expect(error.message).toContain('commandTimeoutMs (300 ms)');
  expect(events.of('switch')).toEqual([]);
  expect(events.of('database-unhealthy')).toEqual([]);
});

it('does not cut a write that a server holds back for longer than a silence', async () => {
  const [east, west] = await proxied();
  const client = await connected([east.proxy, west.proxy]);
  await client.get('key');
  await east.server.command('CLIENT', 'PAUSE', '60000', 'WRITE');
  const write = client.incr('counter');
  const probes = () => client.databases[0]?.lastProbe?.at.getTime() ?? 0;
  const at = Date.now();
  await waitFor(() => probes() > at + 500, { what: 'probes after the silence' });
  await east.server.command('CLIENT', 'UNPAUSE');
  expect(await write).toBe(1);
});

it('bounds all attempts together by commandDeadlineMs', async () => {
  const [east, west] = await proxied();
  const client = await connected([east.proxy, west.proxy], {
    commandTimeoutMs: 150,
    commandDeadlineMs: 800,
    commandRetry: { maxAttempts: 1000, waitDurationMs: 0, safety: 'last-write-wins' },
  });
  // Everything else is answered, so the server is healthy for PING.
  await east.server.command('CLIENT', 'PAUSE', '600000', 'WRITE');
  const error = await between(400, 10_000, errorOf(client.set('key', 'value')));
  expect(error).toMatchObject({ code: 'COMMAND_TIMEOUT', maybeExecuted: true });
  expect(error.message).toContain('commandDeadlineMs (800 ms)');
  const attempts = byCallers(east.proxy.commands).filter((text) => text === 'SET key value');
  expect(attempts.length).toBeGreaterThan(1);
  expect(client.activeDatabase).toBe('east');
});

it('takes the deadline of an attempt from withCommandOptions', async () => {
  const [east, west] = await proxied();
  const client = await connected([east.proxy, west.proxy], {
    commandTimeoutMs: 60_000,
    commandDeadlineMs: 60_000,
    // A connection is not silent, so that each command is ended by its own deadline.
    suspectAfterMs: 30_000,
  });
  await client.get('key');
  await east.server.command('CLIENT', 'PAUSE', '600000', 'WRITE');
  const order: string[] = [];
  const ended = (timeout: number) =>
    errorOf(client.withCommandOptions({ timeout }).incr('counter')).then((error) => {
      order.push(`${error.code} ${error.maybeExecuted} ${error.message.match(/\d+ ms/)?.[0]}`);
    });
  // Issued in the opposite order.
  await Promise.all([ended(1200), ended(600), ended(100)]);
  expect(order).toEqual([100, 600, 1200].map((timeout) => `COMMAND_TIMEOUT true ${timeout} ms`));
  expect(client.activeDatabase).toBe('east');
});

it('ends what waits for a retry', async () => {
  const [east, west] = await proxied();
  const client = await connected([east.proxy, west.proxy], {
    ...PATIENT,
    commandDeadlineMs: 300,
    commandRetry: { waitDurationMs: 600_000 },
  });
  const loading = '-LOADING Redis is loading the dataset in memory';
  east.proxy.answerWith(loading, ([name]) => name !== 'SET');
  const commands = [client.get('key'), client.incr('counter'), client.get('key')];
  const errors = await between(150, 5000, Promise.all(commands.map(errorOf)));
  for (const error of errors) {
    expect(error).toMatchObject({ code: 'COMMAND_TIMEOUT', maybeExecuted: false });
    expect((error.cause as Error).message).toMatch(/^LOADING/);
  }
  // Each was sent once, and is not sent after its end.
  await east.proxy.restore();
  await client.set('key', 'value');
  const sent = byCallers(east.proxy.commands);
  expect(sent.sort()).toEqual(['GET key', 'GET key', 'INCR counter', 'SET key value']);
});

it('takes back what a full socket kept from being written', async () => {
  const [east, west] = await proxied();
  const client = await connected([east.proxy, west.proxy], {
    ...PATIENT,
    commandTimeoutMs: 300,
    commandDeadlineMs: 300,
  });
  east.proxy.silence('to-server', { mode: 'drop' });
  const big = outcome(client.set('big', Buffer.alloc(64 * 1024 * 1024)));
  await new Promise((resolve) => setImmediate(resolve));
  const behind = Array.from({ length: 100 }, () => outcome(client.incr('counter')));
  const [first, ...others] = await between(150, 10_000, Promise.all([big, ...behind]));
  expect(first).toEqual({ code: 'COMMAND_TIMEOUT', maybeExecuted: true });
  // node-redis hands its socket at least one command per turn, however full it is.
  const [next, ...rest] = others;
  expect(next).toMatchObject({ code: 'COMMAND_TIMEOUT' });
  expect(tally(rest)).toEqual({ 'COMMAND_TIMEOUT false': 99 });
  await east.proxy.restore();
  await waitFor(() => client.isReady, { what: 'the connection to be back' });
  expect(await client.incr('counter')).toBe(1);
});

it('settles what is issued while it is searched for any database', async () => {
  const [east, west] = await proxied();
  const client = await connected([east.proxy, west.proxy], {
    commandDeadlineMs: 2000,
    // The verdict comes before any deadline.
    healthCheck: { ...QUICK.healthCheck, timeoutMs: 250 },
  });
  const events = recordEvents(client);
  const pending = [outcome(client.incr('counter')), outcome(client.get('key'))];
  west.proxy.silence('both', { mode: 'drop' });
  east.proxy.silence('both', { mode: 'drop' });
  const issue = setInterval(() => {
    if (pending.length < 100)
      pending.push(outcome(client.get('key')), outcome(client.incr('counter')));
  }, 10);
  await waitFor(() => events.of('all-databases-down').length > 0, { what: 'the verdict' });
  clearInterval(issue);
  const known = ['TEMPORARILY_UNAVAILABLE', 'COMMAND_TIMEOUT', undefined];
  const outcomes = await Promise.all(pending);
  for (const { code } of outcomes) expect(known).toContain(code);
  expect(outcomes.at(-1)).toMatchObject({ code: 'TEMPORARILY_UNAVAILABLE' });
  // Down: at once, with a turn of the event loop in between.
  const order: string[] = [];
  const turns = (count: number) =>
    new Promise<void>((resolve) => {
      setImmediate(() => (count === 1 ? resolve() : turns(count - 1).then(resolve)));
    });
  const atOnce = errorOf(client.get('key')).then((error) => order.push(String(error.code)));
  await Promise.all([
    atOnce,
    turns(1).then(() => order.push('a turn')),
    turns(3).then(() => order.push('three')),
  ]);
  expect(order).toEqual(['a turn', 'TEMPORARILY_UNAVAILABLE', 'three']);
});

it('holds under close()', async () => {
  const [east, west] = await proxied();
  const client = await connected([east.proxy, west.proxy], { ...PATIENT, commandDeadlineMs: 300 });
  east.proxy.silence('to-client', { mode: 'drop' });
  const order: string[] = [];
  const commands = [client.incr('counter'), client.get('key')].map((command) =>
    errorOf(command).then((error) => order.push(String(error.code))),
  );
  const closed = client.close().then(() => order.push('closed'));
  await between(150, 5000, Promise.all([...commands, closed]));
  expect(order[0]).toBe('COMMAND_TIMEOUT');
  expect([...order].sort()).toEqual(['COMMAND_TIMEOUT', 'COMMAND_TIMEOUT', 'closed']);
});

it('never sends what exceeds maxPendingCommands, wherever the others wait', async () => {
  const [east, west] = await proxied();
  const client = await connected([east.proxy, west.proxy], {
    ...PATIENT,
    maxPendingCommands: 10,
    commandDeadlineMs: 300,
    failureDetector: { minNumOfFailures: 20, failureRateThreshold: 1 },
  });
  const events = recordEvents(client);
  const issue = (name: string) =>
    Array.from({ length: 15 }, (_, i) => outcome(client.set(`${name}:${i}`, '')));

  east.proxy.silence('to-client', { scope: isData });
  const inFlight = issue('in-flight');
  expect(tally(await Promise.all(inFlight.slice(10)))).toEqual({ 'OVERLOADED false': 5 });
  expect(tally(await Promise.all(inFlight.slice(0, 10)))).toEqual({ 'CONNECTION_LOST true': 10 });

  await east.proxy.restore();
  await waitFor(() => client.isReady, { what: 'a new connection' });
  east.proxy.refuse();
  east.proxy.reset();
  await waitFor(() => !client.isReady, { what: 'the connection to be lost' });
  const waiting = issue('waiting');
  expect(tally(await Promise.all(waiting.slice(10)))).toEqual({ 'OVERLOADED false': 5 });
  expect(tally(await Promise.all(waiting.slice(0, 10)))).toEqual({ 'COMMAND_TIMEOUT false': 10 });

  const written = Array.from({ length: 10 }, (_, i) => `SET in-flight:${i} `);
  expect(byCallers(east.proxy.commands)).toEqual(written);
  expect(byCallers(west.proxy.commands)).toEqual([]);
  expect(events.of('breaker-open')).toEqual([]);
});
