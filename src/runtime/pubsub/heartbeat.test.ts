import { beforeEach, expect, it } from 'vitest';
import type { Subscriber } from '../../drivers/subscriber.js';
import { LoopClock } from '../../loop-clock.js';
import { VirtualClock } from '../../testing/virtual-clock.js';
import { Heartbeat } from './heartbeat.js';

const SETTINGS = { intervalMs: 1000, suspectAfterMs: 100, giveUpAfterMs: 500 };

let clock: VirtualClock;
let connection: { bytesReceived: number; answers: boolean; pings: number };
let delivered: number;
let told: string[];
let isWell: boolean;
let heartbeat: Heartbeat;

beforeEach(() => {
  clock = new VirtualClock();
  connection = { bytesReceived: 0, answers: true, pings: 0 };
  delivered = 0;
  told = [];
  isWell = false;
  const subscriber = {
    get bytesReceived() {
      return connection.bytesReceived;
    },
    ping: () => {
      connection.pings += 1;
      if (!connection.answers) return new Promise(() => {});
      connection.bytesReceived += 7;
      return Promise.resolve();
    },
  } as unknown as Subscriber;
  heartbeat = new Heartbeat(
    subscriber,
    SETTINGS,
    { clock, loop: new LoopClock(clock, 10) },
    {
      onSilent: () => told.push('silent'),
      provenWell: () => isWell,
      onDead: (error) => told.push(error.message),
      delivered: () => delivered,
    },
  );
});

it('pings a connection on which nothing happens, and goes on', async () => {
  await clock.advance(10_000);
  expect(connection.pings).toBeGreaterThan(5);
  expect(told).toEqual([]);
  heartbeat.close();
});

it('does not ping while messages arrive', async () => {
  for (let i = 0; i < 50; i += 1) {
    delivered += 1;
    await clock.advance(200);
  }
  expect(connection.pings).toBe(0);
});

it('gives up what is silent: when the server is healthy, or at the latest after the limit', async () => {
  connection.answers = false;
  await clock.advance(2000);
  expect(told).toEqual(['silent', 'the subscriber connection is silent']);
});

it('gives up what swallows everything, though bytes arrive all the time', async () => {
  connection.answers = false;
  for (let i = 0; i < 60; i += 1) {
    connection.bytesReceived += 30;
    await clock.advance(100);
  }
  expect(told).toEqual(['the subscriber connection does not answer']);
});

it('waits for a large message', async () => {
  connection.answers = false;
  for (let i = 0; i < 25; i += 1) {
    connection.bytesReceived += 1000;
    await clock.advance(100);
  }
  delivered += 1;
  connection.answers = true;
  await clock.advance(5000);
  expect(told).toEqual([]);
});
