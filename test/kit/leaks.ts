/** Are sockets, servers and timers back to where they were? Is memory? */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { sleep } from '../../src/test-bed/wire/wait.js';

/** Number of active resources by kind, as Node names them: `TCPSocketWrap`, `Timeout`, ... */
export type OpenHandles = Readonly<Record<string, number>>;

export interface HandleSnapshot {
  readonly handles: OpenHandles;
  /** What has been added since, by kind. Empty if nothing has. */
  diff(): OpenHandles;
}

export interface LeakOptions {
  /** Kinds that don't count. */
  readonly ignore?: readonly string[];
  /** How long things may take to close, in milliseconds. Default 2000. */
  readonly timeoutMs?: number;
}

/**
 * What keeps the event loop alive right now. Node does not tell about resources that were unref'ed: an
 * unref'ed timer or socket does not show here.
 */
export function openHandles(): OpenHandles {
  const counts: Record<string, number> = {};
  for (const kind of process.getActiveResourcesInfo()) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

/** Remembers the open handles of now, to compare with later. */
export function snapshot(): HandleSnapshot {
  const handles = openHandles();
  return {
    handles,
    diff() {
      const added: Record<string, number> = {};
      for (const [kind, count] of Object.entries(openHandles())) {
        const more = count - (handles[kind] ?? 0);
        if (more > 0) added[kind] = more;
      }
      return added;
    },
  };
}

/**
 * Runs `fn` and rejects if it leaves handles open. Closing takes turns of the event loop, so it looks again
 * and again until all are gone, at the latest until `timeoutMs`. Returns what `fn` returns.
 */
export async function expectNoLeaks<T>(
  fn: () => T | Promise<T>,
  { ignore = [], timeoutMs = 2000 }: LeakOptions = {},
): Promise<T> {
  await turns(10);
  const before = snapshot();
  const result = await fn();
  const deadline = performance.now() + timeoutMs;
  for (;;) {
    await turns(10);
    const left = Object.entries(before.diff()).filter(([kind]) => !ignore.includes(kind));
    if (left.length === 0) return result;
    if (performance.now() >= deadline) {
      const list = left.map(([kind, count]) => `${count} ${kind}`).join(', ');
      throw new Error(`Left open after ${timeoutMs} ms: ${list}`);
    }
    await sleep(5);
  }
}

/** Resolves after `count` turns of the event loop. */
export async function turns(count = 1): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
}

/** Bytes of heap in use after full garbage collections; works without `--expose-gc`. */
export async function heapUsedAfterGc(): Promise<number> {
  const gc = collector();
  for (let i = 0; i < 3; i++) {
    gc();
    // Finalizers and weak references need a turn.
    await turns(2);
  }
  return process.memoryUsage().heapUsed;
}

function collector(): () => void {
  if (globalThis.gc) return () => void globalThis.gc?.();
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
}
