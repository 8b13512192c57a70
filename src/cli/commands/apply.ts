import type { HostResult } from '../../engine/events.ts';
import type { PreparedRun } from '../../engine/run.ts';
import { FarmError, problem } from '../../model/diagnostic.ts';
import { type HostPlan, hasChanges } from '../../plan/plan.ts';
import { renderHostNames } from '../../report/host-list.ts';
import { planJson } from '../../report/plan-json.ts';
import { countPlan } from '../../report/plan-summary.ts';
import { renderRecap } from '../../report/recap.ts';
import { count } from '../../report/text.ts';
import { codeOfPlan, codeOfResults, EXIT, type ExitCode, gravest } from '../exit-code.ts';
import { openFarmRun } from '../farm-run.ts';
import { confirm } from '../question.ts';
import { showDiagnostics } from '../show-diagnostics.ts';
import { showTimings } from '../show-timings.ts';
import type { Terminal } from '../terminal.ts';
import { type PlanFlags, plan as planCommand, showPlan } from './plan.ts';

export type ApplyFlags = PlanFlags & { readonly check?: true | undefined; readonly yes?: true | undefined };

/** `farmctl apply` */
export async function apply(flags: ApplyFlags, terminal: Terminal): Promise<ExitCode> {
  if (flags.check) return planCommand(flags, terminal);
  // Said before any host is looked at: waiting for a plan that cannot be confirmed helps nobody.
  if (!flags.yes && !flags.listHosts && (flags.json || !terminal.isInteractive))
    throw new FarmError(nobodyToAsk(flags));
  await using work = await openFarmRun(flags, terminal);
  if (flags.listHosts) {
    terminal.out(renderHostNames(work.hosts));
    return EXIT.done;
  }
  // Hosts are called first: they answer while the engine is loaded.
  const options = await work.options();
  const { prepareRun } = await import('../../engine/prepare.ts');
  const run = await prepareRun(options);
  try {
    await work.stopProgress();
    if (!flags.json) await showPlan(run.plan, flags, terminal);
    if (work.interrupt.stopping.aborted) {
      if (flags.json) terminal.out(planJson(run.plan, run.results));
      return EXIT.interrupted;
    }
    // A mistake in a role, a variable or a template is the user's to correct first: nothing is changed anywhere.
    if (codeOfPlan(run.plan, EXIT.done) === EXIT.usage) return await finish(run, run.results, flags, terminal);
    if (!hasChanges(run.plan)) return await finish(run, run.results, flags, terminal);
    if (!flags.yes && !(await confirmed(run, work.interrupt.stopping, terminal))) return EXIT.interrupted;
    const results = await run.apply();
    await work.stopProgress();
    const code = await finish(run, results, flags, terminal);
    return work.interrupt.stopping.aborted ? EXIT.interrupted : code;
  } finally {
    run.close();
  }
}

async function finish(
  run: PreparedRun,
  results: readonly HostResult[],
  flags: ApplyFlags,
  terminal: Terminal,
): Promise<ExitCode> {
  if (flags.json) terminal.out(planJson(run.plan, results));
  else terminal.out(renderRecap(run.plan, results, terminal.outStyle));
  await showDiagnostics(newDiagnostics(flags.json ? [] : run.plan.hosts, results), terminal);
  if (flags.timings) showTimings(results, terminal);
  return gravest([codeOfPlan(run.plan, EXIT.done), codeOfResults(results)]);
}

/** What the results say beyond what was already printed with the plans of these hosts. */
function newDiagnostics(printed: readonly HostPlan[], results: readonly HostResult[]) {
  const shown = new Set(printed.flatMap((host) => host.diagnostics));
  return results.flatMap(({ host, diagnostics }) =>
    diagnostics.filter((one) => !shown.has(one)).map((one) => ({ ...one, host: one.host ?? host })),
  );
}

async function confirmed(run: PreparedRun, stopping: AbortSignal, terminal: Terminal): Promise<boolean> {
  const { create, update, delete: deleted, hosts } = countPlan(run.plan);
  const question = `Make ${count(create + update + deleted, 'change')} on ${count(hosts, 'host')}?`;
  if (await confirm(question, stopping)) return true;
  terminal.err('Nothing was changed.\n');
  return false;
}

function nobodyToAsk(flags: ApplyFlags) {
  const detail = flags.json
    ? 'apply --json prints no question.'
    : 'apply asks before it changes anything, and there is no terminal to ask on.';
  return problem('cli/not-confirmed', 'Not confirmed', detail, {
    hint: 'Look with `farmctl plan`, then say yes beforehand with `farmctl apply --yes`.',
  });
}
