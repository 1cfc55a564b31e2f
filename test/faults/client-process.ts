/**
 * A client under traffic, in a process that a test stops and continues. Arguments: two URLs. Asked
 * `{ count }`, it answers what has happened so far when that many more commands have settled.
 */
import { createMultiDbClient, type MultiDbEventName } from 'redis-multidb';

const [east, west] = process.argv.slice(2) as [string, string];
const client = createMultiDbClient({
  databases: [
    { id: 'east', weight: 1, client: { url: east } },
    { id: 'west', weight: 0.5, client: { url: west } },
  ],
  // Far shorter than the process stands still, and longer than a busy machine takes for an answer.
  healthCheck: { intervalMs: 300, timeoutMs: 2000, delayInBetweenProbesMs: 20 },
  initialWaitMs: 10_000,
  suspectAfterMs: 1000,
  commandTimeoutMs: 2000,
  commandDeadlineMs: 2500,
  failureDetector: { minNumOfFailures: 1, failureRateThreshold: 0.1 },
});
await client.connect();

const events: string[] = [];
const errors: string[] = [];
let replies = 0;
let wanted: { readonly settled: number } | undefined;

const NAMES: MultiDbEventName[] = ['switch', 'database-unhealthy', 'breaker-open', 'error', 'end'];
for (const name of NAMES) {
  client.on(name, (event?: unknown) => events.push(`${name} ${JSON.stringify(event)}`));
}

function note(): void {
  if (wanted === undefined || replies + errors.length < wanted.settled) return;
  wanted = undefined;
  process.send?.({ replies, errors, events });
}

process.on('message', (message) => {
  const { count } = message as { count: number };
  wanted = { settled: replies + errors.length + count };
});
process.on('disconnect', () => process.exit());

async function call(command: () => Promise<unknown>): Promise<never> {
  for (;;) {
    try {
      await command();
      replies += 1;
    } catch (error) {
      errors.push(String(error));
    }
    note();
  }
}
for (let caller = 0; caller < 20; caller += 1) {
  void call(() => client.get('key'));
  void call(() => client.incr('counter'));
}
