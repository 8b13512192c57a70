import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { type Diagnostic, problem } from '../model/diagnostic.ts';
import type { Role } from './define.ts';
import { resolveFarmctl } from './resolve-farmctl.ts';

/** The roles that a command knows, by name, and what was wrong with those that could not be loaded. */
export interface LoadedRoles {
  readonly roles: ReadonlyMap<string, Role>;
  /** Absolute paths of the folders that hold `roles/` and `templates/`: the project's own first, farmctl's last. */
  readonly roots: readonly string[];
  readonly diagnostics: readonly Diagnostic[];
}

const here = fileURLToPath(import.meta.url);
const extension = here.endsWith('.ts') ? 'ts' : 'js';
// src/role/load.ts, or a chunk of the bundle: dist/src/chunk-….js.
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
    const module: { default?: unknown } = await import(pathToFileURL(path).href);
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
      hint: 'A role is a TypeScript file without enums, namespaces and parameter properties.',
    });
  }
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
    for (const role of loaded) {
      if ('parts' in role) roles.set(role.name, role);
      else diagnostics.push(role);
    }
  }
  return { roles: new Map([...roles].sort(([a], [b]) => a.localeCompare(b))), roots, diagnostics };
}
