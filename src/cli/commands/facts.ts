import { gatherFacts } from '../../engine/facts.ts';
import { renderFacts } from '../../report/facts-view.ts';
import { renderHostNames } from '../../report/host-list.ts';
import { toJson } from '../../report/json.ts';
import { renderTimings } from '../../report/timings.ts';
import { codeOfResults, EXIT, type ExitCode, gravest } from '../exit-code.ts';
import { FACTS_FORMAT_VERSION } from '../facts-file.ts';
import { openFarmRun } from '../farm-run.ts';
import type { HostFlags } from '../options.ts';
import { showResults } from '../show-diagnostics.ts';
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
  const results = answers.flatMap((answer) => ('result' in answer ? [answer.result] : []));
  if (flags.json) {
    const hosts = Object.fromEntries(found.map((one) => [one.host, one.facts]));
    terminal.out(toJson({ kind: 'facts', formatVersion: FACTS_FORMAT_VERSION, farm: work.farm.name, hosts, results }));
  } else {
    terminal.out(renderFacts(found, terminal.outStyle));
  }
  await showResults(results, flags, terminal);
  if (flags.timings) terminal.err(renderTimings(results));
  return gravest([codeOfResults(results), work.interrupted()]);
}
