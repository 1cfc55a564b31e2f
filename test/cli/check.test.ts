import { readFileSync } from 'node:fs';
import path from 'node:path';
import { Ajv } from 'ajv';
import { afterEach, describe, expect, it } from 'vitest';
import { makeCertificates } from '../integration/health-certificates.js';
import {
  freePort,
  type RedisServer,
  startRedis,
  startReplica,
  stopAll,
  waitForSync,
} from '../kit/index.js';
import { check, config, of } from './check-support.js';
import { run } from './run.js';

afterEach(stopAll);

const certificates = makeCertificates();

async function tlsServer(pair: { key: string; cert: string }, name: string): Promise<number> {
  const tls = await freePort();
  const files = { ca: certificates.ca, cert: pair.cert, key: pair.key };
  const paths = Object.fromEntries(
    Object.entries(files).map(([part, text]) => [part, config(`${name}-${part}.pem`, text)]),
  );
  await startRedis({
    config: {
      'tls-port': tls,
      'tls-auth-clients': 'no',
      'tls-ca-cert-file': String(paths.ca),
      'tls-cert-file': String(paths.cert),
      'tls-key-file': String(paths.key),
    },
  });
  return tls;
}

describe('a pair', () => {
  it('that does not replicate is reported, and works', async () => {
    const [east, west] = await Promise.all([startRedis(), startRedis()]);
    const { code, report, all } = await check(`east=${east.url}`, `west=${west.url}`);
    expect(code).toBe(0);
    expect(report.ok).toBe(true);
    expect(report.databases).toMatchObject([
      { id: 'east', weight: 2, reachable: true, role: 'master', certificateDaysLeft: null },
      { id: 'west', weight: 1, reachable: true },
    ]);
    expect(report.databases[0]?.latencyMs).toBeGreaterThan(0);
    expect(of(all, 'replication').map(({ level }) => level)).toEqual(['warning', 'warning']);
    expect(report.replication).toEqual([
      { from: 'east', to: 'west', afterMs: null },
      { from: 'west', to: 'east', afterMs: null },
    ]);
    expect(of(all, 'clocks')).toMatchObject([{ level: 'ok' }]);
    await expect(east.command('DBSIZE')).resolves.toBe(0);

    const strict = await check('--strict', `east=${east.url}`, `west=${west.url}`);
    expect(strict.code).toBe(1);
  });

  it('is told what each fault would cost with its options', async () => {
    const [east, west] = await Promise.all([startRedis(), startRedis()]);
    const file = config('what-if.json', {
      databases: [
        { id: 'east', weight: 1, client: { url: east.url } },
        { id: 'west', weight: 0.5, client: { url: west.url } },
      ],
      suspectAfterMs: 100,
      healthCheck: { strategy: 'echo', timeoutMs: 250, numProbes: 1 },
    });
    const { code, report } = await check('--what-if', '--fleet', '10', '--no-write', file);
    expect(code).toBe(0);
    expect(report.whatIf).toMatchObject({ fleet: 10 });
    const frozen = report.whatIf?.answers.find(({ fault }) => fault === 'frozen');
    expect(frozen?.leftAfterMs).toBeGreaterThan(250);
    expect(frozen?.leftAfterMs).toBeLessThan(600);

    const { stdout } = await run(['check', '--what-if', '--no-write', file]);
    expect(stdout).toMatch(/what if the active database is/);
    expect(stdout).toMatch(/frozen +\d+ ms /);
    expect(stdout).toMatch(/Health checks of 1 process: \d\.\d commands per second/);
  });

  it('that replicates is seen to, and leaves no key', async () => {
    const east = await startRedis();
    const west = await startReplica(east);
    await waitForSync(east, west);
    const { code, report, all } = await check(`east=${east.url}`, `west=${west.url}`);
    expect(code).toBe(0);
    const [there] = report.replication;
    expect(there).toMatchObject({ from: 'east', to: 'west' });
    expect(there?.afterMs).toBeGreaterThan(0);
    expect(of(all, 'replication').map(({ level }) => level)).toEqual(['ok', 'skipped']);
    expect(of(all, 'role')).toMatchObject([
      { level: 'warning', text: expect.stringContaining('read-only replica') },
    ]);
    await expect(east.command('DBSIZE')).resolves.toBe(0);
  });

  it('is not written to with --no-write', async () => {
    const [east, west] = await Promise.all([startRedis(), startRedis()]);
    const { all } = await check('--no-write', east.url, west.url);
    expect(of(all, 'replication')).toMatchObject([{ level: 'skipped' }]);
    expect(await east.info('cmdstat_set')).toBeUndefined();
  });

  it('that is one server twice is a problem', async () => {
    const { url } = await startRedis();
    const { code, all } = await check(`a=${url}`, `b=${url}`);
    expect(code).toBe(1);
    expect(of(all, 'same-server')).toMatchObject([{ level: 'problem' }]);
  });
});

describe('a database', () => {
  it('that refuses, or wants another password', async () => {
    const server = await startRedis({ password: 'right' });
    const wrong = server.url.replace('right', 'hunter2');
    const none = server.url.replace(':right@', '');
    const { code, report } = await check(
      `refused=redis://127.0.0.1:${await freePort()}`,
      `wrong=${wrong}`,
      `none=${none}`,
    );
    expect(code).toBe(1);
    expect(report.databases.map(({ reachable }) => reachable)).toEqual([false, false, false]);
    expect(report.databases.flatMap((each) => each.findings)).toMatchObject([
      { check: 'reachable', level: 'problem', text: expect.stringContaining('refused') },
      { check: 'authentication', level: 'problem', text: expect.stringContaining('WRONGPASS') },
      { check: 'authentication', level: 'problem', text: expect.stringContaining('NOAUTH') },
    ]);
    const { stdout } = await run(['check', wrong]);
    expect(stdout).not.toContain('hunter2');
  });

  it('that hangs is given up in time', async () => {
    const server = await startRedis();
    await server.freeze();
    const { code, all } = await check(server.url);
    expect(code).toBe(1);
    expect(of(all, 'reachable')).toMatchObject([
      { level: 'problem', text: expect.stringContaining('no answer in time') },
    ]);
    await server.thaw();
  });

  it('with TLS: days left, an unknown authority, an expired certificate, no TLS at all', async () => {
    const [good, expired] = await Promise.all([
      tlsServer(certificates.server, 'good'),
      tlsServer(certificates.expired, 'expired'),
    ]);
    const plain = await startRedis();
    const file = config('tls.json', {
      databases: [
        {
          id: 'good',
          client: { url: `rediss://localhost:${good}`, socket: { ca: certificates.ca } },
        },
        {
          id: 'stranger',
          client: { url: `rediss://localhost:${good}`, socket: { ca: certificates.strangerCa } },
        },
        {
          id: 'expired',
          client: { url: `rediss://localhost:${expired}`, socket: { ca: certificates.ca } },
        },
        { id: 'plain', client: { url: `rediss://localhost:${plain.port}` } },
      ],
    });
    const { code, report } = await check(file);
    expect(code).toBe(1);
    const [a, b, c, d] = report.databases;
    expect(a?.reachable).toBe(true);
    expect(a?.certificateDaysLeft).toBeGreaterThan(0);
    expect(of(a?.findings ?? [], 'tls')).toMatchObject([
      { level: 'warning', text: expect.stringMatching(/valid for [12] more day/) },
    ]);
    expect(b?.findings).toMatchObject([
      { check: 'tls', level: 'problem', text: expect.stringContaining('not trusted') },
    ]);
    expect(c?.certificateDaysLeft).toBeLessThan(0);
    expect(c?.findings).toMatchObject([
      { check: 'tls', text: expect.stringContaining('expired') },
      { check: 'certificate' },
    ]);
    expect(d?.reachable).toBe(false);
  });

  it('of the wrong topology is a problem', async () => {
    const server: RedisServer = await startRedis({ config: { 'cluster-enabled': true } });
    const { code, all } = await check(server.url);
    expect(code).toBe(1);
    expect(of(all, 'topology')).toMatchObject([{ level: 'problem' }]);
  });

  it('that is nearly full without eviction is warned about', async () => {
    const server = await startRedis();
    const used = Number(await server.info('used_memory'));
    await server.command('CONFIG', 'SET', 'maxmemory', String(Math.round(used * 1.05)));
    const { all } = await check(server.url);
    expect(of(all, 'memory')).toMatchObject([
      { level: 'warning', text: expect.stringContaining('OOM') },
    ]);
  });
});

describe('a config', () => {
  it.each([
    ['{\n  "databases": [}', /bad\.json:2:17: not valid JSON: expected a value/],
    [
      '{ "databases": [{ "client": { "password": "${NOPE}" } }] }',
      /environment variable NOPE is not set/,
    ],
    [
      '{ "databases": [{ "wait": 1 }] }',
      /bad\.json:1:27: databases\[0\]\.wait: expected a known option/,
    ],
  ])('%s', async (text, message) => {
    const { code, stdout, stderr } = await run(['check', config('bad.json', text)]);
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toMatch(message);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });

  it('takes variables from the environment, and shows none of them', async () => {
    const server = await startRedis({ password: 's3cret' });
    const file = config('env.json', {
      databases: [{ id: 'east', client: { socket: { port: '${PORT}' }, password: '${PASSWORD}' } }],
      commandTimeoutMs: 20_000,
    });
    const { code, stdout, stderr } = await run(['check', file], {
      PORT: String(server.port),
      PASSWORD: 's3cret',
    });
    expect(code).toBe(0);
    expect(stdout).toContain('commandTimeoutMs (20000) is longer than commandDeadlineMs (10000)');
    expect(stdout + stderr).not.toContain('s3cret');
    // Not a terminal: no colours, no line that is drawn over.
    expect(stdout).not.toContain('\u001b');
  });

  it('is asked for', async () => {
    const { code, stderr } = await run(['check']);
    expect(code).toBe(2);
    expect(stderr).toContain('Name a config file or URLs');
  });
});

it('the example of docs/config.md is valid', () => {
  const page = readFileSync(path.resolve(import.meta.dirname, '../../docs/config.md'), 'utf8');
  const [, example = ''] = /```json\n([\s\S]*?)```/.exec(page) ?? [];
  const schema = JSON.parse(
    readFileSync(path.resolve(import.meta.dirname, '../../config.schema.json'), 'utf8'),
  );
  const matches = new Ajv({ strict: true, strictTypes: false }).compile(schema);
  expect(matches(JSON.parse(example)), JSON.stringify(matches.errors)).toBe(true);
});
