import type { StepsOutcome } from './apply-steps.ts';
import { hostFailure } from './failure.ts';
import { addToPart, fail, type HostRun } from './host-run.ts';
import { lockHost } from './lock-host.ts';
import type { RunOptions } from './run.ts';
import type { Session } from './session.ts';

/**
 * Works on a part of a host under its lock. What goes wrong is noted as the host's failure, and the time is counted to
 * the part. Never throws.
 */
export async function workOnPart(
  run: HostRun,
  part: string,
  options: RunOptions,
  work: (session: Session) => Promise<StepsOutcome>,
): Promise<StepsOutcome> {
  const startedAt = performance.now();
  try {
    if (!(await lockHost(run, options)) || run.session === undefined) return 'failed';
    return await work(run.session);
  } catch (error) {
    fail(run, hostFailure(error, run.host.name, true), options);
    return options.killing.aborted ? 'interrupted' : 'failed';
  } finally {
    addToPart(run, part, performance.now() - startedAt);
  }
}
