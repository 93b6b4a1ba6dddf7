import { defineConfig } from 'vitest/config'

const TIMEOUT_MS = 30_000

/** Real servers and real processes on a machine with two cores: files take turns, and a test may take its time. */
const shared = {
  testTimeout: TIMEOUT_MS,
  hookTimeout: 2 * TIMEOUT_MS,
  maxWorkers: 2,
  expect: { poll: { timeout: 5_000 } },
} as const

const elsewhere = ['**/node_modules/**', '**/dist/**', '**/.types/**']

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...shared,
          name: 'node',
          include: [
            '{proto,edge,workers,db,client,cli,infra,bench,chaos}/**/*.test.ts',
            'test/protocol/**/*.test.ts',
            'test/page/**/*.test.ts',
            'test/clients/**/*.test.ts',
            'test/*.test.ts',
          ],
          exclude: elsewhere,
        },
      },
      {
        test: {
          ...shared,
          name: 'contract',
          include: ['test/contract/*.test.ts'],
          exclude: elsewhere,
          fileParallelism: false,
        },
      },
      {
        test: {
          ...shared,
          name: 'faults',
          include: ['test/faults/**/*.test.ts'],
          exclude: elsewhere,
          fileParallelism: false,
        },
      },
    ],
  },
})
