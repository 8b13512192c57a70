import { closeSync, mkdirSync, openSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { tagFilter } from '../../engine/prepare.ts';
import { FarmError, hasErrors, problem } from '../../model/diagnostic.ts';
import { type OfflineView, type RenderedFile, renderFarm } from '../../plan/offline.ts';
import { hostList, renderHostNames } from '../../report/host-list.ts';
import { columns, count, printableLine } from '../../report/text.ts';
import { loadTemplates } from '../../template/load.ts';
import { EXIT, type ExitCode } from '../exit-code.ts';
import { readFactsFile } from '../facts-file.ts';
import type { SelectionFlags, TagFlags } from '../options.ts';
import { pathBelow } from '../path-below.ts';
import { openProject } from '../project.ts';
import { checkTags, selectedHosts } from '../selection.ts';
import { showDiagnostics } from '../show-diagnostics.ts';
import type { Terminal } from '../terminal.ts';

export type RenderFlags = SelectionFlags &
  TagFlags & { readonly output?: string | undefined; readonly facts?: string | undefined };

/** `farmctl render` */
export async function render(flags: RenderFlags, terminal: Terminal): Promise<ExitCode> {
  const { farm, roles, roots, diagnostics } = await openProject(flags, terminal);
  const hosts = selectedHosts(farm, roles, flags);
  checkTags(farm, roles, flags);
  if (flags.listHosts) {
    terminal.out(renderHostNames(hosts));
    return EXIT.done;
  }
  const facts = flags.facts === undefined ? undefined : readFactsFile(flags.facts, terminal.directory);
  const view = renderFarm(farm, roles, loadTemplates(roots), hosts, facts);
  await showDiagnostics([...diagnostics, ...view.diagnostics], terminal, Number(flags.verbose) > 0);
  if (hasErrors(view.diagnostics)) return EXIT.usage;
  const includes = tagFilter(roles, flags.tags, flags.skipTags);
  const files = view.files.filter(({ part }) => includes(part, part.split('/', 1)[0] ?? part));
  if (flags.output === undefined) {
    terminal.out(listFiles(files));
  } else {
    writeFiles(resolve(terminal.directory, flags.output), files);
    terminal.out(`${count(files.length, 'file')} of ${count(hosts.length, 'host')} written to ${flags.output}.\n`);
  }
  showWithoutFacts(view.withoutFacts, terminal);
  return EXIT.done;
}

function listFiles(files: readonly RenderedFile[]): string {
  if (files.length === 0) return '';
  const rows = files.map(({ host, part, file }) =>
    file.kind === 'file'
      ? [host, part, file.mode, `${file.owner}:${file.group}`, printableLine(file.path)]
      : [host, part, 'link', '', `${printableLine(file.path)} -> ${printableLine(file.target)}`],
  );
  return `${columns(rows).join('\n')}\n`;
}

/**
 * Writes the files below one folder per host, readable for their owner alone; in place of secrets is the mask. A folder
 * of an earlier rendering is replaced, and anything else is left alone.
 * @throws FarmError if the folder holds what did not come from here
 */
function writeFiles(folder: string, files: readonly RenderedFile[]): void {
  const marker = '.farmctl-render';
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const present = readdirSync(folder);
  if (present.length > 0 && !present.includes(marker)) {
    const detail = `${folder} is not empty, and nothing in it says that farmctl rendered it.`;
    throw new FarmError(
      problem('cli/folder-in-use', 'Folder in use', detail, { hint: 'Name a new or an empty folder.' }),
    );
  }
  for (const name of present) rmSync(join(folder, name), { recursive: true });
  writeFileSync(join(folder, marker), 'Written by farmctl render, which replaces it all the next time.\n', {
    mode: 0o600,
  });
  for (const { host, file } of files) writeBelow(join(folder, host), host, file);
}

/** A link that was rendered before leads to where it would on the host, never to this machine's own files. */
function writeBelow(root: string, host: string, file: RenderedFile['file']): void {
  try {
    // The path is absolute and without "..": the schema of every path says so.
    const parent = pathBelow(root, dirname(file.path));
    if (parent === undefined) throw pathTaken(host, file.path);
    mkdirSync(parent, { recursive: true, mode: 0o700 });
    const path = join(parent, basename(file.path));
    if (file.kind === 'symlink') symlinkSync(file.target, path);
    else writePieces(path, file.content.masked === undefined ? file.content.pieces() : [file.content.masked]);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
    throw error.code === 'EEXIST' || error.code === 'ENOTDIR' ? pathTaken(host, file.path, error) : error;
  }
}

/** Into a new file: it follows no link. */
function writePieces(path: string, pieces: Iterable<string | Uint8Array>): void {
  const at = openSync(path, 'wx', 0o600);
  try {
    for (const piece of pieces) writeFileSync(at, piece);
  } finally {
    closeSync(at);
  }
}

function pathTaken(host: string, path: string, cause?: Error): FarmError {
  const detail = `${printableLine(path)} of ${host} has no place: another file or link of that host is in its way.`;
  return new FarmError(problem('cli/path-taken', 'Path taken', detail, { hint: '`farmctl render` lists both.' }), {
    cause,
  });
}

/** Says what could not be rendered, by part. */
export function showWithoutFacts(left: OfflineView['withoutFacts'], terminal: Terminal): void {
  for (const [part, hosts] of Map.groupBy(left, (one) => one.part)) {
    const names = hostList(hosts.map(({ host }) => host));
    terminal.err(`Left out, as it asks for facts of its host: ${part} on ${names}. Give them with --facts FILE.\n`);
  }
}
