import { FarmError, hasErrors } from '../../model/diagnostic.ts';
import { renderFarm } from '../../plan/offline.ts';
import { groupDiagnostics } from '../../report/diagnostic-groups.ts';
import { count } from '../../report/text.ts';
import { lintOnRender } from '../../template/lint.ts';
import { loadTemplates } from '../../template/load.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import { readFactsFile } from '../facts-file.ts';
import type { InventoryFlags } from '../options.ts';
import { readProject } from '../project.ts';
import { showDiagnostics } from '../show-diagnostics.ts';
import type { Terminal } from '../terminal.ts';
import { showWithoutFacts } from './render.ts';

export type ValidateFlags = InventoryFlags & { readonly facts?: string | undefined };

/** `farmctl validate` */
export async function validate(flags: ValidateFlags, terminal: Terminal): Promise<ExitCode> {
  const { farm, roles, roots, diagnostics: found } = await readProject(flags, terminal);
  const diagnostics = [...found];
  let sum = '';
  // Roles are given variables that their schema allows: there are none before the inventory is right.
  if (farm !== undefined && !hasErrors(found)) {
    try {
      const facts = flags.facts === undefined ? undefined : readFactsFile(flags.facts, terminal.directory);
      const lint = lintOnRender(loadTemplates(roots));
      const view = renderFarm(farm, roles, lint.templates, [...farm.hosts.keys()], facts);
      diagnostics.push(...view.diagnostics, ...lint.diagnostics());
      showWithoutFacts(view.withoutFacts, terminal);
      const files = `${count(view.files.length, 'file')} on ${count(farm.hosts.size, 'host')}`;
      sum = `${farm.name}: the inventory is right, and its roles render ${files}.\n`;
    } catch (error) {
      if (!(error instanceof FarmError)) throw error;
      diagnostics.push(...error.diagnostics);
    }
  }
  await showDiagnostics(diagnostics, terminal, Number(flags.verbose) > 0);
  if (hasErrors(diagnostics)) {
    const errors = groupDiagnostics(diagnostics, true).filter((one) => one.severity === 'error').length;
    terminal.err(terminal.errStyle.red(`${count(errors, 'mistake')} found.\n`));
    return EXIT.usage;
  }
  terminal.out(terminal.outStyle.green(sum));
  return EXIT.done;
}
