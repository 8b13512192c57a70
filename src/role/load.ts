import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { closest } from '../lib/closest.ts';
import { type Diagnostic, problem } from '../model/diagnostic.ts';
import type { Role } from './define.ts';
import { importModule } from './import-module.ts';
import { resolveFarmctl } from './resolve-farmctl.ts';

/** The roles that a command knows, by name, and what was wrong with those that could not be loaded. */
export interface LoadedRoles {
  readonly roles: ReadonlyMap<string, Role>;
  /** Absolute paths of the folders that hold `roles/` and `templates/`: the project's own first, farmctl's last. */
  readonly roots: readonly string[];
  /** Names of roles that are there and could not be loaded. */
  readonly broken: readonly string[];
  readonly diagnostics: readonly Diagnostic[];
}

const here = fileURLToPath(import.meta.url);
const extension = here.endsWith('.ts') ? 'ts' : 'js';
// src/role/load.ts, or the published script: dist/src/farmctl-….cjs.
const source = extension === 'ts' ? dirname(dirname(here)) : dirname(here);

/** The folder with farmctl's own `roles/` and `templates/`. */
export const BUILT_IN_ROOT = dirname(source);

function isRole(value: unknown): value is Role {
  return (
    typeof value === 'object' && value !== null && 'parts' in value && value.parts instanceof Map && 'name' in value
  );
}

async function loadRole(path: string, name: string): Promise<Role | Diagnostic> {
  const at = { file: path, line: 1, column: 1 };
  try {
    const module = await importModule(pathToFileURL(path).href);
    if (!isRole(module.default))
      return problem('role/invalid', 'Not a role', `${path} does not export a role by default.`, {
        at,
        hint: 'Write `export default defineRole({ … })`.',
      });
    if (module.default.name !== name)
      return problem(
        'role/invalid',
        'Role name and folder differ',
        `The role in ${path} is named "${module.default.name}".`,
        {
          at,
          hint: `Name it "${name}", as its folder, or rename the folder.`,
        },
      );
    return module.default;
  } catch (error) {
    const reason = error instanceof Error ? error : new Error(String(error));
    const line = new RegExp(`${path.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')}:(\\d+):?(\\d+)?`).exec(
      reason.stack ?? '',
    );
    return problem('role/broken', 'Role cannot be loaded', `${path}: ${reason.message}`, {
      at: { file: path, line: Number(line?.[1] ?? 1), column: Number(line?.[2] ?? 1) },
      hint: 'Correct it there. Roles are TypeScript without enums, namespaces and parameter properties.',
    });
  }
}

/** Every `after` and `outlasts` that names no role and no part: such an order would be lost without a word. */
function strayOrder(roles: ReadonlyMap<string, Role>, paths: ReadonlyMap<string, string>): readonly Diagnostic[] {
  const known = [...roles.values()].flatMap((role) => [role.name, ...role.parts.keys()]);
  const found: Diagnostic[] = [];
  for (const role of roles.values())
    for (const [name, part] of role.parts) {
      const after = (part.after ?? []).map((one) => (typeof one === 'string' ? one : one.part));
      const named = [
        ...after.map((wanted) => ({ how: 'comes after', wanted })),
        ...(part.outlasts ?? []).map((wanted) => ({ how: 'outlasts', wanted })),
      ];
      for (const { how, wanted } of named) {
        if (known.includes(wanted)) continue;
        const near = closest(wanted, known);
        found.push(
          problem(
            'role/unknown-after',
            'Unknown part in `after`',
            `${name} ${how} "${wanted}", which is neither a role nor a part.`,
            {
              at: { file: paths.get(role.name) ?? role.name, line: 1, column: 1 },
              hint: near === undefined ? 'Name a role, or a part as ROLE/SIDE.' : `Did you mean "${near}"?`,
            },
          ),
        );
      }
    }
  return found;
}

/**
 * Loads farmctl's own roles and those in the project's `roles/NAME/role.ts`. A role of the project replaces a built-in
 * one of the same name.
 * @param projectDirectory absolute path, or undefined for the built-in roles alone
 */
export async function loadRoles(projectDirectory: string | undefined): Promise<LoadedRoles> {
  resolveFarmctl(join(source, `index.${extension}`));
  const roots = [BUILT_IN_ROOT];
  if (projectDirectory !== undefined && projectDirectory !== BUILT_IN_ROOT) roots.unshift(projectDirectory);
  const roles = new Map<string, Role>();
  const diagnostics: Diagnostic[] = [];
  const paths = new Map<string, string>();
  const broken: string[] = [];
  for (const root of roots) {
    const folder = join(root, 'roles');
    if (!existsSync(folder)) continue;
    const names = readdirSync(folder, { withFileTypes: true }).filter(
      (one) => one.isDirectory() && /^[a-z]/.test(one.name),
    );
    const ending = root === BUILT_IN_ROOT ? extension : 'ts';
    const found = names
      .map((one) => ({ name: one.name, path: join(folder, one.name, `role.${ending}`) }))
      .filter(({ name, path }) => !roles.has(name) && existsSync(path));
    const loaded = await Promise.all(found.map(({ name, path }) => loadRole(path, name)));
    for (const [index, role] of loaded.entries()) {
      const { name = '', path = '' } = found[index] ?? {};
      paths.set(name, path);
      if ('parts' in role) {
        roles.set(role.name, role);
        continue;
      }
      broken.push(name);
      diagnostics.push(role);
    }
  }
  if (broken.length === 0) diagnostics.push(...strayOrder(roles, paths));
  // Not localeCompare: that would load the rules of all languages, which takes longer than all roles.
  return { roles: new Map([...roles].sort(([a], [b]) => (a < b ? -1 : 1))), roots, broken, diagnostics };
}
