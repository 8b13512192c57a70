import { type Dirent, existsSync, readdirSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { loadInventory } from '../inventory/load.ts';
import { type Diagnostic, FarmError, hasErrors, problem } from '../model/diagnostic.ts';
import type { Farm } from '../model/farm.ts';
import type { Role } from '../role/define.ts';
import { loadRoles } from '../role/load.ts';
import type { InventoryFlags } from './options.ts';
import type { Terminal } from './terminal.ts';

/** What a command works on. */
export interface Project {
  readonly farm: Farm;
  readonly roles: ReadonlyMap<string, Role>;
  /** Folders with `roles/` and `templates/`, the project's own first. */
  readonly roots: readonly string[];
  /** Warnings and notes: errors never get so far. */
  readonly diagnostics: readonly Diagnostic[];
}

/**
 * Reads roles and inventory.
 * @throws FarmError with all that is wrong in them
 */
export async function openProject(flags: InventoryFlags, terminal: Terminal): Promise<Project> {
  const { farm, roles, roots, diagnostics } = await readProject(flags, terminal);
  if (farm === undefined || hasErrors(diagnostics)) throw new FarmError(diagnostics);
  return { farm, roles, roots, diagnostics };
}

/** As `openProject`, but returns what is wrong: for `validate`, which says everything at once. */
export async function readProject(
  flags: InventoryFlags,
  terminal: Terminal,
  { checksValues = true } = {},
): Promise<Omit<Project, 'farm'> & { readonly farm: Farm | undefined }> {
  const source = inventorySource(flags.inventory, terminal);
  const { roles, roots, broken, diagnostics } = await loadRoles(projectDirectory(source, terminal.directory));
  const inventory = await loadInventory(source, {
    roles,
    overrides: flags.extraVars,
    environment: terminal.environment,
    directory: terminal.directory,
    checksValues,
    ...(source === '-' ? { input: await terminal.readInput() } : {}),
  });
  for (const [file, text] of inventory.sources) terminal.sources.set(file, text);
  // That a role cannot be loaded has been said: that the inventory then names an unknown one says nothing more.
  const told = inventory.diagnostics.filter(
    ({ code, detail }) => code !== 'role/unknown' || !broken.some((name) => detail.includes(`"${name}"`)),
  );
  const farm = hasErrors(diagnostics) ? undefined : inventory.farm;
  return { farm, roles, roots, diagnostics: [...diagnostics, ...told] };
}

/** `-i`, else FARMCTL_INVENTORY. */
function givenSource(flag: string | undefined, terminal: Terminal): string | undefined {
  const given = flag ?? terminal.environment['FARMCTL_INVENTORY'];
  return given === '' ? undefined : given;
}

/** The roles of the project, for what needs no inventory: it only says where the project is, if one is given. */
export function projectRoles(flag: string | undefined, terminal: Terminal): ReturnType<typeof loadRoles> {
  return loadRoles(projectDirectory(givenSource(flag, terminal) ?? '-', terminal.directory));
}

/** `-i`, else FARMCTL_INVENTORY, else the one entry of `inventories/`. */
export function inventorySource(flag: string | undefined, terminal: Terminal): string {
  const given = givenSource(flag, terminal);
  if (given !== undefined) return given;
  const folder = join(terminal.directory, 'inventories');
  const entries = existsSync(folder) ? readdirSync(folder, { withFileTypes: true }).filter(isInventory) : [];
  const [only, ...more] = entries.map((one) => one.name);
  if (only !== undefined && more.length === 0) return join(folder, only);
  const names = [only, ...more].filter((name) => name !== undefined).sort();
  const detail =
    names.length === 0
      ? `No inventory was given, and there is none in ${folder}.`
      : `No inventory was given, and inventories/ holds several: ${names.join(', ')}.`;
  throw new FarmError(
    problem('cli/no-inventory', 'No inventory', detail, {
      hint:
        names.length === 0
          ? 'Name one with -i, set FARMCTL_INVENTORY, or make a project with `farmctl init DIRECTORY`.'
          : `Name one with -i, for example -i ${names[0]}, or set FARMCTL_INVENTORY.`,
    }),
  );
}

/** A file by its ending, a folder by what lies in it: one with keys and other files is none. */
function isInventory(entry: Dirent): boolean {
  if (!entry.isDirectory()) return /\.(ya?ml|json)$/.test(entry.name);
  return readdirSync(join(entry.parentPath, entry.name)).some((name) => /\.ya?ml$/.test(name));
}

/**
 * The folder of the user's project: the nearest one above the inventory (or the working directory) that has `roles`,
 * `templates` or `inventories`. Code is loaded from it, so the search ends at a folder that everybody may write to.
 */
export function projectDirectory(source: string, directory: string): string | undefined {
  const path = resolve(directory, source);
  const start = source !== '-' && existsSync(path) ? dirname(path) : directory;
  for (let folder = start; ; folder = dirname(folder)) {
    if ((statSync(folder).mode & 0o002) !== 0) return undefined;
    if (['roles', 'templates', 'inventories'].some((name) => existsSync(join(folder, name)))) return folder;
    if (folder === dirname(folder)) return undefined;
  }
}
