import type { Socket } from 'node:dgram';
import { EventEmitter } from 'node:events';
import { createServer } from 'node:net';
import { expect, test, vi } from 'vitest';
import {
  CLUSTER_BUS_OFFSET,
  expectNoLeaks,
  freePorts,
  heapUsedAfterGc,
  once,
  RawConnection,
  snapshot,
  startHostileServer,
  startRedis,
  waitFor,
} from './index.js';

test('freePorts(): all different, below the ephemeral range with their cluster bus ports', async () => {
  const ports = await freePorts(120);
  expect(new Set(ports).size).toBe(120);
  expect(Math.max(...ports) + CLUSTER_BUS_OFFSET).toBeLessThan(32_768);
  expect(Math.min(...ports) + CLUSTER_BUS_OFFSET).toBeGreaterThan(Math.max(...ports));
});

test('freePort(): the ports of one process are not given to another', async () => {
  const key = Symbol.for('redis-multidb.test-kit.ports');
  const global = globalThis as { [key]?: { blocks: Socket[] } | undefined };
  const reserved = global[key];
  // Both begin to look at the same port, and without what the other one remembers.
  vi.spyOn(Math, 'random').mockReturnValue(0.5);
  const asAnotherProcess = async () => {
    global[key] = undefined;
    return [await freePorts(60), global[key] as unknown as { blocks: Socket[] }] as const;
  };
  const [ports, marks] = await asAnotherProcess();
  const [others, otherMarks] = await asAnotherProcess();
  expect(others.filter((port) => ports.includes(port))).toEqual([]);
  vi.restoreAllMocks();
  for (const mark of [...marks.blocks, ...otherMarks.blocks]) mark.close();
  global[key] = reserved;
});

test('waitFor(): the value, or an error that says what was awaited and what was seen', async () => {
  let looks = 0;
  expect(await waitFor(() => ++looks > 2 && 'there', { what: 'it' })).toBe('there');
  const options = { what: 'the moon', timeoutMs: 10 };
  await expect(waitFor(() => 0, options)).rejects.toThrow(
    'Waited 10 ms for the moon; when last looked at it was 0',
  );
  const failing = () => {
    throw new Error('clouds');
  };
  await expect(waitFor(failing, options)).rejects.toMatchObject({
    message: expect.stringContaining('it threw "clouds"'),
    cause: { message: 'clouds' },
  });
});

test('once(): the arguments, a bound, and no listener left', async () => {
  const emitter = new EventEmitter();
  const seen = once<[number, string]>(emitter, 'switch');
  emitter.emit('switch', 1, 'a');
  expect(await seen).toEqual([1, 'a']);
  await expect(once(emitter, 'never', 5)).rejects.toThrow("Waited 5 ms for the event 'never'");
  expect(emitter.eventNames()).toEqual([]);
});

test('expectNoLeaks(): waits for what is closing, names what stays', async () => {
  const listen = async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return server;
  };
  await expectNoLeaks(async () => {
    const server = await listen();
    setTimeout(() => server.close(), 20);
  });
  const before = snapshot();
  let server = await listen();
  expect(before.diff()).toMatchObject({ TCPServerWrap: 1 });
  server.close();
  const leaking = async () => {
    server = await listen();
  };
  await expect(expectNoLeaks(leaking, { timeoutMs: 30 })).rejects.toThrow('1 TCPServerWrap');
  server.close();
  const returned = await expectNoLeaks(() => 'value');
  expect(returned).toBe('value');
});

test('heapUsedAfterGc() sees what is kept and not what is garbage', async () => {
  const before = await heapUsedAfterGc();
  let kept: number[][] | undefined = Array.from({ length: 1000 }, () => new Array(1000).fill(1.5));
  expect((await heapUsedAfterGc()) - before).toBeGreaterThan(4_000_000);
  expect(kept).toHaveLength(1000);
  kept = undefined;
  expect((await heapUsedAfterGc()) - before).toBeLessThan(2_000_000);
});

test('a hostile server relays, greets, answers with garbage, says what nobody asked, and relays again', async () => {
  const server = await startRedis();
  const hostile = await startHostileServer({ target: server });
  const ping = (connection: RawConnection) => connection.request('PING');
  const open = () => RawConnection.open(hostile);
  const first = await open();
  expect(await ping(first)).toBe('PONG');
  hostile.say(':7\r\n');
  await waitFor(async () => (await ping(first)) === 7, { what: 'the wrong reply' });
  hostile.answer('+other\r\n');
  expect(await ping(await open())).toBe('other');
  hostile.behave();
  hostile.greet('+hello\r\n');
  expect(await ping(await open())).toBe('hello');
  hostile.behave();
  expect(await ping(await open())).toBe('PONG');
  expect(hostile.accepted).toBe(4);
  await hostile.dispose();
});
