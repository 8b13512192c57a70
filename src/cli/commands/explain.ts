import { explainVariable } from '../../inventory/explain.ts';
import { FarmError } from '../../model/diagnostic.ts';
import { renderExplanations } from '../../report/explain-view.ts';
import { toJson } from '../../report/json.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import type { InventoryFlags } from '../options.ts';
import { openProject } from '../project.ts';
import { showDiagnostics } from '../show-diagnostics.ts';
import type { Terminal } from '../terminal.ts';

export type ExplainFlags = InventoryFlags & { readonly host: string; readonly json?: true | undefined };

/** `farmctl explain VARIABLE --host HOST` */
export async function explain(variable: string, flags: ExplainFlags, terminal: Terminal): Promise<ExitCode> {
  const { farm, diagnostics: found } = await openProject(flags, terminal);
  await showDiagnostics(found, terminal, Number(flags.verbose) > 0);
  const { explanations, diagnostics } = explainVariable(farm, flags.host, variable);
  if (diagnostics.length > 0) throw new FarmError(diagnostics);
  if (flags.json) terminal.out(toJson({ kind: 'explain', formatVersion: 1, host: flags.host, explanations }));
  else terminal.out(renderExplanations(explanations, terminal.outStyle));
  return EXIT.done;
}
