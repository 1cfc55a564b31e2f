import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { directory, run } from './run.js';

const root = path.resolve(import.meta.dirname, '../..');
const COMMANDS = ['check', 'status', 'watch', 'switch', 'drill'];

describe('help', () => {
  it.each(['', ...COMMANDS])('of "%s" fits a screen', async (command) => {
    const { code, stdout, stderr } = await run([...(command === '' ? [] : [command]), '--help']);
    expect(code).toBe(0);
    expect(stderr).toBe('');
    const lines = stdout.trimEnd().split('\n');
    expect(lines.length).toBeLessThanOrEqual(40);
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
    expect(stdout).toContain('Usage: redis-multidb');
    expect(stdout).toContain('Exit codes'.slice(0, command === 'watch' ? 0 : undefined));
  });

  it('names every command', async () => {
    const { stdout } = await run(['--help']);
    for (const command of COMMANDS) expect(stdout).toMatch(new RegExp(`^  ${command} `, 'm'));
  });

  it('stands in docs/cli.md as it is', async () => {
    const page = readFileSync(path.join(root, 'docs/cli.md'), 'utf8');
    for (const command of COMMANDS) {
      const { stdout } = await run([command, '--help']);
      const [, options = ''] = /Options:\n([\s\S]*?)\n\n/.exec(stdout) ?? [];
      const names = [...options.matchAll(/(--[\w-]+)/g)].map((match) => match[1] as string);
      const missing = names.filter((name) => name !== '--help' && !page.includes(name));
      expect(missing, command).toEqual([]);
    }
  });
});

it('tells its version', async () => {
  const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8'));
  expect(await run(['--version'])).toMatchObject({ code: 0, stdout: `${version}\n` });
});

it.each([
  [['chekc'], 'Did you mean check'],
  [['check', '--nope'], "unknown option '--nope'"],
  [['drill', '--faults', 'kill,earthquake'], 'Known faults: kill'],
  [['drill', '--goal-errors', '-1'], 'whole number'],
  [['check', '--timeout', 'soon'], 'a duration such as'],
  [['switch', 'west'], "required option '--url"],
  [['switch', 'west', '--url', 'redis://x'], 'http://'],
  [['switch', 'west', '--url', 'http://u:hunter2@x'], 'Credentials are not allowed in the URL'],
  [['status', 'http://127.0.0.1:1', '--header', 'authorization: ${NOPE}'], 'NOPE is not set'],
  [['drill', 'redis://127.0.0.1:1'], 'two databases'],
  [['check', 'redis.json', 'redis://x'], 'Expected one config file, or URLs'],
  [
    ['drill', 'redis://redis-east.example.com', 'redis://redis-west.example.com'],
    'Add --yes to agree',
  ],
  [['status', 'valkey://:hunter2@x'], 'Expected one config file, or URLs'],
  [['check', 'redis:/:hunter2@x'], 'Expected one config file, or URLs'],
  [['check', 'east=redis:hunter2@x'], 'Expected one config file, or URLs'],
  [['redis://:hunter2@x'], "unknown command '***'"],
  [['hunter2'], "unknown command '***'"],
  [['check', '--url=redis://:hunter2@x'], "unknown option '***'"],
  [['check', '-phunter2'], "unknown option '***'"],
  [['check', '--timeout', 'hunter2'], "argument '***' is invalid"],
  [['drill', '--rate=hunter2'], "argument '***' is invalid"],
  [['drill', '--faults', 'kill,hunter2'], 'Known faults: kill'],
  [['drill', '--app', 'x', '--status', 'hunter2'], 'expected http://'],
  [['drill', '--app', 'x', '--request', 'http://x', '--env', 'hunter2'], '--env: expected'],
  [['status', 'http://127.0.0.1:1', '--header', 'hunter2'], 'Expected a header'],
  [['switch', 'west', '--url', 'hunter2'], 'http://'],
])('%j is refused with 2', async (args, message) => {
  const { code, stdout, stderr } = await run(args);
  expect(code).toBe(2);
  expect(stdout).toBe('');
  expect(stderr).toContain(message);
  expect(stderr).not.toContain('hunter2');
});

it('repeats no value of a header', async () => {
  const { code, stderr } = await run(
    ['status', 'http://127.0.0.1:1', '--header', 'authorization: Bearer ${TOKEN}'],
    { TOKEN: 'hunter2\nhunter2' },
  );
  expect(code).toBe(2);
  expect(stderr).toContain('--header authorization: the value has characters');
  expect(stderr).not.toContain('hunter2');
});

it('repeats no variable in the place of the name of a file', async () => {
  writeFileSync(
    path.join(directory, 'file.json'),
    '{"databases":[{"client":{"password":{"file":"${PW}"}}}]}',
  );
  const { code, stderr } = await run(['check', 'file.json'], { PW: 'hunter2' });
  expect(code).toBe(2);
  expect(stderr).toContain("the file that is the value of PW can't be read (ENOENT)");
  expect(stderr).not.toContain('hunter2');
});
