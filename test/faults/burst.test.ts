/** A caller that awaits 10 000 commands at the moment of the failure. */
import { expect, it } from 'vitest';
import { connected, recordEvents, servers, switchTo } from '../integration/support.js';
import { type FaultProxy, type RedisServer, startProxy } from '../kit/index.js';
import { outcome } from './support.js';

const COUNT = 10_000;

const FAULTS: Record<string, (server: RedisServer, proxy: FaultProxy) => unknown> = {
  killed: (server) => server.kill(),
  frozen: (server) => server.freeze(),
  'reset and refusing': (_server, proxy) => {
    proxy.refuse();
    proxy.reset();
  },
  'silent to the client': (_server, proxy) => proxy.silence('to-client', { mode: 'drop' }),
  'silent to the server': (_server, proxy) => proxy.silence('to-server', { mode: 'drop' }),
  'reset in the middle of a reply': (_server, proxy) => {
    proxy.refuse();
    return proxy.cutAfter(10_001, 'to-client');
  },
};

const SETTINGS = {
  default: {},
  fastFailover: { fastFailover: true },
  retryOnFailover: { retryOnFailover: true, commandRetry: { safety: 'last-write-wins' } },
} as const;

const CASES = Object.keys(FAULTS).flatMap((fault) =>
  (Object.keys(SETTINGS) as (keyof typeof SETTINGS)[]).map((setting) => [fault, setting] as const),
);

it.each(CASES)(
  '%s, %s: all settle, each reply is right, each error typed',
  async (fault, setting) => {
    const [east, west] = await servers();
    for (const server of [east, west]) {
      await server.command('EVAL', "for i = 0, 9999 do redis.call('SET', 'in:' .. i, i) end", '0');
    }
    const proxy = await startProxy(east);
    const client = await connected([proxy, west], {
      commandTimeoutMs: 1500,
      commandDeadlineMs: 4000,
      gracePeriodMs: 600_000,
      ...SETTINGS[setting],
    });
    const events = recordEvents(client);
    await client.get('in:0');

    const switched = switchTo(client, 'west');
    const commands = Array.from({ length: COUNT }, (_, i) => {
      if (i % 3 === 0) return outcome(client.get(`in:${i}`));
      if (i % 3 === 1) return outcome(client.set(`out:${i}`, i));
      return outcome(client.incr(`count:${i}`));
    });
    // Written in part, answered in part.
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    const injured = FAULTS[fault]?.(east, proxy);
    const outcomes = await Promise.all(commands);
    expect(await switched).toMatchObject({ from: 'east', to: 'west' });
    await injured;

    const codes = new Set<unknown>();
    let unanswered = 0;
    for (const [i, { reply, code, maybeExecuted }] of outcomes.entries()) {
      if (i % 3 === 0) expect(reply).toBe(String(i));
      else if (code === undefined) expect(reply).toBe(i % 3 === 1 ? 'OK' : 1);
      else {
        unanswered += 1;
        codes.add(code);
        expect(maybeExecuted).toBe(true);
      }
    }
    expect(
      [...codes].filter((code) => !/^(CONNECTION_LOST|COMMAND_TIMEOUT)$/.test(String(code))),
    ).toEqual([]);
    expect(unanswered).toBeLessThanOrEqual((COUNT * 2) / 3);
    expect(events.of('switch')).toHaveLength(1);

    // Nothing ran twice where it was sent to, and what was acknowledged is on a server.
    const perhapsGone = fault === 'killed';
    if (fault === 'frozen') await east.thaw();
    const onWest = await counters(west);
    const onEast = perhapsGone ? new Map<string, string>() : await counters(east);
    for (const each of [onEast, onWest]) {
      expect([...each].filter(([, value]) => value !== '1')).toEqual([]);
    }
    const missing = outcomes.filter(
      ({ code }, i) =>
        i % 3 === 2 && code === undefined && !onWest.has(`count:${i}`) && !onEast.has(`count:${i}`),
    );
    if (!perhapsGone) expect(missing).toEqual([]);
  },
);

async function counters(server: RedisServer): Promise<Map<string, string>> {
  const keys = (await server.command('KEYS', 'count:*')) as string[];
  const values = keys.length === 0 ? [] : ((await server.command('MGET', ...keys)) as string[]);
  return new Map(keys.map((key, i) => [key, values[i] as string]));
}
