/**
 * A process that could not run, for whatever reason, is no failed database: nothing is late before
 * the event loop has had a full turn in which what had arrived could be delivered.
 *
 * With `FAULTS_SLOW=1` in the environment the process stands still for 30 s as well.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import path from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { block, connected, QUICK, recordEvents, servers, Traffic } from '../integration/support.js';
import { once, type RedisServer, sleep } from '../kit/index.js';
import { outcome, tally } from './support.js';

/** Shorter than the event loop is blocked, and longer than a busy machine takes for an answer. */
const LIMITS = {
  commandTimeoutMs: 2000,
  commandDeadlineMs: 2500,
  healthCheck: { ...QUICK.healthCheck, timeoutMs: 2000 },
} as const;
const BREAKER = { failureDetector: { minNumOfFailures: 1, failureRateThreshold: 0.1 } } as const;

it.each([5000, ...(process.env.FAULTS_SLOW === '1' ? [30_000] : [])])(
  'an event loop that is blocked for %i ms makes nothing late',
  async (ms) => {
    const [east, west] = await servers();
    const client = await connected([east, west], { ...LIMITS, ...BREAKER });
    const events = recordEvents(client);
    const reads = new Traffic(() => client.get('key'), { callers: 50 });
    const writes = new Traffic(() => client.incr('counter'), { callers: 50 });
    await reads.flows();
    block(ms);
    await reads.flows();
    await Promise.all([reads.stop(), writes.stop()]);
    expect(reads.errors).toEqual([]);
    expect(writes.errors).toEqual([]);
    expect(events.all).toEqual([]);
    expect(await east.command('GET', 'counter')).toBe(String(writes.successes));
  },
  90_000,
);

it('takes replies that were waiting in the socket, however many', async () => {
  const [east, west] = await servers();
  const client = await connected([east, west], { ...LIMITS, ...BREAKER });
  const events = recordEvents(client);
  const value = 'x'.repeat(10_000);
  await client.set('key', value);
  const replies = Array.from({ length: 2000 }, () => outcome(client.get('key')));
  // Written, so that the replies arrive while the process does not read them.
  await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
  block(3000);
  expect(tally(await Promise.all(replies))).toEqual({ replied: 2000 });
  expect(events.all).toEqual([]);
});

it('stays when the event loop is blocked again and again', async () => {
  const [east, west] = await servers();
  const client = await connected([east, west], { ...LIMITS, ...BREAKER });
  const events = recordEvents(client);
  const traffic = new Traffic(() => client.incr('counter'), { callers: 20 });
  for (let round = 0; round < 40; round += 1) {
    block(50 + 10 * (round % 10));
    await traffic.flows(20);
  }
  await traffic.stop();
  expect(traffic.errors).toEqual([]);
  expect(events.all).toEqual([]);
});

/** A process of its own that runs a client under traffic and tells what happened. */
class StoppableClient {
  readonly #child: ChildProcess;

  constructor(databases: readonly RedisServer[]) {
    const program = path.join(import.meta.dirname, 'client-process.ts');
    const urls = databases.map(({ url }) => url);
    this.#child = spawn(process.execPath, ['--import', 'tsx', program, ...urls], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    children.add(this.#child);
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  /** Answers what has happened so far, when `count` more commands have settled. */
  async report(count: number): Promise<Report> {
    const answered = once(this.#child, 'message', 20_000);
    this.#child.send({ count });
    const [report] = await answered;
    return report as Report;
  }
}

interface Report {
  readonly replies: number;
  readonly errors: readonly string[];
  readonly events: readonly string[];
}

const children = new Set<ChildProcess>();

afterEach(() => {
  for (const child of children) child.kill('SIGKILL');
  children.clear();
});

it.each([10_000, ...(process.env.FAULTS_SLOW === '1' ? [30_000] : [])])(
  'a process that is stopped for %i ms goes on where it was',
  async (ms) => {
    const [east, west] = await servers();
    const client = new StoppableClient([east, west]);
    await client.report(1000);
    client.signal('SIGSTOP');
    await sleep(ms);
    client.signal('SIGCONT');
    const { replies, errors, events } = await client.report(5000);
    expect(errors).toEqual([]);
    expect(events).toEqual([]);
    expect(replies).toBeGreaterThanOrEqual(6000);
    expect(Number(await east.command('GET', 'counter'))).toBeGreaterThan(0);
    expect(await west.command('GET', 'counter')).toBeNull();
  },
  90_000,
);
