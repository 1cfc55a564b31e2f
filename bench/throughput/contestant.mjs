// One contestant in a process of its own; rounds when asked: node contestant.mjs NAME URL...

import { register } from 'node:module';
import v8 from 'node:v8';
import { runInNewContext } from 'node:vm';
import { CONTESTANTS } from './contestants.mjs';
import { latency, prepare, round } from './workloads.mjs';

const [name = '', ...urls] = process.argv.slice(2);
const contestant = CONTESTANTS[name];
if (contestant === undefined) throw new Error(`unknown contestant ${name}`);

if (contestant.version === 5) {
  const hook = `export const resolve = (name, context, next) =>
    next(name.replace(/^@redis\\/client(?=$|\\/)/, 'redis-client-5'), context);`;
  register(`data:text/javascript,${encodeURIComponent(hook)}`);
}
// For the heap alone: a full collection with nothing under way takes V8 the shapes of all records,
// and with them the compiled code, which no load that goes on ever sees.
v8.setFlagsFromString('--expose-gc');
const gc = runInNewContext('gc');

const client = await contestant.open(urls);
client.on?.('error', () => {});
await prepare(client);

/** Heap that `count` GETs under way take, in bytes each; their server is stopped meanwhile. */
async function heap({ count = 0, pid = 0 }) {
  await client.get('bench:32');
  gc();
  const before = process.memoryUsage().heapUsed;
  process.kill(pid, 'SIGSTOP');
  const under = Array.from({ length: count }, () => client.get('bench:32'));
  await new Promise((resolve) => setTimeout(resolve, 100));
  gc();
  const after = process.memoryUsage().heapUsed;
  process.kill(pid, 'SIGCONT');
  await Promise.all(under);
  return (after - before) / count;
}

process.on('message', async (/** @type {any} */ { kind, workload, load }) => {
  const answer =
    kind === 'round'
      ? await round(client, workload, load)
      : kind === 'latency'
        ? await latency(client, load)
        : await heap(load);
  process.send?.(answer);
});
process.on('disconnect', () => process.exit());
process.send?.(process.version);
