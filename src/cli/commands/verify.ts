import { runChecks } from '../../engine/verify.ts';
import { renderHostNames } from '../../report/host-list.ts';
import { toJson } from '../../report/json.ts';
import { renderChecks } from '../../report/verify-view.ts';
import { codeOfResults, EXIT, type ExitCode, gravest } from '../exit-code.ts';
import { openFarmRun } from '../farm-run.ts';
import type { HostFlags, TagFlags } from '../options.ts';
import { showResults } from '../show-diagnostics.ts';
import { showTimings } from '../show-timings.ts';
import type { Terminal } from '../terminal.ts';

/** `farmctl verify` */
export async function verify(flags: HostFlags & TagFlags, terminal: Terminal): Promise<ExitCode> {
  await using work = await openFarmRun(flags, terminal);
  if (flags.listHosts) {
    terminal.out(renderHostNames(work.hosts));
    return EXIT.done;
  }
  const { checks, results } = await runChecks(await work.options());
  await work.stopProgress();
  if (flags.json) terminal.out(toJson({ kind: 'verify', formatVersion: 1, farm: work.farm.name, checks, results }));
  else terminal.out(renderChecks(checks, terminal.outStyle));
  await showResults(results, flags, terminal);
  if (flags.timings) showTimings(results, terminal);
  const failed = checks.some((check) => !check.ok) ? EXIT.drift : EXIT.done;
  return gravest([failed, codeOfResults(results), work.interrupted()]);
}
