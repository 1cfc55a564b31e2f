// Runs inside a project that has installed the packed package and one version of @redis/client, on
// every supported version of Node.js: each entry point loads with `import` and with `require()`,
// both know each other's clients and errors, and a client of two real servers fails over. The
// process has to end by itself: a timer or socket that is left behind fails the run by its timeout.

import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { lstatSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { freePort } from '../../scripts/free-port.mjs';

const require = createRequire(import.meta.url);

/** What an entry point stands on besides: an optional peer, installed in one of the projects. */
const OPTIONAL_PEERS = {
  'redis-multidb/otel': '@opentelemetry/api',
  'redis-multidb/prometheus': 'prom-client',
  'redis-multidb/redis': 'redis',
};

function isInstalled(name) {
  try {
    return Boolean(require.resolve(name));
  } catch {
    return false;
  }
}

/** The package exports the same names by `import` and by `require()`. */
async function loads() {
  const entryPoints = Object.keys(require('redis-multidb/package.json').exports)
    .filter((subpath) => !subpath.endsWith('.json'))
    .map((subpath) => `redis-multidb${subpath.slice(1)}`);

  for (const entryPoint of entryPoints) {
    const peer = OPTIONAL_PEERS[entryPoint];
    if (peer !== undefined && !isInstalled(peer)) {
      await assert.rejects(import(entryPoint), { code: 'ERR_MODULE_NOT_FOUND' });
      await assert.rejects(import(entryPoint), new RegExp(peer));
      assert.throws(() => require(entryPoint), { code: 'MODULE_NOT_FOUND' });
      continue;
    }
    const imported = await import(entryPoint);
    const required = require(entryPoint);
    const names = Object.keys(imported);
    assert.ok(names.length > 0, `${entryPoint} exports nothing`);
    assert.ok(!names.includes('default'), `${entryPoint} has a default export`);
    assert.deepEqual(Object.keys(required).sort(), names.sort(), `require('${entryPoint}')`);
    for (const name of names) {
      for (const exported of [imported[name], required[name]])
        assert.notEqual(exported, undefined, `${entryPoint}: ${name} is undefined`);
    }
  }
  return entryPoints.filter((each) => {
    const peer = OPTIONAL_PEERS[each];
    return peer === undefined || isInstalled(peer);
  });
}

const directory = mkdtempSync(path.join(tmpdir(), 'redis-multidb-smoke-'));
const children = new Set();
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL');
  rmSync(directory, { recursive: true, force: true });
});

function accepts(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    socket.once('connect', () => socket.destroy());
  });
}

async function startServer() {
  const port = await freePort();
  const args = ['--port', port, '--bind', '127.0.0.1', '--save', '', '--dir', directory];
  const child = spawn(process.env.REDIS_SERVER ?? 'redis-server', args.map(String), {
    stdio: 'ignore',
  });
  children.add(child);
  child.once('exit', () => children.delete(child));
  const deadline = performance.now() + 15_000;
  while (!(await accepts(port))) {
    if (child.exitCode !== null || performance.now() > deadline) {
      throw new Error(`redis-server on port ${port} does not answer`);
    }
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return { child, url: `redis://127.0.0.1:${port}` };
}

/** Both copies of the package in this process see the same clients and know each other's errors. */
async function knowEachOther(one, other) {
  assert.notEqual(one.MultiDbError, other.MultiDbError, 'there is one copy only');
  const east = await startServer();
  const seen = [];
  const note = ({ state, client }) => seen.push(`${state} ${client}`);
  subscribe(one.diagnosticsChannelName('client'), note);
  const clients = [one, other].map(({ createMultiDbClient }) =>
    createMultiDbClient({ databases: [{ id: 'east', client: { url: east.url } }] }),
  );
  for (const client of clients) await client.connect();
  for (const copy of [one, other]) {
    assert.deepEqual(copy.openClients(), clients);
  }
  const names = clients.map((client) => client.stats().client);
  assert.notEqual(...names);
  assert.notEqual(...clients.map((client) => client.stats().group));
  for (const client of clients) await client.close();
  unsubscribe(one.diagnosticsChannelName('client'), note);
  assert.deepEqual(
    seen,
    ['open', 'closed'].flatMap((state) => names.map((name) => `${state} ${name}`)),
  );
  assert.deepEqual(other.openClients(), []);
  for (const [mine, others] of [
    [one, other],
    [other, one],
  ]) {
    const error = new mine.CommandTimeoutError('late');
    class Derived extends others.CommandTimeoutError {}
    assert.ok(error instanceof others.CommandTimeoutError);
    assert.ok(error instanceof others.MultiDbError);
    assert.ok(!(error instanceof others.ClientClosedError));
    assert.ok(!(error instanceof Derived));
    assert.ok(others.isMultiDbError(error));
  }
  const ended = once(east.child, 'exit');
  east.child.kill();
  await ended;
}

/** Two servers, 20 callers, a kill -9 of the active one, and no caller sees an error. */
async function failsOver({ createMultiDbClient, isMultiDbError }) {
  const [east, west] = await Promise.all([startServer(), startServer()]);
  const client = createMultiDbClient({
    databases: [
      { id: 'east', weight: 1.0, client: { url: east.url } },
      { id: 'west', weight: 0.5, client: { url: west.url } },
    ],
  });
  const switches = [];
  client.on('switch', ({ from, to, reason }) => switches.push(`${from} -> ${to}: ${reason}`));
  await client.connect();
  assert.equal(client.activeDatabase, 'east');
  assert.equal(await client.set('key', 'east'), 'OK');

  let gets = 0;
  let isRunning = true;
  const callers = Array.from({ length: 20 }, async () => {
    while (isRunning) {
      await client.get('key');
      gets += 1;
    }
  });
  while (gets < 200) await client.ping();
  const failover = once(client, 'failover');
  east.child.kill('SIGKILL');
  await failover;
  assert.equal(await client.set('key', 'west'), 'OK');
  assert.equal(await client.get('key'), 'west');
  const goal = gets + 200;
  while (gets < goal) await client.ping();
  isRunning = false;
  await Promise.all(callers);
  assert.deepEqual(switches, ['undefined -> east: initial', 'east -> west: health-check']);

  await client.close();
  await assert.rejects(client.get('key'), (error) => isMultiDbError(error));
  const ended = once(west.child, 'exit');
  west.child.kill();
  await ended;
}

/** The command line starts, by the link that npm makes for it, and knows a real server. */
async function hasCommandLine() {
  const { bin, version } = require('redis-multidb/package.json');
  const manifest = require.resolve('redis-multidb/package.json');
  const main = path.join(path.dirname(manifest), bin['redis-multidb']);
  const link = path.join(import.meta.dirname, '../../node_modules/.bin/redis-multidb');
  assert.ok(lstatSync(link), 'npm has made no link');
  const run = async (...args) => (await promisify(execFile)(process.execPath, args)).stdout;
  assert.equal(await run(main, '--version'), `${version}\n`);
  assert.match(await run(main, '--help'), /Usage: redis-multidb/);
  const { child, url } = await startServer();
  const report = JSON.parse(await run(main, 'check', '--json', url));
  assert.equal(report.databases[0].reachable, true);
  const ended = once(child, 'exit');
  child.kill();
  await ended;
}

const loaded = await loads();
await hasCommandLine();
await knowEachOther(await import('redis-multidb'), require('redis-multidb'));
await failsOver(await import('redis-multidb'));
await failsOver(require('redis-multidb'));

const client = require('@redis/client/package.json').version;
console.log(
  `Node.js ${process.version}, @redis/client ${client}: ${loaded.join(', ')} load, a client fails over.`,
);
