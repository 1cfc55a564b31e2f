// Two real servers for a consumer, in a directory of their own. Node.js built-ins only.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import path from 'node:path';
import { freePort } from '../free-port.mjs';

/** Servers that run, so that none outlives this process. @type {Set<import('node:child_process').ChildProcess>} */
const running = new Set();
process.once('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/**
 * Runs `use` with the environment that names two servers, and ends both afterwards.
 * @template T
 * @param {string} directory
 * @param {(env: Record<string, string>) => Promise<T>} use
 */
export async function withServers(directory, use) {
  const home = mkdtempSync(path.join(directory, 'servers-'));
  const servers = await Promise.all([start(home), start(home)]);
  const [east, west] = servers;
  try {
    return await use({
      EAST_URL: `redis://127.0.0.1:${east?.port}`,
      EAST_PID: String(east?.child.pid),
      WEST_URL: `redis://127.0.0.1:${west?.port}`,
    });
  } finally {
    await Promise.all(servers.map(({ child }) => end(child)));
    rmSync(home, { recursive: true, force: true });
  }
}

/** @param {string} home */
async function start(home) {
  const port = await freePort();
  const options = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--dir', home];
  const child = spawn(process.env.REDIS_SERVER ?? 'redis-server', options, { stdio: 'ignore' });
  running.add(child);
  child.once('exit', () => running.delete(child));
  const deadline = performance.now() + 60_000;
  while (!(await accepts(port))) {
    if (child.exitCode !== null || performance.now() > deadline) {
      await end(child);
      throw new Error(`redis-server on port ${port} does not answer`);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return { port, child };
}

/** @param {number} port */
function accepts(port) {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      resolve(true);
      socket.destroy();
    });
    socket.once('error', () => resolve(false));
  });
}

/** @param {import('node:child_process').ChildProcess} child */
async function end(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}
