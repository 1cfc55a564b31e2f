import { existsSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, expect, it } from 'vitest';
import type { RunResult } from '../../src/drill/report/model.js';
import { makeCertificates } from '../integration/health-certificates.js';
import { freePort, startRedis, startReplica, stopAll, waitFor, waitForSync } from '../kit/index.js';
import { directory, run, start } from './run.js';

afterEach(stopAll);

const QUICK = ['--hold', '300ms', '--rate', '300', '--callers', '10'];

/** Options with which a return does not take the test's time. */
const HEALTH_CHECK = { intervalMs: 300, delayInBetweenProbesMs: 50, timeoutMs: 500 };

function config(databases: readonly object[], over: object = {}): string {
  const file = path.join(directory, 'drill.json');
  writeFileSync(
    file,
    JSON.stringify({
      databases,
      suspectAfterMs: 300,
      healthCheck: HEALTH_CHECK,
      gracePeriodMs: 1000,
      ...over,
    }),
  );
  return file;
}

const violations = ({ promises }: RunResult) => promises.flatMap((each) => each.violations);

it('breaks connections to the databases of a user, and leaves nothing there', async () => {
  const [east, west] = await Promise.all([
    startRedis({ password: 'p1' }),
    startRedis({ password: 'p2' }),
  ]);
  await east.command('SET', 'mine', '1');
  const databases = [
    { id: 'east', weight: 1, client: { url: east.url } },
    { id: 'west', weight: 0.5, client: { url: west.url } },
  ];
  const file = config(databases, { failureDetector: { slowCallMs: 250 } });
  const report = path.join(directory, 'drill.html');
  const faults = 'kill,freeze,half-open,reset,delay,slow,lossy,read-only,switch,all-down';
  const ran = await run([
    'drill',
    file,
    ...QUICK,
    '--faults',
    faults,
    '--report',
    report,
    '--json',
  ]);
  const result = JSON.parse(ran.stdout) as RunResult;
  expect(violations(result)).toEqual([]);
  expect(ran.code).toBe(0);
  expect(result).toMatchObject({ ok: true, databases: [{ id: 'east' }, { id: 'west' }] });
  expect(result.steps.filter(({ isFault }) => isFault)).toHaveLength(9);
  expect(result.traffic.acknowledgedWrites).toBeGreaterThan(50);
  const reasons = result.switches.map(({ reason }) => reason);
  expect(reasons).toEqual(expect.arrayContaining(['forced', 'slow']));
  expect(result.outages.map(({ kind }) => kind)).toEqual(
    expect.arrayContaining(['down', 'frozen', 'slow', 'lossy', 'read-only']),
  );

  // The servers were not touched but for keys that are gone.
  expect(await east.command('KEYS', '*')).toEqual(['mine']);
  expect(await west.command('KEYS', '*')).toEqual([]);
  expect(Number(await east.info('uptime_in_seconds'))).toBeGreaterThan(5);
  const page = readFileSync(report, 'utf8');
  expect(page).toContain('passed');
  expect(page).not.toMatch(/(src|href)=|url\((?!#)|@import|<script|undefined|NaN|p1@|p2@/);
});

it('goes through TLS with the certificates of the servers, and a Unix socket', async () => {
  const certificates = makeCertificates();
  const tls = await freePort();
  const files = {
    ca: certificates.ca,
    cert: certificates.server.cert,
    key: certificates.server.key,
  };
  for (const [name, text] of Object.entries(files))
    writeFileSync(path.join(directory, `${name}.pem`), text);
  const at = (name: string) => path.join(directory, `${name}.pem`);
  await startRedis({
    config: {
      'tls-port': tls,
      'tls-auth-clients': 'no',
      'tls-ca-cert-file': at('ca'),
      'tls-cert-file': at('cert'),
      'tls-key-file': at('key'),
    },
  });
  const socket = path.join(directory, 'redis.sock');
  await startRedis({ config: { unixsocket: socket } });
  const file = config([
    {
      id: 'east',
      weight: 1,
      client: { url: `rediss://localhost:${tls}`, socket: { ca: { file: 'ca.pem' } } },
    },
    { id: 'west', weight: 0.5, client: { socket: { path: socket } } },
  ]);
  const ran = await run(['drill', file, ...QUICK, '--faults', 'kill,freeze', '--json']);
  const result = JSON.parse(ran.stdout) as RunResult;
  expect(violations(result)).toEqual([]);
  expect(ran.code).toBe(0);
});

it('ends with 1 when a goal is missed, and says which', async () => {
  const [east, west] = await Promise.all([startRedis(), startRedis()]);
  const file = config([
    { id: 'east', weight: 1, client: { url: east.url } },
    { id: 'west', weight: 0.5, client: { url: west.url } },
  ]);
  const ran = await run([
    'drill',
    file,
    ...QUICK,
    '--faults',
    'freeze',
    '--goal-recovery-ms',
    '50',
  ]);
  expect(ran.code).toBe(1);
  expect(ran.stdout).toMatch(/✗ {2}Recovered within 50\.0 ms of each fault/);
  expect(ran.stdout).toContain('1 of');
  expect(ran.stdout).not.toContain('\u001b');
  expect(existsSync(path.join(directory, 'redis-multidb-drill.html'))).toBe(true);
});

it('does not begin where it could not end well', async () => {
  const east = await startRedis();
  const west = await startReplica(east);
  await waitForSync(east, west);
  const replica = await run(['drill', east.url, west.url, '--faults', 'kill']);
  expect(replica).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('every database must accept writes'),
  });
  const down = await run([
    'drill',
    east.url,
    `redis://127.0.0.1:${await freePort()}`,
    '--faults',
    'kill',
  ]);
  expect(down).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('the connection is refused'),
  });
  expect(await east.command('KEYS', '*')).toEqual([]);
});

/** Processes whose directory lies below that of this test's temporary files. */
function serversBelow(parent: number): number[] {
  return readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid))
    .flatMap((pid) => {
      try {
        const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
        const ppid = Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
        const isServer = readlinkSync(`/proc/${pid}/exe`).includes('redis');
        return isServer && ppid === parent ? [Number(pid)] : [];
      } catch {
        return [];
      }
    });
}

it.each(['SIGINT', 'SIGTERM'] as const)(
  '%s in the middle leaves no process, no key and no directory',
  async (signal) => {
    const running = start(['drill', '--hold', '300ms', '--faults', 'freeze,kill', '--rate', '300']);
    await waitFor(() => running.stdout.includes('Freeze east'), {
      what: 'the first fault',
      timeoutMs: 30_000,
    });
    const servers = serversBelow(running.child.pid as number);
    expect(servers).toHaveLength(3);
    running.child.kill(signal);
    const { code, stderr } = await running.ended;
    expect(code).toBe(signal === 'SIGINT' ? 130 : 143);
    expect(stderr).toContain('cleaning up');
    await waitFor(() => servers.every((pid) => !existsSync(`/proc/${pid}`)), {
      what: 'the servers to end',
    });
  },
);

it('SIGINT in the middle deletes the keys of a user', async () => {
  const [east, west] = await Promise.all([startRedis(), startRedis()]);
  await east.command('SET', 'mine', '1');
  const running = start([
    'drill',
    `east=${east.url}`,
    `west=${west.url}`,
    '--faults',
    'kill,freeze',
    ...QUICK,
  ]);
  await waitFor(async () => Number(await east.command('DBSIZE')) > 20, {
    what: 'keys',
    timeoutMs: 30_000,
  });
  running.child.kill('SIGINT');
  expect((await running.ended).code).toBe(130);
  expect(await east.command('KEYS', '*')).toEqual(['mine']);
  expect(await west.command('DBSIZE')).toBe(0);
});

it('a drill whose output nobody reads any more cleans up, and says so by its code', async () => {
  const [east, west] = await Promise.all([startRedis(), startRedis()]);
  const running = start(['drill', `east=${east.url}`, `west=${west.url}`, ...QUICK]);
  await waitFor(async () => Number(await east.command('DBSIZE')) > 20, {
    what: 'keys',
    timeoutMs: 30_000,
  });
  running.child.stdout?.destroy();
  expect((await running.ended).code).toBe(141);
  expect(await east.command('DBSIZE')).toBe(0);
  expect(await west.command('DBSIZE')).toBe(0);
});

it('a drill that is killed leaves keys with an expiry alone', async () => {
  const [east, west] = await Promise.all([startRedis(), startRedis()]);
  const running = start([
    'drill',
    `east=${east.url}`,
    `west=${west.url}`,
    '--faults',
    'switch',
    '--hold',
    '20s',
    '--rate',
    '300',
  ]);
  const keys = async () => (await east.command('KEYS', '*')) as string[];
  await waitFor(async () => (await keys()).some((key) => key.includes(':lpush:')), {
    what: 'a list',
    timeoutMs: 30_000,
  });
  const all = async () => Promise.all((await keys()).map((key) => east.command('TTL', key)));
  await waitFor(async () => (await all()).every((ttl) => Number(ttl) > 0), {
    what: 'an expiry on every key',
    timeoutMs: 20_000,
    intervalMs: 200,
  });
  running.child.kill('SIGKILL');
  await running.ended;
});
