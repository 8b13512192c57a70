import { didYouMean } from '../../lib/closest.ts';
import { FarmError, hasErrors, problem } from '../../model/diagnostic.ts';
import { toJson } from '../../report/json.ts';
import { renderRole, renderRoles, roleMarkdown } from '../../report/roles-view.ts';
import { schemaRows } from '../../report/schema-rows.ts';
import type { Role } from '../../role/define.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import type { InventoryFlags } from '../options.ts';
import { projectRoles } from '../project.ts';
import { showDiagnostics } from '../show-diagnostics.ts';
import type { Terminal } from '../terminal.ts';

export type RolesFlags = Pick<InventoryFlags, 'inventory'> & {
  readonly json?: true | undefined;
  readonly markdown?: true | undefined;
};

/** `farmctl roles [NAME]`. One broken role does not hide the others. */
export async function roles(name: string | undefined, flags: RolesFlags, terminal: Terminal): Promise<ExitCode> {
  const loaded = await projectRoles(flags.inventory, terminal);
  await showDiagnostics(loaded.diagnostics, terminal);
  const shown = name === undefined ? [...loaded.roles.values()] : [findRole(loaded.roles, name)];
  if (flags.json) terminal.out(toJson({ kind: 'roles', formatVersion: 1, roles: shown.map(roleValue) }));
  else if (flags.markdown) terminal.out(shown.map(roleMarkdown).join('\n'));
  else if (name === undefined) terminal.out(renderRoles(shown, terminal.outStyle));
  else terminal.out(shown.map((role) => renderRole(role, terminal.outStyle)).join('\n'));
  return hasErrors(loaded.diagnostics) ? EXIT.usage : EXIT.done;
}

function findRole(roles: ReadonlyMap<string, Role>, name: string): Role {
  const role = roles.get(name);
  if (role !== undefined) return role;
  const detail = `There is no role "${name}".${didYouMean(name, roles.keys())}`;
  throw new FarmError(problem('role/unknown', 'Unknown role', detail, { hint: '`farmctl roles` lists them.' }));
}

function roleValue({ name, summary, tags, systems, parts, variables }: Role) {
  const sides = [...parts].map(([part, { after = [] }]) => ({ part, after }));
  return { name, summary, tags, systems, parts: sides, variables: schemaRows(variables), schema: variables };
}
