import type { LookupFunction } from 'node:net';
import { expect, test } from 'vitest';
import { LoopClock } from '../loop-clock.js';
import { VirtualClock } from '../testing/virtual-clock.js';
import { GIVE_UP_AFTER_MS, NameLookups } from './name-lookups.js';

type Callback = Parameters<LookupFunction>[2];
type Answer = (error: Error | null, addresses?: readonly string[]) => void;

/** A resolver whose answers a test gives by hand. */
class Resolver {
  readonly asked: string[] = [];
  readonly pending = new Map<string, Answer>();
  most = 0;

  readonly lookup: LookupFunction = (host, options, callback) => {
    this.asked.push(host);
    expect(this.pending.has(host), `one lookup of ${host} at a time`).toBe(false);
    const answer: Answer = (error, addresses = []) => {
      if (this.pending.get(host) === answer) this.pending.delete(host);
      const found = addresses.map((address) => ({
        address,
        family: address.includes(':') ? 6 : 4,
      }));
      if (options.all) callback(error as never, found);
      else callback(error as never, found[0]?.address ?? '', found[0]?.family);
    };
    this.pending.set(host, answer);
    this.most = Math.max(this.most, this.pending.size);
  };

  answer(host: string, ...addresses: string[]): void {
    this.pending.get(host)?.(null, addresses);
  }

  fail(host: string, code = 'EAI_AGAIN'): void {
    this.pending.get(host)?.(Object.assign(new Error(code), { code }));
  }
}

function world() {
  const clock = new VirtualClock();
  const resolver = new Resolver();
  const lookups = new NameLookups({
    clock,
    loop: new LoopClock(clock, 20),
    system: resolver.lookup,
  });
  /** What it is told, once it is. */
  const ask = (host: string, options: { signal?: AbortSignal; by?: LookupFunction } = {}) => {
    const told: { value: string | undefined } = { value: undefined };
    const { signal, by } = options;
    lookups.lookup({ host, options: { all: true }, by, signal }, (error, found) => {
      expect(told.value, 'told once').toBeUndefined();
      told.value = error === null ? found.map(({ address }) => address).join() : error.message;
    });
    return told;
  };
  const pass = async (ms: number) => {
    await clock.advance(ms);
  };
  const learn = async (host: string, address: string) => {
    ask(host);
    resolver.answer(host, address);
    await pass(1);
  };
  return { clock, resolver, lookups, ask, pass, learn };
}

const question = (host: string) => ({ host, options: { all: true }, by: undefined });

test('everybody who wants a name shares one lookup; case means nothing', async () => {
  const { resolver, ask, pass } = world();
  const told = [ask('east.test'), ask('east.test'), ask('EAST.test')];
  expect(resolver.asked).toEqual(['east.test']);
  resolver.answer('east.test', '10.0.0.1', '::1');
  await pass(1);
  expect(told.map(({ value }) => value)).toEqual(Array(3).fill('10.0.0.1,::1'));
  // An answer is not kept: the next connection asks again.
  ask('east.test');
  expect(resolver.asked).toEqual(['east.test', 'east.test']);
});

test('a late lookup: the last known address serves after 100 ms, and at once while it is late', async () => {
  const { resolver, ask, pass, learn } = world();
  await learn('east.test', '10.0.0.1');
  const early = ask('east.test');
  await pass(80);
  expect(early.value).toBeUndefined();
  await pass(60);
  expect(early.value).toBe('10.0.0.1');
  const later = ask('east.test');
  await pass(0);
  expect(later.value).toBe('10.0.0.1');
  // It goes on, and its answer serves from then on.
  resolver.answer('east.test', '10.0.0.2');
  const next = ask('east.test');
  resolver.answer('east.test', '10.0.0.2');
  await pass(1);
  expect(next.value).toBe('10.0.0.2');
});

test('after a silent lookup the last known address serves at once, until one is prompt', async () => {
  const { resolver, ask, pass, learn } = world();
  await learn('east.test', '10.0.0.1');
  ask('east.test');
  await pass(1500);
  resolver.fail('east.test');
  const after = ask('east.test');
  await pass(0);
  expect(after.value).toBe('10.0.0.1');
  resolver.answer('east.test', '10.0.0.1');
  await pass(1);
  const prompt = ask('east.test');
  await pass(50);
  expect(prompt.value).toBeUndefined();
});

test('a lookup that fails, or finds nothing, falls back to the last known address at once', async () => {
  const { resolver, ask, pass, learn } = world();
  await learn('east.test', '10.0.0.1');
  for (const fail of [() => resolver.fail('east.test'), () => resolver.answer('east.test')]) {
    const told = ask('east.test');
    fail();
    await pass(1);
    expect(told.value).toBe('10.0.0.1');
  }
});

test('a name that was never known gets the error; an empty answer is one', async () => {
  const { resolver, ask, pass } = world();
  const [failed, empty] = [ask('east.test'), ask('west.test')];
  resolver.fail('east.test');
  resolver.answer('west.test');
  await pass(1);
  expect(failed.value).toBe('EAI_AGAIN');
  expect(empty.value).toBe('no address of west.test was found');
});

test('names of a failed region never take both places: a first lookup and the application get through', async () => {
  const { resolver, ask, pass, learn } = world();
  const dead = ['a.east.test', 'b.east.test', 'c.east.test', 'west.test'];
  for (const [i, host] of dead.entries()) await learn(host, `10.0.0.${i}`);
  const told = dead.map((host) => ask(host));
  await pass(140);
  expect(told.map(({ value }) => value)).toEqual(['10.0.0.0', '10.0.0.1', '10.0.0.2', '10.0.0.3']);
  expect([...resolver.pending.keys()]).toEqual(['a.east.test']);
  // While one is late, those that wait for its place are not waited for.
  const again = ask('west.test');
  await pass(0);
  expect(again.value).toBe('10.0.0.3');
  const first = ask('new.test');
  resolver.answer('new.test', '10.0.1.1');
  await pass(1);
  expect(first.value).toBe('10.0.1.1');
  expect(resolver.most).toBe(2);
});

test('a healthy name waits for one silent lookup at most', async () => {
  const { resolver, ask, pass, learn } = world();
  for (const host of ['a.test', 'b.test', 'west.test']) await learn(host, '10.0.0.1');
  for (const host of ['a.test', 'b.test']) {
    ask(host);
    await pass(2000);
    resolver.fail(host);
    await pass(1);
  }
  for (const host of ['a.test', 'b.test', 'west.test']) ask(host);
  expect([...resolver.pending.keys()]).toEqual(['a.test']);
  await pass(5000);
  resolver.fail('a.test');
  expect([...resolver.pending.keys()]).toEqual(['west.test']);
});

test('two names that were never known are silent: a third waits, and goes before them', async () => {
  const { resolver, ask, pass } = world();
  const [east, south, west] = ['east.test', 'south.test', 'west.test'].map((host) => ask(host));
  await pass(5000);
  expect([...resolver.pending.keys()]).toEqual(['east.test', 'south.test']);
  resolver.fail('east.test');
  ask('east.test');
  expect([...resolver.pending.keys()]).toEqual(['south.test', 'west.test']);
  resolver.answer('west.test', '10.0.0.3');
  await pass(1);
  expect([east?.value, south?.value, west?.value]).toEqual(['EAI_AGAIN', undefined, '10.0.0.3']);
  // From now on one of them at a time: the second place is free.
  expect([...resolver.pending.keys()]).toEqual(['south.test']);
});

test('what nobody waits for any more leaves the queue, and hears nothing', async () => {
  const { resolver, ask, pass, learn } = world();
  await learn('east.test', '10.0.0.1');
  await learn('west.test', '10.0.0.2');
  const abort = new AbortController();
  ask('east.test');
  const gone = ask('west.test', { signal: abort.signal });
  abort.abort();
  resolver.answer('east.test', '10.0.0.1');
  await pass(1000);
  expect(gone.value).toBeUndefined();
  expect(resolver.asked).toEqual(['east.test', 'west.test', 'east.test']);
  expect(ask('west.test', { signal: abort.signal }).value).toBeUndefined();
  expect(resolver.pending.size).toBe(0);
});

test('a process that stalls makes no lookup late', async () => {
  const { clock, resolver, ask, pass, learn } = world();
  await learn('east.test', '10.0.0.1');
  const told = ask('east.test');
  await pass(20);
  clock.deliver(100, () => resolver.answer('east.test', '10.0.0.2'));
  await clock.stall(5000);
  await pass(20);
  expect(told.value).toBe('10.0.0.2');
});

test('a periodic lookup uses the first place alone, and takes what is young enough', async () => {
  const { resolver, lookups, ask, pass, learn } = world();
  await learn('east.test', '10.0.0.1');
  expect(await lookups.refresh({ ...question('east.test'), signal: undefined }, 500)).toEqual({
    addresses: ['10.0.0.1'],
    at: 0,
  });
  await pass(1000);
  ask('new.test');
  const refreshed = lookups.refresh({ ...question('east.test'), signal: undefined }, 500);
  expect([...resolver.pending.keys()]).toEqual(['new.test']);
  resolver.answer('new.test', '10.0.0.9');
  resolver.answer('east.test', '10.0.0.2');
  await pass(1);
  expect(await refreshed).toMatchObject({ addresses: ['10.0.0.2'] });

  await pass(1000);
  const failed = lookups.refresh({ ...question('east.test'), signal: undefined }, 500);
  resolver.fail('east.test');
  expect(await failed).toBeUndefined();
  const abort = new AbortController();
  const aborted = lookups.refresh({ ...question('east.test'), signal: abort.signal }, 500);
  abort.abort();
  expect(await aborted).toBeUndefined();
});

test('the state tells what is pending, and what failed', async () => {
  const { resolver, lookups, ask, pass, learn } = world();
  await learn('east.test', '10.0.0.1');
  expect(lookups.trouble(question('east.test'))).toBeUndefined();
  ask('east.test');
  ask('west.test');
  await pass(900);
  expect(lookups.trouble(question('east.test'))).toBeUndefined();
  await pass(11_100);
  expect(lookups.trouble(question('east.test'))).toMatchObject({
    host: 'east.test',
    pendingForMs: 12_000,
    usesLastKnown: true,
  });
  expect(lookups.trouble(question('west.test'))).toMatchObject({ usesLastKnown: false });
  resolver.fail('east.test');
  expect(lookups.trouble(question('east.test'))).toMatchObject({
    pendingForMs: undefined,
    error: { code: 'EAI_AGAIN' },
  });
  resolver.answer('west.test', '10.0.0.3');
  ask('east.test');
  resolver.answer('east.test', '10.0.0.1');
  expect(lookups.trouble(question('east.test'))).toBeUndefined();
});

test("the application's function: its names are its own, and it is given up when it never calls back", async () => {
  const { resolver, ask, pass } = world();
  const own = new Resolver();
  const mine = ask('east.test', { by: own.lookup });
  expect([own.asked.length, resolver.asked.length]).toEqual([1, 0]);
  await pass(GIVE_UP_AFTER_MS);
  expect(mine.value).toBe('the lookup function has not answered for east.test');
  // Its late answer changes nothing.
  const late = own.pending.get('east.test');
  own.pending.clear();
  const again = ask('east.test', { by: own.lookup });
  late?.(null, ['10.0.0.1']);
  own.answer('east.test', '10.0.0.2');
  await pass(1);
  expect(again.value).toBe('10.0.0.2');
});

test("the application's function may throw, call back within the call, or with nonsense", async () => {
  const { ask, pass } = world();
  const by = (behaviour: (callback: Callback) => void): LookupFunction => {
    return (_host, _options, callback) => behaviour(callback);
  };
  const told = [
    ask('a.test', {
      by: by(() => {
        throw new TypeError('thrown');
      }),
    }),
    ask('b.test', { by: by((callback) => callback(null, '10.0.0.1', 4)) }),
    ask('c.test', { by: by((callback) => callback(null, [{ address: 'no', family: 4 }])) }),
    ask('d.test', { by: by((callback) => callback(null, undefined as never)) }),
  ];
  expect(told.every(({ value }) => value === undefined)).toBe(true);
  await pass(1);
  expect(told.map(({ value }) => value)).toEqual([
    'thrown',
    '10.0.0.1',
    'no address of c.test was found',
    'no address of d.test was found',
  ]);
});
