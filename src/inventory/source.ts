import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { didYouMean } from '../lib/closest.ts';
import { type Diagnostic, type Place, problem } from '../model/diagnostic.ts';
import { isMap, mergeInto } from './merge.ts';
import { keyPlace, type SourceText, valuePlace } from './origin.ts';
import { readFailure, type TagRequest } from './tags.ts';
import { parseYaml, sourceText } from './yaml.ts';

/** All texts of one inventory, merged into one map whose tags still wait for their values. */
export interface ReadInventory {
  /** Undefined where there is nothing sensible to check: no file, or YAML syntax errors. */
  readonly document: Record<string, unknown> | undefined;
  readonly sources: ReadonlyMap<string, SourceText>;
  readonly requests: readonly TagRequest[];
  readonly diagnostics: readonly Diagnostic[];
}

interface Reading {
  readonly cwdPath: string;
  readonly document: Record<string, unknown>;
  readonly sources: Map<string, SourceText>;
  readonly requests: TagRequest[];
  readonly diagnostics: Diagnostic[];
  /** Real paths: a file that is named twice is read once. */
  readonly seen: Set<string>;
  isBroken: boolean;
}

const EXTENSIONS = ['.yaml', '.yml', '.json'];

/**
 * Reads the inventory that `source` names: a file, a folder, a name below an `inventories` folder, or `-` with the text
 * of the standard input.
 */
export async function readInventory(
  source: string,
  cwdPath: string,
  stdin: string | undefined,
): Promise<ReadInventory> {
  const reading: Reading = {
    cwdPath,
    document: {},
    sources: new Map(),
    requests: [],
    diagnostics: [],
    seen: new Set(),
    isBroken: false,
  };
  if (source === '-') await readText(reading, sourceText('<stdin>', cwdPath, stdin ?? ''));
  else {
    const path = await findInventory(source, cwdPath);
    if (typeof path === 'string') await readPath(reading, path, undefined);
    else fail(reading, path);
  }
  const { document, sources, requests, diagnostics } = reading;
  const [first] = sources.keys();
  if (first !== undefined && !reading.isBroken && Object.keys(document).length === 0) {
    const hint = 'An inventory begins with keys such as "farm:", "networks:" and "tiers:".';
    const at: Place = { file: first, line: 1, column: 1 };
    fail(reading, problem('inventory/empty', 'Empty inventory', `${first} says nothing.`, { at, hint }));
  }
  const { isBroken } = reading;
  return { document: isBroken ? undefined : document, sources, requests, diagnostics };
}

/** The absolute path of the inventory that a user's word stands for, or why there is none. */
async function findInventory(source: string, cwdPath: string): Promise<string | Diagnostic> {
  const direct = resolve(cwdPath, source);
  if (source !== '' && (await exists(direct))) return direct;
  const names: string[] = [];
  if (source !== '' && !source.includes('/')) {
    for (let folder = cwdPath; ; folder = dirname(folder)) {
      const inventories = join(folder, 'inventories');
      const present = await listFolder(inventories);
      const found = ['', ...EXTENSIONS].map((extension) => source + extension).find((name) => present.includes(name));
      if (found !== undefined) return join(inventories, found);
      names.push(...present.map((name) => name.replace(/\.(ya?ml|json)$/, '')));
      if (folder === dirname(folder)) break;
    }
  } else names.push(...(await listFolder(dirname(direct))).map((name) => join(dirname(source), name)));
  const detail = `There is no inventory "${source}".${didYouMean(source, names)}`;
  const hint = 'Name a file, a folder, or an entry of the folder inventories/; "-" reads the standard input.';
  return problem('inventory/not-found', 'Inventory not found', detail, { hint });
}

async function readPath(reading: Reading, path: string, at: Place | undefined): Promise<void> {
  const shown = shownPath(reading.cwdPath, path);
  const rest = at === undefined ? {} : { at };
  try {
    const real = await realpath(path);
    if (reading.seen.has(real)) return;
    reading.seen.add(real);
    if ((await stat(path)).isDirectory()) {
      const names = (await readdir(path)).filter((name) => /^[^.].*\.(ya?ml|json)$/.test(name)).sort();
      if (names.length === 0) {
        const detail = `The folder ${shown} holds no .yaml, .yml or .json file.`;
        fail(reading, problem('inventory/not-found', 'Inventory not found', detail, rest));
      }
      for (const name of names) await readPath(reading, join(path, name), at);
      return;
    }
    const text = new TextDecoder('utf-8', { fatal: true }).decode(await readFile(path));
    await readText(reading, sourceText(shown, dirname(path), text));
  } catch (error) {
    const [detail, hint] = readFailure(error, shown, path);
    const found = problem('inventory/unreadable-file', 'File cannot be read', detail, rest);
    fail(reading, hint === undefined ? found : { ...found, hint });
  }
}

async function readText(reading: Reading, source: SourceText): Promise<void> {
  reading.sources.set(source.file, source);
  const { value, requests, diagnostics } = parseYaml(source);
  reading.diagnostics.push(...diagnostics);
  reading.requests.push(...requests);
  if (value === undefined || value === null) {
    if (diagnostics.length > 0) reading.isBroken = true;
    return;
  }
  if (!isMap(value)) {
    const at: Place = { file: source.file, line: 1, column: 1 };
    const detail = `${source.file} holds ${Array.isArray(value) ? 'a list' : 'a single value'}, where an inventory is a map.`;
    const hint = 'An inventory begins with keys such as "farm:", "networks:" and "tiers:".';
    fail(reading, problem('inventory/wrong-type', 'Wrong type', detail, { at, hint }));
    return;
  }
  const includes = takeIncludes(reading, value, source);
  reading.diagnostics.push(...mergeInto(reading.document, value));
  for (const { path, at } of includes) await readPath(reading, path, at);
}

/** The files that the text names under `include`, which is no part of the merged map. */
function takeIncludes(
  reading: Reading,
  value: Record<string, unknown>,
  source: SourceText,
): { path: string; at: Place | undefined }[] {
  const { include } = value;
  delete value['include'];
  if (include === undefined) return [];
  const entries: unknown[] = Array.isArray(include) ? include : [include];
  const found: { path: string; at: Place | undefined }[] = [];
  for (const [index, entry] of entries.entries()) {
    const at = Array.isArray(include) ? valuePlace(include, index) : keyPlace(value, 'include');
    if (typeof entry === 'string' && entry !== '') found.push({ path: resolve(source.folderPath, entry), at });
    else {
      const detail = 'An entry of "include" is the path of a file.';
      const rest = at === undefined ? {} : { at };
      fail(
        reading,
        problem('inventory/wrong-type', 'Wrong type', detail, { ...rest, hint: 'Write include: [tiers/app.yaml].' }),
      );
    }
  }
  return found;
}

function fail(reading: Reading, diagnostic: Diagnostic): void {
  reading.diagnostics.push(diagnostic);
  reading.isBroken = true;
}

/** Relative to the working directory where the file lies below it. */
function shownPath(cwdPath: string, path: string): string {
  const short = relative(cwdPath, path);
  return short === '' || short.startsWith('..') ? path : short;
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path);
    return true;
  } catch (error) {
    // Something is there that may not be read: reading it says so.
    return !(error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR'));
  }
}

async function listFolder(path: string): Promise<string[]> {
  try {
    return await readdir(path);
  } catch (error) {
    // Only suggestions are lost: what is missing is reported by the caller.
    if (error instanceof Error && 'code' in error) return [];
    throw error;
  }
}
