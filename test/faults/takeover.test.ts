/** What becomes of the commands that were under way when a switch came. */
import type { MultiDbClient, MultiDbClientOptions } from 'redis-multidb';
import { describe, expect, it } from 'vitest';
import { connected, recordEvents, switchTo } from '../integration/support.js';
import { waitFor } from '../kit/index.js';
import {
  byCallers,
  isData,
  type Outcome,
  outcome,
  type Proxied,
  proxied,
  tally,
} from './support.js';

type Options = Partial<MultiDbClientOptions>;

const MAYBE = { code: 'CONNECTION_LOST', maybeExecuted: true };
const LATE = { code: 'COMMAND_TIMEOUT', maybeExecuted: true };

const numbers = (count: number, from = 0) =>
  Array.from({ length: count }, (_, i) => String(from + i));

describe('commands that were not written go to the new database, in order and once', () => {
  it('behind a full socket, of a frozen server', async () => {
    const [east, west] = await proxied();
    const client = await connected([east.proxy, west.proxy], { commandTimeoutMs: 3000 });
    await client.get('key');
    east.proxy.silence('both');
    const big = outcome(client.set('big', Buffer.alloc(64 * 1024 * 1024)));
    await new Promise((resolve) => setImmediate(resolve));
    const pushed = numbers(1000).map((value) => outcome(client.rPush('list', value)));
    const outcomes = await Promise.all(pushed);
    expect(client.activeDatabase).toBe('west');
    // Nothing is written behind a full socket, so that all of it can be taken back.
    expect(outcomes.map(({ reply }) => reply)).toEqual(outcomes.map((_, i) => i + 1));
    expect(await west.server.command('LRANGE', 'list', '0', '-1')).toEqual(numbers(1000));
    expect(await big).toEqual(LATE);
    await east.proxy.restore();
    await waitFor(() => client.isHealthy('east'), { what: 'east to be back' });
    expect(await east.server.command('EXISTS', 'list')).toBe(0);
  });

  it('waiting for a connection, and for a retry', async () => {
    const [east, west] = await proxied();
    const client = await connected([east.proxy, west.proxy], {
      // Time for both kinds of waiting before the verdict.
      unhealthyAfterMs: 500,
      commandRetry: { waitDurationMs: 600_000 },
    });
    const switched = switchTo(client);
    east.proxy.answerWith('-LOADING Redis is loading the dataset in memory');
    const toRetry = numbers(500).map((value) => outcome(client.rPush('list', value)));
    await waitFor(() => byCallers(east.proxy.commands).length >= 500, { what: 'first attempts' });
    await new Promise((resolve) => setTimeout(resolve, 20));
    east.proxy.refuse();
    east.proxy.reset();
    await waitFor(() => !client.isReady, { what: 'the connection to be lost' });
    const backlog = numbers(500, 500).map((value) => outcome(client.rPush('list', value)));
    expect(await switched).toMatchObject({ from: 'east', to: 'west' });
    const replies = (await Promise.all([...toRetry, ...backlog])).map(({ reply }) => reply);
    expect(replies).toEqual(replies.map((_, i) => i + 1));
    expect(await west.server.command('LRANGE', 'list', '0', '-1')).toEqual(numbers(1000));
    expect(await east.server.command('EXISTS', 'list')).toBe(0);
  });
});

interface Case {
  readonly options: Options;
  readonly get: Outcome;
  readonly set: Outcome;
  readonly incr: Outcome;
}

const CUT = { get: { reply: 'west' }, set: MAYBE, incr: MAYBE } as const;

describe('commands in flight on a database that fell silent', () => {
  const cases: Record<string, Case> = {
    'by default': { options: {}, get: { reply: 'west' }, set: LATE, incr: LATE },
    fastFailover: { options: { fastFailover: true }, ...CUT },
    'retryOnFailover, safety read': { options: { retryOnFailover: true }, ...CUT },
    'retryOnFailover, safety last-write-wins': {
      options: { retryOnFailover: true, commandRetry: { safety: 'last-write-wins' } },
      ...CUT,
      set: { reply: 'OK' },
    },
    'retryOnFailover, safety accumulating': {
      options: { retryOnFailover: true, commandRetry: { safety: 'accumulating' } },
      ...CUT,
      set: { reply: 'OK' },
      incr: { reply: 1 },
    },
    'fastFailover, nothing may be repeated': {
      options: { fastFailover: true, commandRetry: { safety: 'connection' } },
      ...CUT,
      get: MAYBE,
    },
    'fastFailover, safety accumulating': {
      // The cut is an unknown outcome like any other.
      options: { fastFailover: true, commandRetry: { safety: 'accumulating' } },
      ...CUT,
      set: { reply: 'OK' },
      incr: { reply: 1 },
    },
  };

  it.each(Object.entries(cases))('%s', async (_name, { options, ...expected }) => {
    const { client, east, west } = await holding(options);
    const switched = switchTo(client);
    const order: string[] = [];
    void switched.then(() => order.push('switch'));
    const issue = (name: string, command: Promise<unknown>) =>
      outcome(command).then((result) => {
        order.push(name);
        return [name, result] as const;
      });
    const issued = [
      issue('get', client.get('key')),
      issue('set', client.set('written', 'value')),
      issue('incr', client.incr('counter')),
    ];
    await waitFor(() => byCallers(east.proxy.commands).length >= 3, { what: 'them to be sent' });
    expect(await switched).toMatchObject({ from: 'east', to: 'west' });
    expect(Object.fromEntries(await Promise.all(issued))).toEqual(expected);
    expect(order[0]).toBe('switch');

    // What was acknowledged or failed: each ran once on east, and on west only if it was repeated.
    const repeated = Object.entries(expected).filter(([, { code }]) => code === undefined);
    const names = repeated.map(([name]) => name.toUpperCase());
    expect(byCallers(west.proxy.commands).map((text) => text.split(' ')[0])).toEqual(names);
    expect(await east.server.command('GET', 'counter')).toBe('1');
  });

  it('by default still takes the replies that come in time', async () => {
    const { client, east, west } = await holding({ commandTimeoutMs: 30_000 });
    const switched = switchTo(client);
    const set = outcome(client.set('written', 'value'));
    const incr = outcome(client.incr('counter'));
    expect(await switched).toMatchObject({ from: 'east', to: 'west' });
    await east.proxy.restore();
    expect(await Promise.all([set, incr])).toEqual([{ reply: 'OK' }, { reply: 1 }]);
    expect(byCallers(west.proxy.commands)).toEqual([]);
    // Nobody waits for anything there any more.
    const old = east.proxy.openConnections.filter(({ seen }) => seen.has('INCR'));
    await waitFor(() => old.every((each) => !east.proxy.openConnections.includes(each)), {
      what: 'the old connection to be closed',
    });
  });

  it('ends with the first of two replies to a read', async () => {
    const { client, east } = await holding({ commandTimeoutMs: 30_000 });
    const order: string[] = [];
    const read = client.get('key').then((value) => order.push(`read ${value}`));
    await read;
    // The reply of the old database comes second and is dropped.
    await east.proxy.restore();
    expect(await client.get('key')).toBe('west');
    expect(order).toEqual(['read west']);
  });

  it('goes by the safety of the call', async () => {
    const { client } = await holding({ retryOnFailover: true });
    const outcomes = await Promise.all([
      outcome(client.withRetrySafety('accumulating').incr('counter')),
      outcome(client.withRetrySafety('last-write-wins').set('written', 'value')),
      outcome(client.withRetrySafety('connection').get('key')),
      outcome(client.incr('counter')),
    ]);
    expect(outcomes).toEqual([{ reply: 1 }, { reply: 'OK' }, MAYBE, MAYBE]);
  });
});

/** A client whose active database executes everything and whose replies are held back. */
async function holding(
  options: Options,
): Promise<{ client: MultiDbClient; east: Proxied; west: Proxied }> {
  const [east, west] = await proxied();
  await east.server.command('SET', 'key', 'east');
  await west.server.command('SET', 'key', 'west');
  const client = await connected([east.proxy, west.proxy], { commandTimeoutMs: 1000, ...options });
  east.proxy.silence('to-client');
  return { client, east, west };
}

describe('when the last database fails', () => {
  it('everything settles at once, in whatever state it is', async () => {
    const [east, west] = await proxied();
    const client = await connected([east.proxy, west.proxy], {
      commandTimeoutMs: 600_000,
      commandDeadlineMs: 600_000,
      commandRetry: { waitDurationMs: 600_000 },
    });
    const events = recordEvents(client);
    west.proxy.refuse();
    west.proxy.reset();
    east.proxy.answerWith('-LOADING Redis is loading', ([name]) => name === 'APPEND');
    const toRetry = numbers(100).map(() => outcome(client.append('key', 'x')));
    await waitFor(() => byCallers(east.proxy.commands).length >= 100, { what: 'first attempts' });
    east.proxy.silence('to-client', { scope: isData });
    const inFlight = numbers(100).map(() => outcome(client.incr('counter')));
    await waitFor(() => byCallers(east.proxy.commands).length >= 200, { what: 'them to be sent' });
    await east.server.kill();
    const unsent = numbers(100).map(() => outcome(client.incr('counter')));

    expect(tally(await Promise.all(inFlight))).toEqual({ 'TEMPORARILY_UNAVAILABLE true': 100 });
    expect(tally(await Promise.all(toRetry))).toEqual({ 'TEMPORARILY_UNAVAILABLE false': 100 });
    const rest = Object.keys(tally(await Promise.all(unsent)));
    for (const each of rest) expect(each).toMatch(/^(TEMPORARILY_UNAVAILABLE false|.* true)$/);
    expect(events.of('all-databases-down')).toHaveLength(1);
  });

  it('turns permanent after maxNumFailoverAttempts, and is not terminal', async () => {
    const [east, west] = await proxied();
    const client = await connected([east.proxy, west.proxy], {
      maxNumFailoverAttempts: 3,
      delayInBetweenFailoverAttemptsMs: 20,
    });
    for (const { proxy } of [east, west]) {
      proxy.refuse();
      proxy.reset();
    }
    const codes: unknown[] = [];
    await waitFor(
      async () => {
        const { code } = await outcome(client.incr('counter'));
        if (code !== codes.at(-1)) codes.push(code);
        return code === 'PERMANENTLY_UNAVAILABLE';
      },
      { what: 'the permanent error' },
    );
    expect(codes.slice(-2)).toEqual(['TEMPORARILY_UNAVAILABLE', 'PERMANENTLY_UNAVAILABLE']);
    await west.proxy.restore();
    await waitFor(() => client.activeDatabase === 'west', { what: 'west to serve' });
    expect(await client.incr('counter')).toBe(1);
  });
});
