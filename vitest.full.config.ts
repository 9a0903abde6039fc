import { defineConfig } from 'vitest/config';

/** The long tests: kills, clusters, many random histories. One file at a time, so that they measure themselves only. */
export default defineConfig({
  test: {
    include: ['test/full/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    pool: 'forks',
    maxWorkers: 1,
    testTimeout: 300_000,
    hookTimeout: 120_000,
  },
});
