/**
 * What the fault tests share beside the support of the integration tests: databases behind
 * recording proxies, and outcomes compared by their order instead of by wall time.
 */

import { servers } from '../integration/support.js';
import {
  type FaultProxy,
  type ProxyConnection,
  type RecordedCommand,
  type RedisServer,
  sleep,
  startProxy,
} from '../kit/index.js';

export interface Proxied {
  readonly server: RedisServer;
  readonly proxy: FaultProxy;
}

/** Servers, each behind a proxy that records what the client sends. */
export async function proxied(count = 2): Promise<[Proxied, Proxied, ...Proxied[]]> {
  const started = await servers(count as 2);
  const behind = started.map(async (server) => ({
    server,
    proxy: await startProxy(server, { recordCommands: true }),
  }));
  return (await Promise.all(behind)) as [Proxied, Proxied, ...Proxied[]];
}

/** Health checks send PING, data connections of the tests never do. */
export const isData = (connection: ProxyConnection): boolean => !connection.seen.has('PING');
export const isProbe = (connection: ProxyConnection): boolean => connection.seen.has('PING');

const OF_THE_CLIENT = /^(PING|HELLO|CLIENT|AUTH)$/i;

/** What callers asked for, among what the proxy received; a canary counts. */
export function byCallers(commands: readonly RecordedCommand[]): string[] {
  return commands
    .map(({ args }) => args.join(' '))
    .filter((text) => !OF_THE_CLIENT.test(nameOf(text)));
}

function nameOf(text: string): string {
  return text.split(' ', 1)[0] as string;
}

/**
 * Resolves as `promise` does; rejects if it settles before a timer of `earliestMs` or after one of
 * `latestMs`. Only the order of events is compared, with wide distances.
 */
export async function between<T>(
  earliestMs: number,
  latestMs: number,
  promise: Promise<T>,
): Promise<T> {
  const order: string[] = [];
  const early = sleep(earliestMs).then(() => order.push('early'));
  const settled = promise.then(
    () => order.push('settled'),
    () => order.push('settled'),
  );
  await Promise.race([settled, sleep(latestMs)]);
  if (order[0] === 'settled') throw new Error(`it settled before ${earliestMs} ms`);
  if (!order.includes('settled')) throw new Error(`it did not settle within ${latestMs} ms`);
  await early;
  return promise;
}

export interface Outcome {
  readonly reply?: unknown;
  readonly code?: unknown;
  readonly maybeExecuted?: unknown;
}

/** What became of a command: its reply, or code (else name) and `maybeExecuted` of its error. */
export async function outcome(command: Promise<unknown>): Promise<Outcome> {
  try {
    return { reply: await command };
  } catch (error) {
    const { code, name, maybeExecuted } = error as Record<string, unknown>;
    // Callers that go on after the end of a failed test must let the loop run.
    if (code === 'CLIENT_CLOSED') await sleep(10);
    return { code: code ?? name, maybeExecuted };
  }
}

/** How often each outcome occurred, by reply or by `code maybeExecuted`. */
export function tally(outcomes: readonly Outcome[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { code, maybeExecuted } of outcomes) {
    const key = code === undefined ? 'replied' : `${code} ${maybeExecuted}`;
    counts[key] = (counts[key] ?? 0) + 1;
  }
  return counts;
}

/** One line of CLIENT LIST. */
export interface ServersClient {
  readonly id: string;
  /** Source address. */
  readonly addr: string;
  /** Its last command, in lower case. */
  readonly cmd: string;
}

/** The connections that a server has, without the one that asks. */
export async function clients(server: Pick<RedisServer, 'command'>): Promise<ServersClient[]> {
  const lines = String(await server.command('CLIENT', 'LIST', 'TYPE', 'normal'))
    .trim()
    .split('\n');
  const fields = lines.map((line) =>
    Object.fromEntries(line.split(' ').map((field) => field.split('='))),
  );
  return (fields as ServersClient[]).filter(({ cmd }) => cmd !== 'client|list');
}
