import { gatherFacts } from '../../engine/facts.ts';
import { renderFacts } from '../../report/facts-view.ts';
import { renderHostNames } from '../../report/host-list.ts';
import { toJson } from '../../report/json.ts';
import { codeOfResults, EXIT, type ExitCode, gravest } from '../exit-code.ts';
import { FACTS_FORMAT_VERSION } from '../facts-file.ts';
import { openFarmRun } from '../farm-run.ts';
import type { HostFlags } from '../options.ts';
import { showResults } from '../show-diagnostics.ts';
import { showTimings } from '../show-timings.ts';
import type { Terminal } from '../terminal.ts';

/** `farmctl facts` */
export async function facts(flags: HostFlags, terminal: Terminal): Promise<ExitCode> {
  await using work = await openFarmRun(flags, terminal);
  if (flags.listHosts) {
    terminal.out(renderHostNames(work.hosts));
    return EXIT.done;
  }
  const answers = await gatherFacts(await work.options());
  await work.stopProgress();
  const found = answers.filter((answer) => 'facts' in answer);
  const results = answers.map((answer) => answer.result);
  if (flags.json) {
    const hosts = Object.fromEntries(found.map((one) => [one.host, one.facts]));
    const failed = answers.filter((answer) => !('facts' in answer)).map((answer) => answer.result);
    const { name: farm } = work.farm;
    terminal.out(toJson({ kind: 'facts', formatVersion: FACTS_FORMAT_VERSION, farm, hosts, results: failed }));
  } else {
    terminal.out(renderFacts(found, terminal.outStyle));
  }
  await showResults(results, flags, terminal);
  if (flags.timings) showTimings(results, terminal);
  return gravest([codeOfResults(results), work.interrupted()]);
}
