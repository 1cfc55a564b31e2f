// What each fault costs under each load: `npm run fault-matrix`, which builds dist/ and runs this
// through tsx, because the test kit is TypeScript; the client is that of dist/.
//
//   --only TEXT     the cells whose `fault / load` contains TEXT; may be repeated.
//                   A row alone: `--only 'flows forgotten (all of both databases) / 10/s'`
//   --write         with --only: writes them too, and keeps the rest of the table
//
// Each cell: two new servers, those behind a fault proxy that need one, a client with default options
// (but for fastFailover and those that a fault names), the load, the fault, and then the time from the
// fault until a command has succeeded on the other database, what callers were told, and the heap. The
// table goes into docs/fault-matrix.md, between its markers.

import { readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import {
  heapUsedAfterGc,
  NameServer,
  startProxy,
  startRedis,
  startReplica,
  stopAll,
} from '../test/kit/index.js';

const root = path.resolve(import.meta.dirname, '..');
const page = path.join(root, 'docs/fault-matrix.md');
const [BEGIN, END] = ['<!-- begin: npm run fault-matrix -->', '<!-- end -->'];

const { values } = parseArgs({
  options: { only: { type: 'string', multiple: true }, write: { type: 'boolean' } },
});
const dist = pathToFileURL(path.join(root, 'dist/index.js')).href;
/** @type {typeof import('redis-multidb')} */
const { createMultiDbClient } = await import(dist);

/** @typedef {import('../test/kit/index.js').RedisServer} RedisServer */
/** @typedef {import('../test/kit/index.js').FaultProxy} FaultProxy */
/** @typedef {import('redis-multidb').MultiDbClient} Client */

/**
 * @typedef {object} Place
 * @property {RedisServer} server
 * @property {FaultProxy} proxy in front of it
 * @property {() => Promise<void>} replicate starts a replica, to which the address can move
 * @property {() => Promise<void>} move the address leads to that, and the old server goes on as its replica
 */

/**
 * @typedef {object} Places
 * @property {Place} east the active one
 * @property {Place} west
 * @property {NameServer} names
 */

/**
 * @typedef {object} Fault
 * @property {(places: Places) => unknown} strike
 * @property {(places: Places) => unknown} [before] what has happened before the load begins
 * @property {boolean} [direct] without the proxy between client and active server
 * @property {boolean} [both] with a proxy between client and standby
 * @property {object} [options] of the client, beside the defaults
 * @property {object} [database] options of both databases
 * @property {boolean} [named] the databases are reached by host names
 */

/** @type {Record<string, Fault>} */
const FAULTS = {
  'kill (SIGKILL)': { strike: ({ east }) => east.server.kill(), direct: true },
  'kill behind a proxy that accepts and resets': { strike: ({ east }) => east.server.kill() },
  'freeze (SIGSTOP)': { strike: ({ east }) => east.server.freeze(), direct: true },
  'freeze (SIGSTOP), adaptive': {
    // Until the response times are known.
    before: () => sleep(15_000),
    strike: ({ east }) => east.server.freeze(),
    direct: true,
    options: { suspectAfterMs: 'adaptive', healthCheck: { timeoutMs: 'adaptive' } },
  },
  'freeze for 1 s': { strike: ({ east }) => freezeFor(east.server, 1000), direct: true },
  'freeze for 1 s, hedging after 50 ms': {
    strike: ({ east }) => freezeFor(east.server, 1000),
    direct: true,
    options: { hedging: { afterMs: 50, maxShare: 1 } },
  },
  'kill, standby is a replica until 1 s later': {
    before: ({ west }) => replica(west.server),
    strike: (places) => killAndPromote(places, 1000),
    direct: true,
  },
  "kill, standby is a replica until 1 s later, writable: 'auto'": {
    before: ({ west }) => replica(west.server),
    strike: (places) => killAndPromote(places, 1000),
    direct: true,
    database: { writable: 'auto' },
  },
  'reset once, server well': { strike: ({ east }) => east.proxy.reset() },
  'reset, then refuse': {
    strike: ({ east }) => {
      east.proxy.refuse();
      east.proxy.reset();
    },
  },
  'silence, both directions': {
    strike: ({ east }) => east.proxy.silence('both', { mode: 'drop' }),
  },
  'silence, to the server': {
    strike: ({ east }) => east.proxy.silence('to-server', { mode: 'drop' }),
  },
  'silence, to the client': {
    strike: ({ east }) => east.proxy.silence('to-client', { mode: 'drop' }),
  },
  'half open': { strike: ({ east }) => east.proxy.halfOpen() },
  LOADING: {
    strike: ({ east }) => east.proxy.answerWith('-LOADING Redis is loading the dataset in memory'),
  },
  'READONLY (became a replica)': {
    strike: ({ east }) => east.server.command('REPLICAOF', '127.0.0.1', '1'),
    direct: true,
  },
  'endpoint moved (active)': {
    before: ({ east }) => east.replicate(),
    strike: ({ east }) => east.move(),
  },
  'kill, endpoint of the standby moved before': {
    before: async ({ west }) => {
      await west.replicate();
      await west.move();
    },
    both: true,
    strike: ({ east }) => east.server.kill(),
    direct: true,
  },
  'flows forgotten (all of the active database)': {
    strike: ({ east }) => east.proxy.forgetFlows(),
  },
  'flows forgotten (all of both databases)': {
    strike: ({ east, west }) => {
      east.proxy.forgetFlows();
      west.proxy.forgetFlows();
    },
    both: true,
  },
  'flows forgotten (data connections alone)': {
    strike: ({ east }) => east.proxy.forgetFlows('both', ({ seen }) => !seen.has('PING')),
  },
  'kill, name server silent': {
    strike: ({ east, names }) => {
      names.silence();
      return east.server.kill();
    },
    direct: true,
    named: true,
  },
  'reset once, name server silent': {
    strike: ({ east, west, names }) => {
      names.silence();
      east.proxy.reset();
      west.proxy.reset();
    },
    both: true,
    named: true,
  },
  'error without a command, then closed (idle timeout of a proxy)': {
    strike: ({ east }) => {
      east.proxy.inject('to-client', '-ERR idle timeout, connection closed by the proxy\r\n');
      east.proxy.end();
    },
  },
  'slow (replies 300 ms late)': { strike: ({ east }) => east.proxy.delay({ toClientMs: 300 }) },
  'slow (replies 300 ms late), slowCallMs: 100': {
    strike: ({ east }) => east.proxy.delay({ toClientMs: 300 }),
    options: { failureDetector: { slowCallMs: 100 } },
  },
  'lossy (30 % of the connections reset every 200 ms)': {
    strike: ({ east }) => east.proxy.lossy({ share: 0.3 }),
  },
  'reset, then refused by a reply (max clients)': {
    strike: async ({ east }) => {
      await east.server.command('CONFIG', 'SET', 'maxclients', '1');
      east.proxy.reset();
    },
  },
};

/** @param {RedisServer} server @param {number} ms */
async function freezeFor(server, ms) {
  await server.freeze();
  await sleep(ms);
  await server.thaw();
}

/** Of a master that nobody finds: it keeps its data. @param {RedisServer} server */
const replica = (server) => server.command('REPLICAOF', '127.0.0.1', '1');

/** @param {Places} places @param {number} ms */
async function killAndPromote({ east, west }, ms) {
  await east.server.kill();
  await sleep(ms);
  await west.server.command('REPLICAOF', 'NO', 'ONE');
}

/** Commands per second, or all at once; half GET, half INCR. */
const LOADS = /** @type {const} */ (['idle', '10/s', '5000/s', '10 000 at once']);
const RATES = { idle: 0, '10/s': 10, '5000/s': 5000, '10 000 at once': 0 };

/** Counters of the other database start here, so that a reply tells where it is from. */
const WEST_FROM = 1_000_000_000;
/** Longer than every default: a fault that leads nowhere is one that the database survived. */
const PATIENCE_MS = 8000;

/**
 * Every command of a cell, by kind and outcome.
 */
class Ledger {
  issued = 0;
  settled = 0;
  /** When the first command succeeded on the other database. @type {number | undefined} */
  firstOnWest;
  /** When the latest command succeeded on the one with the fault, and was issued after it. @type {number | undefined} */
  firstOnEastAfter;
  /** Errors by kind. @type {Map<string, number>} */
  errors = new Map();
  /** @type {number} */
  faultAt = Number.POSITIVE_INFINITY;
  #next = 0;

  /** @param {Client} client */
  constructor(client) {
    this.client = client;
  }

  /** Issues one command. */
  issue() {
    const write = this.#next++ % 2 === 1;
    const issuedAt = performance.now();
    this.issued += 1;
    const command = write ? this.client.incr('counter') : this.client.get('who');
    return command.then(
      (reply) => {
        this.settled += 1;
        const isWest = write ? Number(reply) > WEST_FROM : reply === 'west';
        if (isWest) this.firstOnWest ??= performance.now();
        else if (issuedAt >= this.faultAt) this.firstOnEastAfter ??= performance.now();
      },
      (error) => {
        this.settled += 1;
        const kind = `${write ? 'write' : 'read'} ${error.code ?? error.name}`;
        const known = error.maybeExecuted ? 'perhaps executed' : 'not executed';
        const key = `${kind}, ${known}`;
        this.errors.set(key, (this.errors.get(key) ?? 0) + 1);
      },
    );
  }
}

/**
 * Starts a server and a proxy in front of it.
 *
 * @returns {Promise<Place>}
 */
async function place() {
  const server = await startRedis();
  const proxy = await startProxy(server);
  /** @type {RedisServer | undefined} */
  let replica;
  const replicate = async () => {
    replica = await startReplica(server);
  };
  const move = async () => {
    if (replica === undefined) throw new Error('there is no replica');
    proxy.moveTo(replica);
    await replica.command('REPLICAOF', 'NO', 'ONE');
    await server.command('REPLICAOF', replica.host, replica.port);
  };
  return { server, proxy, replicate, move };
}

/**
 * @param {string} fault
 * @param {keyof typeof RATES} load
 * @param {boolean} fastFailover
 */
async function cell(fault, load, fastFailover) {
  const setting = /** @type {Fault} */ (FAULTS[fault]);
  const { strike, before, direct = false, both = false, named = false } = setting;
  const { options = {}, database = {} } = setting;
  const [east, west] = await Promise.all([place(), place()]);
  const names = new NameServer().install();
  await east.server.command('SET', 'who', 'east');
  await west.server.command('MSET', 'who', 'west', 'counter', String(WEST_FROM));
  /** @param {string} id @param {string} url */
  const addressOf = (id, url) => {
    if (!named) return url;
    names.set(`${id}.example.test`, '127.0.0.1');
    return url.replace('127.0.0.1', `${id}.example.test`);
  };
  const client = createMultiDbClient({
    databases: [
      {
        id: 'east',
        weight: 1,
        ...database,
        client: { url: addressOf('east', direct ? east.server.url : east.proxy.url) },
      },
      {
        id: 'west',
        weight: 0.5,
        ...database,
        client: { url: addressOf('west', both ? west.proxy.url : west.server.url) },
      },
    ],
    fastFailover,
    ...options,
  });
  let switchedAt = Number.NaN;
  client.on('switch', () => {
    switchedAt = performance.now();
  });
  client.on('error', () => {});
  try {
    await client.connect();
    while (!client.databases.every(({ id }) => client.isHealthy(id))) await sleep(5);
    const ledger = new Ledger(client);
    await before?.({ east, west, names });
    const stop = drive(ledger, RATES[load]);
    if (RATES[load] > 0) await sleep(500);
    else for (let i = 0; i < 50; i += 1) await ledger.issue();
    const heapBefore = await heapUsedAfterGc();
    switchedAt = Number.NaN;

    if (load === '10 000 at once') {
      for (let i = 0; i < 10_000; i += 1) void ledger.issue();
      // Some are written and under way.
      await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    }
    ledger.faultAt = performance.now();
    const injured = strike({ east, west, names });
    await untilServed(ledger, load, () => switchedAt);
    const heapPeak = process.memoryUsage().heapUsed;
    stop();
    while (ledger.settled < ledger.issued) await sleep(5);
    await injured;
    const heapAfter = await heapUsedAfterGc();
    const served = ledger.firstOnWest ?? ledger.firstOnEastAfter ?? Number.NaN;
    return {
      fault,
      load,
      fastFailover,
      stays: ledger.firstOnWest === undefined,
      servedMs: served - ledger.faultAt,
      errors: ledger.errors,
      heapBefore,
      heapPeak,
      heapAfter,
    };
  } finally {
    client.destroy();
    names.restore();
    names.dispose();
    await stopAll();
  }
}

/**
 * Resolves when commands succeed again: on the other database, or on the one that survived.
 *
 * @param {Ledger} ledger
 * @param {string} load
 * @param {() => number} switchedAt
 */
async function untilServed(ledger, load, switchedAt) {
  const giveUpAt = ledger.faultAt + PATIENCE_MS;
  while (ledger.firstOnWest === undefined && performance.now() < giveUpAt) {
    await sleep(1);
    // Without traffic a command is issued once there is another active database.
    if (load === 'idle' && switchedAt() > ledger.faultAt) await ledger.issue();
    const quiet = load === '10 000 at once' && ledger.settled === ledger.issued;
    if (quiet) await ledger.issue();
    const survived = ledger.firstOnEastAfter;
    // The verdict on a database that goes on answering takes a round of probes.
    if (survived !== undefined && performance.now() - survived > 2500) return;
  }
  if (ledger.firstOnWest === undefined) await ledger.issue();
}

/**
 * @param {Ledger} ledger
 * @param {number} perSecond
 */
function drive(ledger, perSecond) {
  if (perSecond === 0) return () => {};
  const startedAt = performance.now();
  let due = 0;
  const timer = setInterval(
    () => {
      const wanted = ((performance.now() - startedAt) / 1000) * perSecond;
      for (; due < wanted; due += 1) void ledger.issue();
    },
    Math.min(10, 1000 / perSecond),
  );
  return () => clearInterval(timer);
}

/** @param {number} bytes */
const mb = (bytes) => (bytes / 1024 / 1024).toFixed(1);

/** @param {Awaited<ReturnType<typeof cell>>} result */
function row(result) {
  const { fault, load, fastFailover, stays, servedMs, errors } = result;
  const time = Number.isNaN(servedMs) ? 'never' : `${servedMs.toFixed(servedMs < 10 ? 1 : 0)} ms`;
  // Nobody asked for anything before the end of the line's time.
  const onTheSame = load === 'idle' ? 'stays' : `${time} (stays)`;
  const told = [...errors].sort().map(([kind, count]) => `${count} × ${kind}`);
  const heap = [result.heapBefore, result.heapPeak, result.heapAfter].map(mb).join(' / ');
  const cells = [
    fault,
    load,
    fastFailover ? 'on' : 'off',
    stays ? onTheSame : time,
    told.length === 0 ? 'none' : told.join('; '),
    heap,
  ];
  return `| ${cells.join(' | ')} |`;
}

/** @param {readonly string[]} rows */
async function table(rows) {
  const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  const client = JSON.parse(
    readFileSync(path.join(root, 'node_modules/@redis/client/package.json'), 'utf8'),
  );
  const server = await startRedis();
  const redis = await server.info('redis_version');
  await server.dispose();
  const [cpu] = os.cpus();
  return [
    `The latest cells were measured with redis-multidb ${version}, @redis/client ${client.version}, Node.js ${process.versions.node}, ` +
      `Redis ${redis} on ${os.type()}, ${os.availableParallelism()} × ${cpu?.model ?? 'CPU'}, ` +
      `${Math.round(os.totalmem() / 2 ** 30)} GB.`,
    '',
    '| fault | load | fastFailover | first success after | errors | heap before / at first success / after (MB) |',
    '|---|---|---|---|---|---|',
    ...rows,
  ].join('\n');
}

const text = readFileSync(page, 'utf8');
const [head, tail] = [
  text.slice(0, text.indexOf(BEGIN) + BEGIN.length),
  text.slice(text.indexOf(END)),
];
const before = text.slice(head.length, text.length - tail.length).split('\n');
const rows = [];
for (const fault of Object.keys(FAULTS)) {
  for (const load of LOADS) {
    const isWanted = values.only?.some((each) => `${fault} / ${load}`.includes(each)) ?? true;
    for (const fastFailover of [false, true]) {
      if (!isWanted) {
        const start = `| ${fault} | ${load} | ${fastFailover ? 'on' : 'off'} |`;
        rows.push(...before.filter((line) => line.startsWith(start)));
        continue;
      }
      const line = row(await cell(fault, load, fastFailover));
      console.log(line);
      rows.push(line);
    }
  }
}
if (values.only === undefined || values.write) {
  writeFileSync(page, `${head}\n${await table(rows)}\n${tail}`);
  console.log(`Written to ${path.relative(root, page)}`);
}
