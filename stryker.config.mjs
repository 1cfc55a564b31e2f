/**
 * Mutation testing of the rules that decide: `npm run mutation`. It takes ten minutes
 * or more, so it is not part of `npm test`. docs/decisions.md has the latest score.
 *
 * @type {import('@stryker-mutator/api/core').PartialStrykerOptions}
 */
export default {
  mutate: [
    'src/core/**/*.ts',
    '!src/core/**/*.test.ts',
    'src/loop-clock.ts',
    'src/runtime/command/retry-queue.ts',
    'src/runtime/failover/switch-history.ts',
  ],
  testRunner: 'vitest',
  vitest: { related: false, configFile: 'vitest.mutation.config.ts' },
  coverageAnalysis: 'perTest',
  concurrency: 1,
  // Code that runs once, when its module is loaded, would need a new process for each mutant.
  ignoreStatic: true,
  reporters: ['clear-text', 'json'],
  jsonReporter: { fileName: 'node_modules/.cache/mutation.json' },
  tempDirName: '.stryker',
  thresholds: { high: 95, low: 90, break: 90 },
};
