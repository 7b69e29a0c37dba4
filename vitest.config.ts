import { defineConfig } from 'vitest/config';

/** The modules of dimgx, which Node loads itself: once for all files of a run. */
const modules = `${import.meta.dirname}/build/`;
const server = { deps: { external: [new RegExp(modules.replace(/[^\w/]/g, '\\$&'))] } };

export default defineConfig({
  test: {
    globalSetup: ['test/build.ts'],
    projects: [
      {
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts'],
          exclude: ['test/engines/**'],
          isolate: false, // to load dimgx again for each of 160 files takes a third of a minute
          unstubEnvs: true,
          server,
          maxWorkers: '100%', // the default leaves a processor to nobody
          testTimeout: 180_000,
        },
      },
      {
        test: {
          // after the others and one at a time: they share a daemon, and the disk is theirs
          name: 'engine',
          include: ['test/engines/**/*.test.ts'],
          globalSetup: ['test/engines/setup.ts'],
          env: { DIMGX_ENGINE_STORAGE: '0' }, // else the engines here would save nothing
          server,
          fileParallelism: false,
          sequence: { groupOrder: 1 },
          testTimeout: 300_000,
          hookTimeout: 900_000,
        },
      },
    ],
  },
});
