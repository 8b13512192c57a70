import { setTimeout as sleep } from 'node:timers/promises';
import { FarmError, problem } from '../../src/model/diagnostic.ts';

/**
 * Asks every 20 ms until `done`.
 * @throws FarmError lab/timeout with `sentence`
 */
export async function waitUntil(timeoutMs: number, sentence: string, done: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await done())) {
    if (performance.now() > deadline) {
      throw new FarmError(
        problem('lab/timeout', 'The lab waited in vain', `After ${timeoutMs / 1000} s: ${sentence}.`),
      );
    }
    await sleep(20);
  }
}
