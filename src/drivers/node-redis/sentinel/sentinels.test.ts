import { afterEach, beforeEach, expect, it } from 'vitest';
import { LoopClock } from '../../../loop-clock.js';
import { VirtualClock } from '../../../testing/virtual-clock.js';
import { NamesInUse } from '../names-in-use.js';
import type { Address, MasterAnswer } from './address.js';
import type { SentinelAnswer } from './ask.js';
import { Sentinels } from './sentinels.js';

type Script = (signal: AbortSignal) => Promise<SentinelAnswer>;
const scripts = new Map<number, Script>();

let clock: VirtualClock;
let told: string[];
let sentinels: Sentinels;

beforeEach(() => {
  clock = new VirtualClock();
  told = [];
  sentinels = new Sentinels(
    {
      name: 'main',
      sentinelRootNodes: [1, 2, 3].map((port) => ({ host: 's', port })),
      nodeClientOptions: {},
      sentinelClientOptions: {},
    },
    { clock, loop: new LoopClock(clock, 10), random: () => 0 },
    new NamesInUse(),
    ({ host }) => told.push(host),
    ({ socket }, _name, signal) => (scripts.get(socket?.port ?? 0) as Script)(signal),
  );
  for (const port of [1, 2, 3]) scripts.set(port, refused);
});
afterEach(() => scripts.clear());

const master = (host: string, epoch = 1): MasterAnswer => ({ host, port: 6379, epoch });
const names =
  (host: string, epoch = 1, others: Address[] = []): Script =>
  async () => ({ master: master(host, epoch), others });
const refused: Script = async () => {
  throw new Error('refused');
};
const silent: Script = (signal) =>
  new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason));
  });
const answer = (...given: Script[]) => {
  given.forEach((script, index) => {
    scripts.set(index + 1, script);
  });
};

/** `undefined` while it is not known. */
async function find(signal = new AbortController().signal) {
  const state: { host: string | undefined; error: Error | undefined } = {
    host: undefined,
    error: undefined,
  };
  sentinels.find(signal).then(
    ({ host }) => {
      state.host = host;
    },
    (error) => {
      state.error = error;
    },
  );
  await clock.advance(0);
  return state;
}

it('is sure when most agree, whatever the third does', async () => {
  answer(names('a'), silent, names('a'));
  expect((await find()).host).toBe('a');
  expect(told).toEqual(['a']);
});

it('waits a moment for the others when the first are not enough', async () => {
  answer(names('a'), silent, names('b', 2));
  const found = await find();
  expect(found.host).toBeUndefined();
  await clock.advance(200);
  expect(found.host).toBe('b');
});

it('takes what is left when the others refuse', async () => {
  answer(refused, names('a'), refused);
  expect((await find()).host).toBe('a');
});

it('says why there is none', async () => {
  expect((await find()).error?.message).toBe('no sentinel reports the master of main: refused');
  answer(...[1, 2, 3].map(() => async () => ({ master: undefined, others: [] })));
  expect((await find()).error?.message).toContain('none knows "main"');
});

it('falls back to the master of before, at once or after a moment of silence', async () => {
  answer(names('a'), names('a'), names('a'));
  await find();
  answer(refused, refused, refused);
  expect((await find()).host).toBe('a');
  answer(silent, silent, silent);
  const found = await find();
  expect(found.host).toBeUndefined();
  await clock.advance(400);
  expect(found.host).toBe('a');
});

it('tells of a newer master; one that is behind leads nobody back', async () => {
  answer(names('a'), names('a'), names('a'));
  await find();
  answer(names('b', 2), names('b', 2), names('a'));
  await find();
  expect(told).toEqual(['a', 'b']);
  answer(names('a'), names('a'), refused);
  // All that can be tried; but nothing that lives is called there.
  expect((await find()).host).toBe('a');
  expect(told).toEqual(['a', 'b']);
  answer(names('b', 2), names('b', 2), names('b', 2));
  await find();
  expect(told).toEqual(['a', 'b', 'b']);
});

it('under one epoch keeps the known name as long as anybody uses it', async () => {
  answer(names('name'), names('name'), names('10.0.0.1'));
  expect((await find()).host).toBe('name');
  answer(names('10.0.0.1'), silent, names('name'));
  const found = await find();
  await clock.advance(200);
  expect(found.host).toBe('name');
  answer(names('10.0.0.1'), names('10.0.0.1'), names('10.0.0.1'));
  expect((await find()).host).toBe('10.0.0.1');
});

it('asks the sentinels that it was told of when none of its own answers', async () => {
  answer(names('a', 1, [{ host: 's', port: 4 }]), names('a', 1, [{ host: 's', port: 4 }]), refused);
  await find();
  answer(refused, refused, refused);
  scripts.set(4, names('b', 2));
  expect((await find()).host).toBe('b');
  expect(sentinels.addresses.map(({ port }) => port)).toEqual([1, 2, 3, 4]);
});

it('ends with its signal', async () => {
  answer(silent, silent, silent);
  const abort = new AbortController();
  const found = await find(abort.signal);
  abort.abort(new Error('enough'));
  await clock.advance(0);
  expect(found.error?.message).toBe('enough');
  expect(clock.pendingTimers).toBe(0);
});
