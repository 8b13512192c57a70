import type { Reporter, TestModule } from 'vitest/node';

/** Ends a run with the count of its tests on a line of its own, for people and machines that look at the end only. */
export default class CountReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const count = { passed: 0, failed: 0, skipped: 0, pending: 0 };
    let broken = 0;
    for (const module of modules) {
      for (const test of module.children.allTests()) count[test.result().state] += 1;
      if (module.errors().length > 0) broken += 1;
    }
    const failed = count.failed + count.pending + broken;
    const skipped = count.skipped === 0 ? '' : `, ${count.skipped} skipped`;
    process.stdout.write(`\n${count.passed} passed, ${failed} failed${skipped}\n`);
  }
}
