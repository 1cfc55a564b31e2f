import { defineConfig } from 'vitest/config';

/** What judges the mutants: unit and property tests that need no server and no other layer. */
export default defineConfig({
  test: {
    include: [
      'src/core/**/*.test.ts',
      'src/loop-clock.test.ts',
      'src/runtime/command/retry-queue.test.ts',
      'src/runtime/failover/switch-history.test.ts',
      'test/property/**/*.test.ts',
    ],
    environment: 'node',
    testTimeout: 60_000,
  },
});
