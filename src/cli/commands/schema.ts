import { publishedSchema } from '../../inventory/schema.ts';
import { FarmError, hasErrors } from '../../model/diagnostic.ts';
import { toJson } from '../../report/json.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import type { InventoryFlags } from '../options.ts';
import { projectRoles } from '../project.ts';
import type { Terminal } from '../terminal.ts';

/** `farmctl schema`: with the variables of the built-in roles and of the project's own. */
export async function schema(flags: Pick<InventoryFlags, 'inventory'>, terminal: Terminal): Promise<ExitCode> {
  const { roles, diagnostics } = await projectRoles(flags.inventory, terminal);
  if (hasErrors(diagnostics)) throw new FarmError(diagnostics);
  terminal.out(toJson(publishedSchema(roles)));
  return EXIT.done;
}
