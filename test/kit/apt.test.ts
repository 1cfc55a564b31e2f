/** The installation of a package, without installing one: `apt-get` is a script that waits. */
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { INSTALL } from '../../scripts/apt.mjs';
import { waitFor } from './index.js';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'redis-multidb-apt-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

const policy = () => path.join(directory, 'policy-rc.d');

function install(aptGet: string) {
  const program = path.join(directory, 'apt-get');
  writeFileSync(program, `#!/bin/sh\n${aptGet}\n`);
  chmodSync(program, 0o755);
  const child = spawn('sh', ['-c', INSTALL, 'sh', 'nothing'], {
    env: { PATH: `${directory}:${process.env.PATH}`, POLICY: policy() },
    detached: true,
    stdio: 'ignore',
  });
  const ended = new Promise<number | null>((resolve) => child.once('exit', resolve));
  return { pid: child.pid as number, ended };
}

it.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const)('leaves no policy behind when it is ended by %s', async (signal, code) => {
  const { pid, ended } = install(`echo > ${path.join(directory, 'running')}\nexec sleep 60`);
  // Otherwise the shell could start another command after the signal to end.
  await waitFor(() => existsSync(path.join(directory, 'running')), { what: 'apt-get' });
  expect(existsSync(policy())).toBe(true);
  // As a terminal does, to all of its processes.
  process.kill(-pid, signal);
  expect(await ended).toBe(code);
  expect(existsSync(policy())).toBe(false);
});

it('leaves none behind when it succeeds or fails, and takes over one that it left before', async () => {
  expect(await install('exit 0').ended).toBe(0);
  expect(existsSync(policy())).toBe(false);
  expect(await install('exit 3').ended).toBe(3);
  expect(existsSync(policy())).toBe(false);

  const killed = install('exec sleep 60');
  await waitFor(() => existsSync(policy()), { what: 'the policy' });
  process.kill(-killed.pid, 'SIGKILL');
  await killed.ended;
  expect(existsSync(policy())).toBe(true);
  expect(await install('exit 0').ended).toBe(0);
  expect(existsSync(policy())).toBe(false);
});

it('leaves the policy of somebody else alone', async () => {
  writeFileSync(policy(), '#!/bin/sh\nexit 101\n');
  expect(await install('exit 0').ended).toBe(0);
  expect(readFileSync(policy(), 'utf8')).toBe('#!/bin/sh\nexit 101\n');
});
