import { EventEmitter } from 'node:events';
import { beforeEach, expect, it } from 'vitest';
import { type Emit, safeEmit } from './safe-emitter.js';

let emitter: EventEmitter;
let emit: Emit;
let errors: Error[];

beforeEach(() => {
  emitter = new EventEmitter();
  emit = safeEmit(emitter);
  errors = [];
});

const listen = () => emitter.on('error', (error) => errors.push(error));
/** Promise jobs have run. */
const settled = async () => {
  for (let job = 0; job < 10; job += 1) await undefined;
};

it('hands the event to every listener, in order, with the emitter as this', () => {
  const seen: unknown[] = [];
  emitter.on('ready', function (this: unknown) {
    seen.push(this === emitter);
  });
  emitter.on('switch', (event) => seen.push(event));
  emitter.prependListener('switch', () => seen.push('first'));
  emit('ready');
  emit('switch', { generation: 1 } as never);
  expect(seen).toEqual([true, 'first', { generation: 1 }]);
});

it('removes what listened once, before it is called', () => {
  let calls = 0;
  emitter.once('end', () => {
    calls += 1;
    emit('end');
  });
  emit('end');
  emit('end');
  expect(calls).toBe(1);
  expect(emitter.listenerCount('end')).toBe(0);
});

it('goes on after a listener that throws, and tells of it', () => {
  listen();
  const seen: string[] = [];
  emitter.on('ready', () => {
    throw new Error('thrown');
  });
  emitter.on('ready', () => {
    throw 'a string';
  });
  emitter.on('ready', () => seen.push('called'));
  emit('ready');
  expect(seen).toEqual(['called']);
  expect(errors.map(({ message }) => message)).toEqual(['thrown', 'a string']);
});

it('goes on after a listener that throws what is no Error and no string', async () => {
  listen();
  emitter.on('ready', () => {
    throw Object.create(null);
  });
  emitter.on('ready', async () => {
    throw Object.create(null);
  });
  emit('ready');
  await settled();
  expect(errors.map(({ message }) => message)).toEqual([
    'a value that is not an Error',
    'a value that is not an Error',
  ]);
  const seen: string[] = [];
  emitter.on('end', () => seen.push('end'));
  emit('end');
  expect(seen).toEqual(['end']);
});

it('tells of a listener that rejects, and waits for none', async () => {
  listen();
  emitter.on('ready', () => Promise.reject(new Error('rejected')));
  emitter.on('ready', () => new Promise(() => {}));
  emit('ready');
  expect(errors).toEqual([]);
  await settled();
  expect(errors.map(({ message }) => message)).toEqual(['rejected']);
});

it('drops an error that nobody listens to', async () => {
  emit('error', new Error('unheard'));
  emitter.on('ready', () => {
    throw new Error('unheard');
  });
  emit('ready');
  await settled();
});

it('does not loop when a listener of errors throws or rejects', async () => {
  let calls = 0;
  emitter.on('error', () => {
    calls += 1;
    throw new Error('again');
  });
  emitter.on('error', async () => {
    calls += 1;
    throw new Error('again');
  });
  emit('error', new Error('first'));
  await settled();
  expect(calls).toBe(2);
});

it('calls those that listened when it began', () => {
  const seen: string[] = [];
  const second = () => seen.push('second');
  emitter.on('ready', () => {
    seen.push('first');
    emitter.off('ready', second);
    emitter.on('ready', () => seen.push('late'));
  });
  emitter.on('ready', second);
  emit('ready');
  expect(seen).toEqual(['first', 'second']);
});
