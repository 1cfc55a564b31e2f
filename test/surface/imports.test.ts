/** What an application loads: the library alone, whatever the command line needs. */
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { ENTRY_POINTS } from '../../scripts/entry-points.mjs';
import { loaded } from './loaded.js';

/** What `import 'redis-multidb'` may load. Measured: 3 files with 613 kB. Each file costs a millisecond. */
const MODULES = 3;
const KILOBYTES = 640;

const OF_COMMAND_LINE = ['commander', 'get-east-asian-width'];

it.each([
  ['index.js', ['@redis/client']],
  ['config/index.js', []],
  ['ioredis/index.js', ['@redis/client']],
])('%s', (entry, allowed) => {
  const { files, packages } = loaded(entry);
  // `redis.js`: the steering sources, which config files name as well; one of them reads over HTTP.
  // `variables.js`: variables in config files, which headers of the command line have as well.
  const common = [
    'base.js',
    'client.js',
    'rolldown-runtime.js',
    'load.js',
    'redis.js',
    'bounded-body.js',
    'variables.js',
  ];
  expect(files.filter((file) => file !== entry && !common.includes(file))).toEqual([]);
  expect(
    packages.filter(
      (name) => !allowed.some((each) => name === each || name.startsWith(`${each}/`)),
    ),
  ).toEqual([]);
});

it('the help of the command line loads no client', () => {
  const { packages } = loaded('cli/main.js');
  expect(packages.filter((name) => !OF_COMMAND_LINE.includes(name))).toEqual([]);
});

it('the library stays within its budget', () => {
  const { files, bytes } = loaded('index.js');
  expect(files.length, 'files').toBeLessThanOrEqual(MODULES);
  expect(bytes / 1000, 'kB').toBeLessThanOrEqual(KILOBYTES);
});

const built = ENTRY_POINTS.flatMap(({ entry }) => [`${entry}.js`, `${entry}.cjs`]);

it.each(built)('%s loads only packages that a user has installed', (file) => {
  const { packages } = loaded(file);
  const peers = /^(@redis\/client|@opentelemetry\/api|prom-client|redis)(\/|$)/;
  expect(packages.filter((name) => !peers.test(name))).toEqual([]);
});

const FORMATS = [
  ['index.js', '--input-type=module', `import { createMultiDbClient } from './dist/index.js';`],
  [
    'index.cjs',
    '--input-type=commonjs',
    `const { createMultiDbClient } = require('./dist/index.cjs');`,
  ],
] as const;

/** Connects to a port where nothing listens, with each topology. Prints why that failed. */
const TOPOLOGIES = `
  const client = { socket: { host: '127.0.0.1', port: 1 } };
  const nodes = [{ host: '127.0.0.1', port: 1 }];
  const databases = [
    { id: 'pool', topology: 'pool', client },
    { id: 'cluster', topology: 'cluster', cluster: { rootNodes: [client] } },
    { id: 'sentinel', topology: 'sentinel', sentinel: { name: 'main', sentinelRootNodes: nodes } },
  ];
  const connecting = databases.map((database) =>
    createMultiDbClient({ databases: [database] }).on('error', () => {}).connect().then(
      () => console.log(database.id, 'connected'),
      (error) => console.log(database.id, error.message),
    ),
  );
  Promise.all(connecting).then(() => console.log('end'));
`;

it.each(FORMATS)('%s loads the driver of a topology when it is used', (entry, format, imports) => {
  const { files } = loaded(entry);
  expect(files.filter((file) => /cluster|sentinel|pool/.test(file))).toEqual([]);
  const args = [format, '-e', imports + TOPOLOGIES];
  const output = execFileSync(process.execPath, args, { encoding: 'utf8' });
  expect(output.trim().split('\n').at(-1)).toBe('end');
  for (const topology of ['pool', 'cluster', 'sentinel']) {
    expect(output).toMatch(new RegExp(`^${topology} .*ECONNREFUSED`, 'm'));
  }
});

it('HTTPS is loaded by the first check that needs it', () => {
  for (const file of built) expect(loaded(file).builtins).not.toContain('node:https');
  expect(loaded('rest-client.js').builtins).toContain('node:https');
});

/** Prints why a pool could not connect, while the process has no free file descriptor and after. */
const WITHOUT_DESCRIPTORS = `
  const { openSync, closeSync } = process.getBuiltinModule('node:fs');
  const reason = async () => {
    const client = { socket: { host: '127.0.0.1', port: 1 } };
    const databases = [{ id: 'east', topology: 'pool', client }];
    const failure = await createMultiDbClient({ databases }).on('error', () => {}).connect().catch((error) => error);
    console.log(failure.message);
  };
  const taken = [];
  try {
    for (;;) taken.push(openSync('/dev/null'));
  } catch {}
  reason().then(() => {
    for (const descriptor of taken) closeSync(descriptor);
    return reason();
  });
`;

it.each(FORMATS)(
  '%s loads on demand what it could not load without file descriptors',
  (_, format, imports) => {
    const program = imports + WITHOUT_DESCRIPTORS;
    const output = execFileSync(
      'sh',
      ['-c', 'ulimit -n 100; exec "$0" "$1" -e "$2"', process.execPath, format, program],
      { encoding: 'utf8' },
    );
    const [during, after] = output.trim().split('\n');
    expect(during).toContain('EMFILE');
    expect(after).toContain('ECONNREFUSED');
  },
);

it('what is loaded on demand imports only what is loaded already', () => {
  const present = ['base.js', 'client.js'];
  const files = present.flatMap((file) => {
    const text = readFileSync(`dist/${file}`, 'utf8');
    return [...text.matchAll(/\bimport\("\.\/([^"]+)"\)/g)].map(([, name]) => name as string);
  });
  expect(files.length).toBeGreaterThan(2);
  for (const file of new Set(files)) {
    const others = loaded(file).files.filter((each) => each !== file && !present.includes(each));
    expect(others, file).toEqual([]);
  }
});
