import path from 'node:path';
import { defineConfig, type ViteUserConfig } from 'vitest/config';

type Alias = { find: string | RegExp; replacement: string };

const source = (file: string) => path.join(import.meta.dirname, 'src', file);

const self: Alias[] = [
  { find: /^redis-multidb$/, replacement: source('index.ts') },
  { find: /^redis-multidb\/config$/, replacement: source('config/index.ts') },
  { find: /^redis-multidb\/otel$/, replacement: source('otel/index.ts') },
  { find: /^redis-multidb\/prometheus$/, replacement: source('prometheus/index.ts') },
  { find: /^redis-multidb\/http$/, replacement: source('http/index.ts') },
  { find: /^redis-multidb\/testing$/, replacement: source('testing/index.ts') },
];
/** Version 5 in place of version 6, deep imports as well. */
const clientVersion5: Alias = { find: /^@redis\/client(?=\/|$)/, replacement: 'redis-client-5' };

interface Settings {
  include: string;
  alias?: Alias[];
  /** Groups run one after another, so that what measures time is not disturbed. */
  group?: number;
  /** Test files at a time. */
  maxWorkers?: number;
  timeoutMs?: number;
  globalSetup?: string;
}

function project(name: string, settings: Settings) {
  const { include, alias = [], group = 0, maxWorkers = 2, timeoutMs = 10_000 } = settings;
  const { globalSetup } = settings;
  return {
    resolve: { alias: [...alias, ...self] },
    test: {
      name,
      include: [include],
      environment: 'node',
      pool: 'forks',
      ...(globalSetup === undefined ? {} : { globalSetup }),
      maxWorkers,
      testTimeout: timeoutMs,
      hookTimeout: timeoutMs,
      sequence: { groupOrder: group },
    },
  } satisfies ViteUserConfig;
}

const integration = 'test/integration/**/*.test.ts';

export default defineConfig({
  test: {
    passWithNoTests: true,
    // An unhandled rejection fails the run: it would end a user's process.
    dangerouslyIgnoreUnhandledErrors: false,
    // `npm run coverage`: what runs in this process. The command line, rehearsals and the page are
    // tested as processes of their own, which are not counted.
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts'],
      exclude: ['src/**/*.test.ts', 'src/{cli,drill}/**', 'src/http/page/browser/**'],
      reporter: ['text-summary', 'html'],
      reportsDirectory: 'coverage',
    },
    projects: [
      project('unit', { include: 'src/**/*.test.ts' }),
      project('demo', { include: 'demo/**/*.test.ts' }),
      project('property', { include: 'test/property/**/*.test.ts', timeoutMs: 60_000 }),
      project('simulation', { include: 'test/simulation/**/*.test.ts', timeoutMs: 300_000 }),
      project('kit', { include: 'test/kit/**/*.test.ts', group: 1, timeoutMs: 60_000 }),
      project('integration', { include: integration, group: 1, timeoutMs: 30_000 }),
      project('integration-5', {
        include: integration,
        alias: [clientVersion5],
        group: 1,
        timeoutMs: 30_000,
      }),
      project('browser', { include: 'test/browser/**/*.test.ts', group: 1, timeoutMs: 60_000 }),
      project('examples', { include: 'test/examples/**/*.test.ts', group: 1, timeoutMs: 60_000 }),
      project('cli', {
        include: 'test/cli/**/*.test.ts',
        group: 1,
        timeoutMs: 60_000,
        globalSetup: 'test/cli/build.ts',
      }),
      project('surface', {
        include: 'test/surface/**/*.test.ts',
        group: 1,
        timeoutMs: 60_000,
        globalSetup: 'test/cli/build.ts',
      }),
      project('fuzz', {
        include: 'test/fuzz/**/*.test.ts',
        group: 1,
        timeoutMs: 60_000,
        globalSetup: 'test/cli/build.ts',
      }),
      project('docs', { include: 'test/docs/**/*.test.ts', group: 1, timeoutMs: 60_000 }),
      // Measures how fast a failure is noticed: alone on the machine, one file at a time.
      project('faults', {
        include: 'test/{faults,chaos}/**/*.test.ts',
        group: 2,
        maxWorkers: 1,
        timeoutMs: 60_000,
      }),
    ],
  },
});
