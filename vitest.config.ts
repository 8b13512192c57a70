import { defineConfig } from 'vitest/config';
import { whyNoLab } from './test/lab/requirements.ts';

const conditions = ['farmctl-source'];
const resolve = { conditions };
const ssr = { resolve: { conditions } };

const unit = {
  resolve,
  ssr,
  test: {
    name: 'unit',
    include: ['test/unit/**/*.test.ts', 'test/roles/**/*.test.ts', 'test/conformance/**/*.test.ts'],
    testTimeout: 60_000,
  },
};

/** Tests on real hosts: one file at a time, because the hosts share this machine's cores. */
const lab = {
  resolve,
  ssr,
  test: {
    name: 'lab',
    include: ['test/e2e/**/*.test.ts'],
    fileParallelism: false,
    testTimeout: 300_000,
    hookTimeout: 900_000,
    sequence: { groupOrder: 1 },
  },
};

const reason = await whyNoLab();
if (reason !== undefined) console.log(`Left out: test/e2e, the tests on real hosts. ${reason}`);

export default defineConfig({
  test: {
    globalSetup: ['test/lab/global-setup.ts'],
    projects: reason === undefined ? [unit, lab] : [unit],
    reporters: ['default', './test/count-reporter.ts'],
  },
});
