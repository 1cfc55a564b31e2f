/** What an application loads: the library alone, whatever the command line needs. */
import { expect, it } from 'vitest';
import { ENTRY_POINTS } from '../../scripts/entry-points.mjs';
import { loaded } from './loaded.js';

/** What `import 'redis-multidb'` may load. Measured: 4 files with 659 kB. Each file costs a millisecond. */
const MODULES = 4;
const KILOBYTES = 680;

const OF_COMMAND_LINE = ['commander', 'get-east-asian-width'];

it.each([
  ['index.js', ['@redis/client']],
  ['config/index.js', []],
  ['ioredis/index.js', ['@redis/client']],
])('%s', (entry, allowed) => {
  const { files, packages } = loaded(entry);
  // `redis.js`: the steering sources, which config files name as well; one of them reads over HTTP.
  const common = [
    'base.js',
    'engine.js',
    'client.js',
    'rolldown-runtime.js',
    'load.js',
    'redis.js',
    'bounded-body.js',
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

it('HTTPS is loaded by the first check that needs it', () => {
  for (const file of built) expect(loaded(file).builtins).not.toContain('node:https');
  expect(loaded('rest-client.js').builtins).toContain('node:https');
});
