/** What an application loads: the library alone, whatever the command line needs. */
import { expect, it } from 'vitest';
import { loaded } from './loaded.js';

/** What `import 'redis-multidb'` may load. Measured: 217 modules with 784 kB, comments included. */
const MODULES = 235;
const KILOBYTES = 860;

const OF_COMMAND_LINE = ['commander', 'get-east-asian-width'];

it.each([
  ['index.js', ['@redis/client']],
  ['config/index.js', []],
])('%s', (entry, allowed) => {
  const { files, packages } = loaded(entry);
  expect(files.length).toBeGreaterThan(10);
  expect(files.filter((file) => /^(cli|drill)\//.test(file))).toEqual([]);
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
  expect(files.length, 'modules').toBeLessThanOrEqual(MODULES);
  expect(bytes / 1000, 'kB').toBeLessThanOrEqual(KILOBYTES);
});

it.each(['index', 'config/index', 'otel/index', 'prometheus/index', 'http/index', 'testing/index'])(
  '%s loads only packages that a user has installed',
  (entry) => {
    const { packages } = loaded(`${entry}.js`);
    const peers = /^(@redis\/client|@opentelemetry\/api|prom-client)(\/|$)/;
    expect(packages.filter((name) => !peers.test(name))).toEqual([]);
  },
);
