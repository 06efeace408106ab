import { defineConfig } from 'vitest/config';

/** An engine of a test need not reckon for long with what one that was killed had sent. */
const afterKills = { ROWFERRY_LATE_WRITE_MS: '1000' };

/** Three parts, each runs alone: `vitest --project unit`, and so on. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/unit/**/*.test.ts'],
          testTimeout: 20_000,
        },
      },
      {
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          // Real servers: a file starts what it needs, and two files at once are enough for a small machine.
          pool: 'forks',
          maxWorkers: 2,
          env: afterKills,
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: 'e2e',
          include: ['test/e2e/**/*.test.ts'],
          pool: 'forks',
          // One workbench at a time: what a person would see, not what a busy machine makes of two.
          maxWorkers: 1,
          fileParallelism: false,
          env: afterKills,
          testTimeout: 120_000,
          hookTimeout: 300_000,
        },
      },
    ],
  },
});
