/**
 * A fleet of real processes over two real servers behind fault proxies: a steered drain with a spread,
 * the loss of a region in the middle of it, its return, and the release. Used by `npm run test:fleet` and,
 * with few processes, by a test.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import { placeOf } from '../../src/core/steering/spread.js';
import {
  type FaultProxy,
  type RedisServer,
  startProxy,
  startRedis,
  waitFor,
} from '../kit/index.js';

const root = path.resolve(import.meta.dirname, '../..');
const KEY = 'ops:steering';
/** For machines on which everything is slow; nothing is measured against it. */
const PATIENCE_MS = 120_000;
/** Processes that start at the same time. */
const AT_ONCE = 6;

export interface FleetOptions {
  readonly members: number;
  readonly spreadMs: number;
  /** Between two commands of a member. */
  readonly pauseMs: number;
  /** Of a probe, and of a silent connection. Longer where a core has many processes. */
  readonly timeoutMs: number;
  readonly log?: (line: string) => void;
}

export interface FleetReport {
  readonly reads: number;
  readonly readErrors: readonly string[];
  readonly acknowledged: number;
  /** Writes whose outcome a caller does not know. */
  readonly unknown: number;
  /** Of these, those that were executed. */
  readonly executed: number;
  readonly refused: number;
  /** What is wrong in the ledger; empty if every write was executed as its caller was told. */
  readonly ledgerErrors: readonly string[];
  readonly activeDatabases: readonly (string | undefined)[];
  /** Members that had moved when the region was lost. */
  readonly movedAtLoss: number;
  /** How many pairs of members moved in another order than their places, of all pairs. */
  readonly disorder: { readonly drain: number; readonly release: number };
}

interface Result {
  readonly activeDatabase: string | undefined;
  readonly reads: number;
  readonly readErrors: readonly string[];
  readonly writes: Readonly<Record<'acknowledged' | 'unknown' | 'refused', readonly number[]>>;
}

interface Message {
  readonly kind: string;
  readonly to?: string;
  readonly reason?: string;
  readonly text?: string;
}

class Member {
  /** What it says of itself, when it is asked. */
  explanation: string | undefined;
  active: string | undefined;
  isReady = false;
  result: Result | undefined;
  failure: string | undefined;
  readonly place: number;
  readonly #child: ChildProcess;

  constructor(
    readonly name: string,
    urls: readonly string[],
    { pauseMs, timeoutMs }: FleetOptions,
    onSwitch: (member: Member, reason: string) => void,
  ) {
    this.place = placeOf(name);
    const program = path.join(import.meta.dirname, 'member.mjs');
    const settings = [pauseMs, timeoutMs].map(String);
    this.#child = spawn(process.execPath, [program, name, ...urls, ...settings], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.#child.on('message', (message: Message) => {
      if (message.kind === 'explanation') this.explanation = message.text;
      if (message.kind === 'ready') this.isReady = true;
      if (message.kind === 'result') this.result = message as unknown as Result;
      if (message.kind === 'switch') {
        this.active = message.to;
        onSwitch(this, message.reason ?? '');
      }
    });
    this.#child.on('exit', (code) => {
      // Its last message may still be under way.
      if (code !== 0) this.failure = `${name} ended with ${code}`;
    });
  }

  stop(): void {
    this.#child.send('stop');
  }

  async explain(): Promise<string> {
    if (!this.#child.connected) return `${this.name} has ended`;
    this.#child.send('explain');
    await waitFor(() => this.explanation !== undefined, { what: 'an explanation' }).catch(() => {});
    return `${this.name} (place ${this.place.toFixed(3)}): ${this.explanation ?? 'no answer'}`;
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }
}

export async function runFleet(options: FleetOptions): Promise<FleetReport> {
  const [east, west] = await Promise.all([startRedis(), startRedis()]);
  const servers: readonly RedisServer[] = [east, west];
  const proxies = await Promise.all(servers.map((server) => startProxy(server, { opaque: true })));
  const members: Member[] = [];
  try {
    return await scenario(options, servers, proxies, members);
  } finally {
    for (const member of members) member.kill();
    await Promise.all([
      ...proxies.map((proxy) => proxy.close()),
      ...servers.map((s) => s.dispose()),
    ]);
  }
}

async function scenario(
  options: FleetOptions,
  servers: readonly RedisServer[],
  proxies: readonly FaultProxy[],
  members: Member[],
): Promise<FleetReport> {
  const { members: count, spreadMs, log = () => {} } = options;
  const startedAt = performance.now();
  const say = (line: string) => {
    log(`${((performance.now() - startedAt) / 1000).toFixed(1).padStart(6)} s  ${line}`);
  };
  let onMove: (member: Member, reason: string) => void = () => {};
  const urls = proxies.map(({ url }) => url);
  const reach = (what: string, isTrue: (member: Member) => boolean) =>
    waitFor(
      () => {
        const failure = members.find((member) => member.failure !== undefined)?.failure;
        if (failure !== undefined) throw new Error(failure);
        return members.every(isTrue);
      },
      { what, timeoutMs: PATIENCE_MS },
    ).catch(async (error) => {
      const [late] = members.filter((member) => !isTrue(member));
      throw new Error(`${error.message}\n${await late?.explain()}`);
    });
  for (let index = 0; index < count; index += 1) {
    const name = `pod-${index}`;
    members.push(new Member(name, urls, options, (member, reason) => onMove(member, reason)));
    // All at once would only make each of them slow.
    if (index % AT_ONCE === AT_ONCE - 1) await reach('the start', ({ isReady }) => isReady);
  }
  const allOn = async (id: string, what: string) => {
    await reach(what, ({ active }) => active === id);
    say(`all ${count} are on ${id}: ${what}`);
  };
  await reach('the start', ({ isReady }) => isReady);
  await allOn('east', 'start');

  const [, westProxy] = proxies as [FaultProxy, FaultProxy];
  const moved = new Set<Member>();
  let isLost = false;
  onMove = (member, reason) => {
    if (isLost || reason !== 'steered') return;
    moved.add(member);
    if (moved.size < count / 2) return;
    isLost = true;
    westProxy.silence('both');
    say(`west is lost; ${moved.size} processes had moved there`);
  };
  await steer(servers, ['drain', 'east', '--for', '1h', '--spread', `${spreadMs}ms`]);
  say('drain of east published');
  await waitFor(() => isLost, { what: 'half of the moves', timeoutMs: PATIENCE_MS });
  const order = [...moved];
  await allOn('east', 'failover from the lost region');

  await westProxy.restore();
  say('west is back');
  await allOn('west', 'the drain continues');

  const returned: Member[] = [];
  onMove = (member) => returned.push(member);
  await steer(servers, ['release', '--spread', `${spreadMs}ms`]);
  say('release published');
  await allOn('east', 'return');
  onMove = () => {};

  for (const member of members) member.stop();
  await reach('the results', ({ result }) => result !== undefined);
  return judge(members, servers, moved.size, {
    drain: disorder(order),
    release: disorder(returned),
  });
}

/** The command line, as an operator uses it. */
async function steer([east, west]: readonly RedisServer[], args: readonly string[]): Promise<void> {
  const main = path.join(root, 'dist/cli/main.js');
  const target = ['--key', KEY, `east=${east?.url}`, `west=${west?.url}`];
  const how = ['--reason', 'fleet test', '--yes', ...target];
  await promisify(execFile)(process.execPath, [main, 'steer', ...args, ...how]);
}

async function judge(
  members: readonly Member[],
  servers: readonly RedisServer[],
  movedAtLoss: number,
  order: FleetReport['disorder'],
): Promise<FleetReport> {
  const ledgerErrors: string[] = [];
  let executed = 0;
  for (const { name, result } of members) {
    const times = new Map<number, number>();
    for (const server of servers) {
      const entries = (await server.command('LRANGE', `ledger:${name}`, 0, -1)) as string[];
      for (const entry of entries) times.set(Number(entry), (times.get(Number(entry)) ?? 0) + 1);
    }
    const check = (kind: keyof Result['writes'], isRight: (count: number) => boolean) => {
      for (const number of result?.writes[kind] ?? []) {
        const count = times.get(number) ?? 0;
        if (!isRight(count)) ledgerErrors.push(`${name}: ${kind} write ${number}: ${count} times`);
        if (kind === 'unknown') executed += count;
        times.delete(number);
      }
    };
    check('acknowledged', (count) => count === 1);
    check('refused', (count) => count === 0);
    check('unknown', (count) => count <= 1);
    for (const number of times.keys()) ledgerErrors.push(`${name}: nobody wrote ${number}`);
  }
  const results = members.flatMap(({ result }) => result ?? []);
  const sum = (value: (result: Result) => number) =>
    results.reduce((total, result) => total + value(result), 0);
  return {
    reads: sum(({ reads }) => reads),
    readErrors: results.flatMap(({ readErrors }) => readErrors),
    acknowledged: sum(({ writes }) => writes.acknowledged.length),
    unknown: sum(({ writes }) => writes.unknown.length),
    executed,
    refused: sum(({ writes }) => writes.refused.length),
    ledgerErrors,
    activeDatabases: results.map(({ activeDatabase }) => activeDatabase),
    movedAtLoss,
    disorder: order,
  };
}

/** Share of the pairs of members that moved in another order than that of their places. */
function disorder(order: readonly Member[]): number {
  let pairs = 0;
  let wrong = 0;
  for (const [index, { place }] of order.entries()) {
    for (const later of order.slice(index + 1)) {
      pairs += 1;
      if (later.place < place) wrong += 1;
    }
  }
  return pairs === 0 ? 0 : wrong / pairs;
}
