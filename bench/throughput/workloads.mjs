// What is done. A round runs for some time and answers how much it did, and what it cost.

/** @typedef {{ callers: number, ms: number }} Load */
/** @typedef {{ perSecond: number, cpuUs: number }} Round operations a second, CPU time of each */

/** @type {Readonly<Record<string, (client: any) => () => Promise<unknown>>>} one operation */
const OPERATIONS = {
  'GET 32 B': (client) => () => client.get('bench:32'),
  'SET 32 B': (client) => () => client.set('bench:set', VALUES[32]),
  'GET 4 KB': (client) => () => client.get('bench:4096'),
  'SET 4 KB': (client) => () => client.set('bench:set', VALUES[4096]),
  'MULTI of 10': (client) => () => {
    const multi = client.multi();
    for (let index = 0; index < 10; index += 1) multi.incr('bench:counter');
    return multi.exec();
  },
};

const VALUES = { 32: 'x'.repeat(32), 4096: 'x'.repeat(4096) };
/** A loop that looks at the clock for each operation would measure the clock. */
const betweenLooks = (/** @type {number} */ callers) => (callers < 1000 ? 16 : 4);

/** @param {any} client */
export async function prepare(client) {
  await client.set('bench:4096', VALUES[4096]);
  await client.set('bench:32', VALUES[32]);
}

/** @param {any} client @param {string} name @param {Load} load @returns {Promise<Round>} */
export async function round(client, name, load) {
  if (name === 'PUBLISH to one subscriber') return pubSub(client, load);
  const operation = OPERATIONS[name]?.(client);
  if (operation === undefined) throw new Error(`unknown workload ${name}`);
  return measure(load, operation);
}

/** @param {Load} load @param {() => Promise<unknown>} operation */
async function measure({ callers, ms }, operation) {
  const cpuBefore = process.cpuUsage();
  const begun = performance.now();
  let done = 0;
  const caller = async () => {
    while (performance.now() - begun < ms) {
      for (let index = 0; index < betweenLooks(callers); index += 1) {
        try {
          await operation();
          done += 1;
        } catch {
          // A breaker opened, for instance: what fails is not counted.
          await new Promise((resolve) => setImmediate(resolve));
        }
      }
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  const seconds = (performance.now() - begun) / 1000;
  const { user, system } = process.cpuUsage(cpuBefore);
  return { perSecond: done / seconds, cpuUs: (user + system) / done };
}

/** @param {any} client @param {Load} load */
async function pubSub(client, load) {
  const subscriber = client.duplicate();
  subscriber.on('error', () => {});
  await subscriber.connect();
  let heard = 0;
  await subscriber.subscribe('bench:channel', () => {
    heard += 1;
  });
  let sent = 0;
  const result = await measure(load, () => {
    sent += 1;
    return client.publish('bench:channel', VALUES[32]);
  });
  while (heard < sent) await new Promise((resolve) => setTimeout(resolve, 1));
  subscriber.destroy();
  return result;
}

/**
 * Operations at a fixed rate, however long each takes: the latency that callers see.
 * @param {any} client @param {{ perSecond: number, ms: number }} load
 * @returns {Promise<{ p50: number, p99: number }>} milliseconds
 */
export async function latency(client, { perSecond, ms }) {
  /** @type {number[]} */
  const times = [];
  const begun = performance.now();
  let sent = 0;
  const all = [];
  for (let now = begun; now - begun < ms; now = performance.now()) {
    const due = Math.floor(((now - begun) / 1000) * perSecond);
    for (; sent < due; sent += 1) {
      const dueAt = begun + (sent / perSecond) * 1000;
      const note = () => times.push(performance.now() - dueAt);
      // Who can't keep up refuses at some length of the queue: it took at least that long.
      all.push(client.get('bench:32').then(note, note));
    }
    await new Promise((resolve) => setImmediate(resolve));
  }
  await Promise.all(all);
  times.sort((a, b) => a - b);
  const at = (/** @type {number} */ share) => times[Math.floor(times.length * share)] ?? Number.NaN;
  return { p50: at(0.5), p99: at(0.99) };
}
