import { semaphore } from '../lib/semaphore.ts';
import { hostFailure } from './failure.ts';
import { fail, newHostRun, openHost, resultOf } from './host-run.ts';
import { lockedFailure } from './lock-host.ts';
import { factsOf, lookAtHost } from './look.ts';
import type { FactsResult, RunOptions } from './run.ts';

/** Asks the selected hosts what they are. Changes nothing. */
export async function gatherFacts(options: RunOptions): Promise<readonly FactsResult[]> {
  const forks = semaphore(options.forks);
  options.report({ kind: 'run-started', hosts: options.hosts });
  return Promise.all(
    options.hosts.map((name) =>
      forks.use(async (): Promise<FactsResult> => {
        const host = options.farm.hosts.get(name);
        if (host === undefined) throw new Error(`${name} is not in the farm`);
        const run = newHostRun(host);
        if (!(await openHost(run, options)) || run.session === undefined) return { result: resultOf(run, false) };
        const startedAt = performance.now();
        try {
          const look = await lookAtHost(run.session, [], { lockTimeoutMs: options.lockTimeoutMs, asks: 'facts' });
          if ('lockedBy' in look) fail(run, lockedFailure(name, look), options);
          else {
            run.timings.probeMs = performance.now() - startedAt;
            return { host: name, facts: factsOf(look, name), result: resultOf(run, false) };
          }
          return { result: resultOf(run, false) };
        } catch (error) {
          fail(run, hostFailure(error, name, true), options);
          return { result: resultOf(run, false) };
        } finally {
          run.session.close();
        }
      }),
    ),
  );
}
