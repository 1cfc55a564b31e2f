/** Mistakes on the command line and in a configuration, as `check` and `drill` tell them. */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import type { CheckReport } from '../../src/cli/check/report.js';
import { startRedis, stopAll } from '../kit/index.js';
import { check } from './check-support.js';
import { directory, run } from './run.js';

it('a path for the report that can not be written, before a drill starts', async () => {
  const missing = path.join(directory, 'missing', 'drill.html');
  const { code, stdout, stderr } = await run(['drill', '--report', missing]);
  expect([code, stdout]).toEqual([2, '']);
  expect(stderr).toMatch(/^redis-multidb: --report .*: there is no directory /);
  const isDirectory = await run(['drill', '--report', directory]);
  expect(isDirectory.stderr).toContain('is a directory');
});

it('a directory in the place of a config file, and options that are not known', async () => {
  const at = path.join(directory, 'config-directory');
  mkdirSync(at);
  const { code, stderr } = await run(['check', at]);
  expect([code, stderr]).toEqual([
    2,
    `redis-multidb: ${at} is a directory; expected a config file\n`,
  ]);
  const unknown = await run(['check', '--unknown']);
  expect(unknown.stderr).toMatch(/^redis-multidb: unknown option '--unknown'/);
  const port = await run(['check', 'redis://:hunter2@127.0.0.1:70000']);
  expect(port.stderr).toContain('a URL whose port is at most 65535');
  expect(port.stderr).not.toContain('hunter2');
});

it('a config file with several mistakes, all of which are told', async () => {
  const file = path.join(directory, 'mistakes.json');
  const databases = [{ id: 'east', weight: 0, client: { url: '${UNSET_URL}' } }, { id: 'east' }];
  writeFileSync(file, JSON.stringify({ databases, suspectAfterMs: 0 }, undefined, 2));
  const { code, stderr } = await run(['check', file]);
  expect([code, stderr]).toEqual([2, expect.stringContaining(`${file} has 4 errors:\n`)]);
  for (const option of ['weight', 'client.url', 'databases[1].id', 'suspectAfterMs']) {
    expect(stderr).toMatch(
      new RegExp(`^ {2}.*mistakes\\.json:\\d+:\\d+: .*${option.replace(/[[\]]/g, '\\$&')}`, 'm'),
    );
  }
});

it('a connection string, which a variable may hold, and its mistakes', async () => {
  const server = await startRedis({ password: 'hunter2' });
  const text = `redis://:hunter2@127.0.0.1:${server.port},127.0.0.1:${server.port}?id=east,west`;
  const { code, stdout } = await run(['check', '--json', '--no-write', 'env:DATABASES'], {
    DATABASES: `${text}\n`,
  });
  const report = JSON.parse(stdout) as CheckReport;
  expect(report.databases.map(({ id, weight, reachable }) => [id, weight, reachable])).toEqual([
    ['east', 2, true],
    ['west', 1, true],
  ]);
  expect([code, report.target]).toEqual([1, 'connection string']);
  const attempts: [string, Record<string, string>, string][] = [
    [`${text}&weight=1`, {}, 'weight: expected as many values as hosts (2)'],
    ['redis://:hun,ter2@127.0.0.1', {}, 'percent-encode'],
    ['env:DATABASES', { DATABASES: 'redis://:hun/ter2@east' }, 'a URL such as'],
    ['env:NOT_SET', {}, 'The environment variable NOT_SET is not set.'],
  ];
  for (const [argument, env, expected] of attempts) {
    const { code, stderr } = await run(['check', argument], env);
    expect([code, stderr]).toEqual([2, expect.stringContaining(expected)]);
    expect(stderr).not.toMatch(/hun|ter2/);
  }
  await stopAll();
});

it('a port without TLS that is asked for TLS', async () => {
  const { port } = await startRedis();
  const { report } = await check(`rediss://127.0.0.1:${port}`);
  const texts = report.databases[0]?.findings.map(({ text }) => text);
  expect(texts?.join()).toContain('not a TLS port, use redis:// instead of rediss://');
  await stopAll();
});
