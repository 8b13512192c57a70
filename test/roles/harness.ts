import { loadInventory } from '../../src/inventory/load.ts';
import { type Diagnostic, FarmError, hasErrors, problem } from '../../src/model/diagnostic.ts';
import type { Farm } from '../../src/model/farm.ts';
import { type DesiredHost, type DesiredPart, desiredOf, withMembers } from '../../src/plan/desired.ts';
import type { Resource } from '../../src/resource/define.ts';
import { BUILT_IN_ROOT, loadRoles } from '../../src/role/load.ts';
import { type ResolvedFarm, resolveFarm } from '../../src/role/view.ts';
import { loadTemplates } from '../../src/template/load.ts';

const loaded = await loadRoles(undefined);
const templates = loadTemplates([BUILT_IN_ROOT]);

/** What the built-in roles make of an inventory. */
export interface Rehearsal {
  readonly farm: Farm;
  readonly resolved: ResolvedFarm;
  host(name: string): DesiredHost;
  /** @throws FarmError with everything that is wrong on that host */
  part(host: string, part: string): DesiredPart;
}

/**
 * An inventory's text through the loader and the built-in roles, as `plan` does it, without any host.
 * @throws FarmError with everything that is wrong in the inventory
 */
export async function rehearse(
  inventory: string,
  options: { directory?: string; environment?: Record<string, string>; overrides?: readonly string[] } = {},
): Promise<Rehearsal> {
  if (loaded.diagnostics.length > 0) throw new FarmError(loaded.diagnostics);
  const { farm, diagnostics } = await loadInventory('-', { roles: loaded.roles, input: inventory, ...options });
  if (farm === undefined) throw new FarmError(diagnostics);
  const resolved = resolveFarm(farm, loaded.roles);
  const host = (name: string) => desiredOf(farm, resolved, name, templates, undefined);
  return {
    farm,
    resolved,
    host,
    part(name, part) {
      const { parts, diagnostics: wrong } = host(name);
      if (hasErrors(wrong)) throw new FarmError(wrong);
      const found = parts.find((one) => one.part === part);
      if (found === undefined) throw new Error(`${name} has no part ${part}`);
      return found;
    },
  };
}

/** What is wrong with an inventory, in the loader or in the roles of that host. */
export async function mistakes(
  inventory: string,
  host: string,
  options?: Parameters<typeof rehearse>[1],
): Promise<readonly Diagnostic[]> {
  try {
    return (await rehearse(inventory, options)).host(host).diagnostics;
  } catch (error) {
    if (error instanceof FarmError) return error.diagnostics;
    throw error;
  }
}

/** The text that the first of those mistakes points at. */
export async function pointedText(inventory: string, host: string, options?: Parameters<typeof rehearse>[1]) {
  const [{ at } = {}] = await mistakes(inventory, host, options);
  if (at === undefined) return undefined;
  const column = at.column - 1;
  return inventory.split('\n')[at.line - 1]?.slice(column, column + (at.length ?? 0));
}

/** A line for each resource, what lies inside others indented: what a golden test compares. */
export function outline(resources: readonly Resource[], indent = ''): string {
  const lines = resources.map(({ type, desired, id }) => {
    const inside = type.members?.(desired);
    const paths = (inside === undefined ? (type.paths?.(desired) ?? []) : []).filter((path) =>
      path.startsWith(`${id}/`),
    );
    const names = paths.map((path) => `${indent}  ${path.slice(id.length + 1)}\n`).join('');
    return `${indent}${type.type} ${id}\n${names}${outline(inside ?? [], `${indent}  `)}`;
  });
  return lines.join('');
}

/** The file of that path as people may see it, wherever among the resources it lies. @throws Error if there is none */
export function fileText(resources: readonly Resource[], path: string): string {
  for (const { type, desired } of resources.flatMap(withMembers)) {
    if (type.type === 'symlink') continue;
    for (const operation of type.members === undefined ? (type.apply(desired, undefined, []).files ?? []) : [])
      if (operation.kind === 'file' && operation.path === path) return operation.content.masked ?? '(binary)';
  }
  throw new FarmError(problem('test/no-file', 'No such file', `No resource writes ${path}.`));
}
