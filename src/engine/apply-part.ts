import { type Diagnostic, problem } from '../model/diagnostic.ts';
import { resourceName } from '../plan/desired.ts';
import { assess } from '../plan/step.ts';
import { applySteps, probeNow, type StepsOutcome, type StepWatcher } from './apply-steps.ts';
import { DEADLINES } from './deadlines.ts';
import { type HostRun, stepsOf } from './host-run.ts';
import { forgetScript } from './lock-host.ts';
import type { RunOptions } from './run.ts';
import { workOnPart } from './work-on-part.ts';

function notConverged(run: HostRun, part: string, resource: string, fields: string): Diagnostic {
  return problem(
    'resource/not-converged',
    'Not as desired after the change',
    `${resource} of ${part} on ${run.host.name} still differs: ${fields}.`,
    {
      host: run.host.name,
      resource,
      hint: 'Something on the host changes it back, or the desired value is not the form in which the host keeps it.',
    },
  );
}

/** Makes one part of the host and looks at it again. Never throws. */
export async function applyPart(
  run: HostRun,
  part: string,
  options: RunOptions,
  watcher: StepWatcher,
): Promise<StepsOutcome> {
  const steps = stepsOf(run, part);
  return workOnPart(run, part, options, async (session) => {
    const applying = { host: run.host.name, stopping: options.stopping, watcher, packagesRan: run.packagesRan };
    const outcome = await applySteps(session, steps, applying);
    run.packagesRan = applying.packagesRan;
    if (outcome !== 'done') return outcome;
    // Also those that were gone already when their turn came.
    const entries = steps.filter((step) => step.isRemoval).flatMap((step) => step.entries);
    if (entries.length > 0) {
      await session.exchange(forgetScript(entries), [], { deadlineMs: DEADLINES.stepMs, doing: 'forgetting' });
    }
    const resources = run.desired.parts.find((one) => one.part === part)?.resources ?? [];
    if (resources.length === 0) return 'done';
    const seen = await probeNow(session, resources);
    const diagnostics: Diagnostic[] = [];
    for (const resource of resources) {
      const found = assess(resource, [], false, seen);
      if (found.kind === 'change') {
        const fields = [
          ...found.difference.fields.map(
            (field) => `${field.name} is ${field.from ?? 'absent'}, not ${field.to ?? 'absent'}`,
          ),
          ...found.difference.texts.map((text) => `the content of ${text.path}`),
        ];
        diagnostics.push(notConverged(run, part, resourceName(resource), fields.join('; ')));
      } else if (found.kind === 'unknown' && !found.elseAsDesired)
        diagnostics.push(notConverged(run, part, resourceName(resource), found.reason));
    }
    const [first] = diagnostics;
    if (first === undefined) return 'done';
    run.failure ??= { outcome: 'failed', diagnostic: first };
    run.plan = { ...run.plan, diagnostics: [...run.plan.diagnostics, ...diagnostics.slice(1)] };
    return 'failed';
  });
}
