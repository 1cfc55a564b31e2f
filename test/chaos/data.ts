import type { Reply } from '../kit/index.js';
import { tokensIn } from './history.js';
import { LATEST } from './perform.js';

export type Ask = (...args: string[]) => Promise<Reply>;

/** What one server holds at the end, read by plain commands. */
export interface Data {
  /** How often each operation's trace is there. */
  readonly executions: ReadonlyMap<number, number>;
  /** Of transactions: how often each of the three parts is there. */
  readonly parts: ReadonlyMap<number, readonly [number, number, number]>;
  /** `lp:` and `rp:` with the operation at each place. */
  readonly lists: ReadonlyMap<string, readonly number[]>;
  /** The operation whose value each register holds. */
  readonly registers: ReadonlyMap<number, number>;
  /** Entry id of each operation in the shared streams. */
  readonly entries: ReadonlyMap<number, string>;
}

const idOf = (text: unknown) => tokensIn(String(text))[0] as number;

/** Reads everything that operations leave. */
export async function readData(ask: Ask): Promise<Data> {
  const keys = (await ask('KEYS', '*')) as string[];
  const of = (prefix: string) => keys.filter((key) => key.startsWith(prefix));
  const executions = new Map<number, number>();
  const count = (id: number, times = 1) => executions.set(id, (executions.get(id) ?? 0) + times);

  for (const [key, value] of await values(ask, of('i:'))) count(idOf(key), Number(value));
  for (const key of [...of('n:'), ...of('y:')]) count(idOf(key));
  for (const key of of('h:')) {
    const fields = (await ask('HKEYS', key)) as string[];
    for (const field of fields) if (field !== LATEST) count(idOf(field));
  }
  const lists = new Map<string, number[]>();
  for (const key of [...of('lp:'), ...of('rp:')]) {
    const list = ((await ask('LRANGE', key, '0', '-1')) as string[]).map(idOf);
    lists.set(key, list);
    for (const id of list) count(id);
  }
  const entries = new Map<number, string>();
  for (const key of of('x:')) {
    for (const entry of (await ask('XRANGE', key, '-', '+')) as [string, string[]][]) {
      const id = idOf(entry[1][1]);
      entries.set(id, entry[0]);
      count(id);
    }
  }
  const registers = new Map<number, number>();
  for (const [key, value] of await values(ask, of('r:'))) {
    registers.set(Number(key.slice(2)), idOf(value));
  }

  const parts = new Map<number, [number, number, number]>();
  const part = (id: number, index: 0 | 1 | 2, times: number) => {
    const all = parts.get(id) ?? [0, 0, 0];
    all[index] = times;
    parts.set(id, all);
  };
  const isPart = (name: string) => of('m:').filter((key) => key.endsWith(name));
  for (const [key, value] of await values(ask, isPart(':n'))) part(idOf(key), 0, Number(value));
  for (const key of isPart(':l')) part(idOf(key), 1, Number(await ask('LLEN', key)));
  for (const key of isPart(':s')) part(idOf(key), 2, 1);
  for (const [id, times] of parts) count(id, Math.max(...times));

  return { executions, parts, lists, registers, entries };
}

const CHUNK = 1000;

async function values(ask: Ask, keys: readonly string[]): Promise<[string, string][]> {
  const all: [string, string][] = [];
  for (let from = 0; from < keys.length; from += CHUNK) {
    const some = keys.slice(from, from + CHUNK);
    // Not MGET: on a cluster they lie in many slots.
    const replies = (await Promise.all(some.map((key) => ask('GET', key)))) as string[];
    some.forEach((key, index) => {
      all.push([key, replies[index] as string]);
    });
  }
  return all;
}
