/** What waits for a signal never makes Node.js warn about a leak of listeners. */
import { getEventListeners } from 'node:events';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { FakeDatabase, SimulatedClient, VirtualClock } from '../../src/testing/index.js';

const warnings: Error[] = [];
const note = (warning: Error) => warnings.push(warning);
beforeEach(() => {
  warnings.length = 0;
  process.on('warning', note);
});
afterEach(() => void process.off('warning', note));

async function connected(options = {}) {
  const clock = new VirtualClock();
  const databases = ['east', 'west'].map((id) => ({ database: new FakeDatabase({ id, clock }) }));
  const client = new SimulatedClient({ clock, databases, options });
  const connecting = client.connect();
  await clock.advance(100);
  await connecting;
  return { clock, client, databases: databases.map(({ database }) => database) };
}

it('of many commands of several clients', async () => {
  const abort = new AbortController();
  const { signal } = abort;
  const worlds = [await connected(), await connected()];
  const aborted: unknown[] = [];
  for (const { client, databases } of worlds) {
    for (const database of databases) database.freeze();
    for (let count = 0; count < 100; count += 1) {
      client.send(['GET', 'k'], { abortSignal: signal }).catch((error) => aborted.push(error.name));
    }
  }
  expect(getEventListeners(signal, 'abort')).toHaveLength(1);
  abort.abort();
  for (const { clock, client } of worlds) {
    await clock.advance(1);
    client.destroy();
    await clock.advance(1);
  }
  expect(aborted).toEqual(Array.from({ length: 200 }, () => 'AbortError'));
  await new Promise((resolve) => process.nextTick(resolve));
  expect(warnings).toEqual([]);
});

it('of a check that asks much at once', async () => {
  const strategy = {
    name: 'thorough',
    async check(probe: {
      peers: readonly { sendCommand(args: string[]): Promise<unknown> }[];
      sendCommand(args: string[]): Promise<unknown>;
      wait(ms: number): Promise<void>;
    }) {
      const asked = Array.from({ length: 30 }, () => probe.sendCommand(['PING']));
      const others = Array.from({ length: 30 }, () => probe.peers[0]?.sendCommand(['PING']));
      const waits = Array.from({ length: 30 }, () => probe.wait(1));
      await Promise.all([...asked, ...others, ...waits]);
      return true;
    },
  };
  const { clock, client } = await connected({ healthCheck: { strategy, numProbes: 1 } });
  await clock.advance(10_000);
  expect(client.databases.map(({ health }) => health)).toEqual(['healthy', 'healthy']);
  client.destroy();
  await new Promise((resolve) => process.nextTick(resolve));
  expect(warnings).toEqual([]);
});
