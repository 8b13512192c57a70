import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { publishedSchema } from '../../inventory/schema.ts';
import { FarmError, problem } from '../../model/diagnostic.ts';
import { toJson } from '../../report/json.ts';
import { BUILT_IN_ROOT, loadRoles } from '../../role/load.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import { type FarmctlTypes, projectFiles } from '../project-files.ts';
import type { Terminal } from '../terminal.ts';

/** `farmctl init FOLDER` */
export async function init(folder: string, terminal: Terminal): Promise<ExitCode> {
  const path = resolve(terminal.directory, folder);
  const present = existsSync(path) ? readdirSync(path).filter((name) => name !== '.git') : [];
  if (present.length > 0) {
    const detail = `${folder} is not empty: it holds ${present.slice(0, 5).join(', ')}.`;
    throw new FarmError(
      problem('cli/folder-in-use', 'Folder in use', detail, { hint: 'Name a new or an empty folder.' }),
    );
  }
  const files = new Map(projectFiles(farmName(path), farmctlTypes(path)));
  for (const [name, content] of files) writeFile(join(path, name), content);
  const { roles } = await loadRoles(path);
  writeFile(join(path, 'farmctl.schema.json'), toJson(publishedSchema(roles)));
  const made = [...files.keys(), 'farmctl.schema.json'].map((name) => `  ${join(folder, name)}\n`).join('');
  terminal.out(`Made a project:\n${made}\nNext: cd ${folder} && farmctl validate -i prod\n`);
  return EXIT.done;
}

function writeFile(path: string, content: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}

/** The folder's name as far as it can be the label of a domain. */
function farmName(path: string): string {
  const label = basename(path)
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 63);
  return /^[a-z]/.test(label) ? label : 'farm';
}

/** The declarations where farmctl is built, else its source. */
function farmctlTypes(path: string): FarmctlTypes {
  const built = join(BUILT_IN_ROOT, 'src', 'index.d.ts');
  if (existsSync(built)) return { entry: fromProject(path, built) };
  return {
    entry: fromProject(path, join(BUILT_IN_ROOT, 'src', 'index.ts')),
    typeRoot: fromProject(path, join(BUILT_IN_ROOT, 'node_modules', '@types')),
  };
}

/** Relative where both lie close together, so that the project can be moved with it. */
function fromProject(path: string, target: string): string {
  const near = relative(path, target);
  if (near.split('/').filter((part) => part === '..').length > 2) return target;
  return near.startsWith('.') ? near : `./${near}`;
}
