import { type Diagnostic, hasErrors } from '../model/diagnostic.ts';
import type { Facts } from '../model/facts.ts';
import { desiredOf, needsFacts } from '../plan/desired.ts';
import { findOrphans, type PartFilter, type PlannedHost, planHost, resourcesToProbe } from '../plan/host-plan.ts';
import { ownState } from '../resource/types/own-state.ts';
import type { ResolvedFarm } from '../role/view.ts';
import { hostFailure } from './failure.ts';
import { fail, type HostRun, openHost } from './host-run.ts';
import { lockedFailure } from './lock-host.ts';
import { contradictions, factsOf, lookAtHost, systemOf } from './look.ts';
import type { RunOptions } from './run.ts';
import { validateStaged } from './validate-staged.ts';

/** Looks at the host and plans it. Fills in `plan`, `steps` or `failure`; never throws. */
export async function planHostRun(
  run: HostRun,
  resolved: ResolvedFarm,
  filter: PartFilter,
  options: RunOptions,
): Promise<void> {
  const { host } = run;
  const { farm, templates, lockTimeoutMs } = options;
  if (!(await openHost(run, options)) || run.session === undefined) return;
  options.report({ kind: 'host-connected', host: host.name, afterMs: run.timings.connectMs });
  const probing = performance.now();
  try {
    let facts: Facts | undefined;
    if (needsFacts(resolved.partsOf(host.name))) {
      const first = await lookAtHost(run.session, [], { lockTimeoutMs, asks: 'facts' });
      if ('lockedBy' in first) return fail(run, lockedFailure(host.name, first), options);
      facts = factsOf(first, host.name);
    }
    const rendering = performance.now();
    run.desired = desiredOf(farm, resolved, host.name, templates, facts);
    run.timings.computeMs = performance.now() - rendering;
    const wanted = [...resourcesToProbe(run.desired, filter), ...(host.retired ? [ownState({})] : [])];
    const look = await lookAtHost(run.session, wanted, { lockTimeoutMs, asks: 'system' });
    if ('lockedBy' in look) return fail(run, lockedFailure(host.name, look), options);
    const orphans = findOrphans(farm.name, run.desired, look.manifest);
    const left = [...orphans.alone, ...[...orphans.inSet.values()].flat()].map((one) => one.resource);
    const seen = new Map(look.seen);
    let holdings = look.holdings;
    if (left.length > 0) {
      const more = await lookAtHost(run.session, left, { lockTimeoutMs, asks: 'holdings' });
      if ('lockedBy' in more) return fail(run, lockedFailure(host.name, more), options);
      for (const [key, value] of more.seen) seen.set(key, value);
      holdings = more.holdings;
    }
    const computing = performance.now();
    const planned = planHost({ farm: farm.name, host, desired: run.desired, filter, seen, orphans, holdings });
    run.timings.computeMs += performance.now() - computing;
    const { refused } = await validateStaged(run.session, planned.steps, host.name);
    const told = contradictions(host, farm.networks, systemOf(look, host.name));
    takeUp(run, planned, [...told, ...refused.values()]);
  } catch (error) {
    fail(run, hostFailure(error, host.name, true), options);
  } finally {
    // Also where it took all the time there was.
    run.timings.probeMs = performance.now() - probing - run.timings.computeMs;
  }
}

function takeUp(run: HostRun, planned: PlannedHost, more: readonly Diagnostic[]): void {
  const diagnostics = [...planned.plan.diagnostics, ...more];
  run.plan = { ...planned.plan, diagnostics, state: hasErrors(diagnostics) ? 'refused' : 'planned' };
  run.steps = planned.steps;
  run.forgotten = planned.forgotten;
  run.unclaimed = planned.unclaimed;
  run.preparations = planned.steps.filter((step) => planned.preparations.includes(step.resource));
}
