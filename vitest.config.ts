import path from 'node:path';
import { defineConfig, type ViteUserConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';
import { ENTRY_POINTS } from './scripts/entry-points.mjs';

type Alias = { find: string | RegExp; replacement: string };

/** The entry points of the package, from the sources. */
const self: Alias[] = ENTRY_POINTS.map(({ subpath, entry }) => ({
  find: new RegExp(`^redis-multidb${subpath.slice(1)}$`),
  replacement: path.join(import.meta.dirname, 'src', `${entry}.ts`),
}));
/** Version 5 in place of version 6, deep imports as well. */
const clientVersion5: Alias = { find: /^@redis\/client(?=\/|$)/, replacement: 'redis-client-5' };

/**
 * Integration tests that run with version 6 alone. They are about parts that never see the client
 * library: HTTP, metrics, what a check asks for, and decisions over real servers whose connections
 * other tests exercise with both versions.
 */
const ANY_VERSION = [
  ...['http', 'http-attacks', 'http-frameworks', 'prometheus', 'otel', 'explain', 'stats'],
  ...['health-lag-aware', 'health-lag-aware-faults', 'health-misbehaving'],
  ...['health-troubleshooting', 'command-table', 'command-keys'],
  ...['patched-library', 'otel-tracing', 'steering', 'selection', 'slow-calls'],
  ...['ioredis/life', 'ioredis/failover', 'ioredis/libraries', 'ioredis/members'],
  ...['ioredis/every-command', 'ioredis/queues', 'ioredis/application', 'ioredis/library-leaks'],
  ...['breaker', 'failback', 'all-down', 'refusals', 'name-watch'],
  ...['health-strategies', 'name-lookups', 'moved-endpoint', 'node-evidence', 'entra-id'],
].map((name) => `test/integration/${name}.test.ts`);

interface Settings {
  include: string;
  exclude?: string[];
  alias?: Alias[];
  timeoutMs?: number;
  globalSetup?: string;
  /** Never waits for anything outside of its process: runs when nothing else needs a core. */
  computes?: boolean;
  /**
   * The files of one worker share its process and its modules: importing the engine takes longer than most
   * unit tests.
   */
  sharesProcess?: boolean;
  /** Runs after everything else, two files at a time. */
  measures?: boolean;
}

function project(name: string, settings: Settings) {
  const { include, exclude = [], alias = [], timeoutMs = 10_000, globalSetup } = settings;
  return {
    resolve: { alias: [...alias, ...self] },
    test: {
      name,
      include: [include],
      exclude,
      environment: 'node',
      pool: 'forks',
      isolate: settings.sharesProcess !== true,
      ...(globalSetup === undefined ? {} : { globalSetup }),
      ...(settings.computes ? { setupFiles: 'test/low-priority.ts' } : {}),
      // Most tests wait for servers most of the time: four files keep two cores busy.
      maxWorkers: settings.measures ? 2 : 4,
      // Each of them starts programs: more at a time only makes all of them slow.
      maxConcurrency: 2,
      testTimeout: timeoutMs,
      hookTimeout: timeoutMs,
      sequence: { groupOrder: settings.measures ? 1 : 0 },
    },
  } satisfies ViteUserConfig;
}

const integration = 'test/integration/**/*.test.ts';

const projects = [
  project('cli', {
    include: 'test/cli/**/*.test.ts',
    timeoutMs: 60_000,
    globalSetup: 'test/cli/build.ts',
  }),
  project('chaos', { include: 'test/chaos/**/*.test.ts', timeoutMs: 60_000 }),
  project('integration', { include: integration, timeoutMs: 120_000 }),
  project('integration-5', {
    include: integration,
    exclude: ANY_VERSION,
    alias: [clientVersion5],
    timeoutMs: 120_000,
  }),
  project('surface', {
    include: 'test/surface/**/*.test.ts',
    timeoutMs: 60_000,
    globalSetup: 'test/cli/build.ts',
  }),
  project('fuzz', {
    include: 'test/fuzz/**/*.test.ts',
    timeoutMs: 60_000,
    globalSetup: 'test/cli/build.ts',
  }),
  project('docs', {
    include: 'test/docs/**/*.test.ts',
    timeoutMs: 60_000,
    globalSetup: 'test/cli/build.ts',
  }),
  project('browser', { include: 'test/browser/**/*.test.ts', timeoutMs: 60_000 }),
  project('examples', {
    include: 'test/examples/**/*.test.ts',
    timeoutMs: 60_000,
    globalSetup: 'test/cli/build.ts',
  }),
  project('fleet', {
    include: 'test/fleet/**/*.test.ts',
    timeoutMs: 60_000,
    globalSetup: 'test/cli/build.ts',
  }),
  project('kit', { include: 'test/kit/**/*.test.ts', timeoutMs: 60_000 }),
  project('simulation', {
    include: 'test/simulation/**/*.test.ts',
    timeoutMs: 900_000,
    computes: true,
  }),
  project('property', {
    include: 'test/property/**/*.test.ts',
    timeoutMs: 60_000,
    computes: true,
  }),
  // A few start a process, which takes long while everything else goes first.
  project('unit', {
    include: 'src/**/*.test.ts',
    timeoutMs: 60_000,
    computes: true,
    sharesProcess: true,
  }),
  project('demo', { include: 'demo/**/*.test.ts' }),
  // How failures are handled: the fewer others, the more exactly a fault hits what it is meant for.
  project('faults', { include: 'test/faults/**/*.test.ts', timeoutMs: 60_000, measures: true }),
];

/**
 * Projects in the order in which they stand above, so that no long file is the last one. Simulations compute
 * for minutes: they are spread over the files that wait for servers.
 */
class ByProject extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const names = projects.map(({ test }) => test.name);
    const rank = ({ project: { name } }: TestSpecification) => names.indexOf(name);
    const sorted = (await super.sort(files)).sort((one, other) => rank(one) - rank(other));
    const computes = ({ project: { name } }: TestSpecification) => name === 'simulation';
    const spread = sorted.filter(computes);
    const others = sorted.filter((file) => !computes(file));
    const distance = Math.max(1, Math.floor(others.length / 2 / spread.length));
    for (const [index, file] of spread.entries()) others.splice(index * (distance + 1), 0, file);
    return others;
  }
}

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
    sequence: { sequencer: ByProject },
    projects,
  },
});
