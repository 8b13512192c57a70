import type { Plan } from '../../plan/plan.ts';
import { renderHostNames } from '../../report/host-list.ts';
import { planJson } from '../../report/plan-json.ts';
import { renderPlan } from '../../report/plan-view.ts';
import { codeOfPlan, codeOfResults, EXIT, type ExitCode, gravest } from '../exit-code.ts';
import { openFarmRun } from '../farm-run.ts';
import type { HostFlags, TagFlags } from '../options.ts';
import { showDiagnostics } from '../show-diagnostics.ts';
import { showTimings } from '../show-timings.ts';
import type { Terminal } from '../terminal.ts';

export type PlanFlags = HostFlags &
  TagFlags & { readonly diff?: true | undefined; readonly detailedExitcode?: true | undefined };

/** `farmctl plan` */
export function plan(flags: PlanFlags, terminal: Terminal): Promise<ExitCode> {
  return look(flags, terminal, flags.detailedExitcode ? EXIT.drift : EXIT.done);
}

/** `farmctl drift` */
export function drift(flags: PlanFlags, terminal: Terminal): Promise<ExitCode> {
  return look(flags, terminal, EXIT.drift);
}

async function look(flags: PlanFlags, terminal: Terminal, onChanges: ExitCode): Promise<ExitCode> {
  await using work = await openFarmRun(flags, terminal);
  if (flags.listHosts) {
    terminal.out(renderHostNames(work.hosts));
    return EXIT.done;
  }
  // Hosts are called first: they answer while the engine is loaded.
  const options = await work.options();
  const { prepareRun } = await import('../../engine/prepare.ts');
  const run = await prepareRun(options, { mayApply: false });
  run.close();
  await work.stopProgress();
  await showPlan(run.plan, flags, terminal);
  if (flags.timings) showTimings(run.results, terminal);
  return gravest([codeOfPlan(run.plan, onChanges), codeOfResults(run.results), work.interrupted()]);
}

/** The plan on stdout, what is wrong with its hosts on stderr. */
export async function showPlan(plan: Plan, flags: PlanFlags, terminal: Terminal): Promise<void> {
  if (flags.json) terminal.out(planJson(plan));
  else terminal.out(renderPlan(plan, { style: terminal.outStyle, fullDiffs: flags.diff ?? false }));
  await showDiagnostics(
    plan.hosts.flatMap((host) => host.diagnostics.map((one) => ({ ...one, host: one.host ?? host.host }))),
    terminal,
    Number(flags.verbose) > 0,
  );
}
