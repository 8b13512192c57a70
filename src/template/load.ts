import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { FarmError, problem } from '../model/diagnostic.ts';
import type { TemplateFile, Templates } from './templates.ts';

/** Templates are a few pages of text: more is a mistake, and would be rendered for every host. */
const MAX_BYTES = 4 * 1024 * 1024;

/**
 * Reads all `*.hbs` below the `templates` folders of the roots; a file in an earlier root hides one of the same name in
 * a later one, so a project may replace the built-in templates one by one. Small files, read at once: to go through
 * Node's threads for each takes several times as long.
 * @throws FarmError `template/unreadable`
 */
export function loadTemplates(roots: readonly string[], directory = process.cwd()): Templates {
  const files = new Map<string, TemplateFile>();
  for (const root of roots) {
    const folder = join(root, 'templates');
    for (const path of listTemplates(folder)) {
      const key = relative(folder, path);
      if (!files.has(key)) files.set(key, readTemplate(path, directory));
    }
  }
  return { files };
}

function listTemplates(folder: string): string[] {
  try {
    const entries = readdirSync(folder, { withFileTypes: true, recursive: true });
    return entries
      .filter((entry) => !entry.isDirectory() && entry.name.endsWith('.hbs'))
      .map((entry) => join(entry.parentPath, entry.name))
      .sort();
  } catch (error) {
    // A project without templates of its own is usual.
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw unreadable(folder, error);
  }
}

function readTemplate(path: string, directory: string): TemplateFile {
  const short = relative(directory, path);
  const file = short.startsWith('..') ? path : short;
  try {
    const bytes = readFileSync(path);
    if (bytes.length > MAX_BYTES) throw new Error(`it is larger than ${MAX_BYTES} bytes`);
    return { file, text: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes) };
  } catch (error) {
    throw unreadable(file, error);
  }
}

function unreadable(path: string, error: unknown): FarmError {
  const reason = error instanceof Error ? error.message : String(error);
  const detail = `${path} cannot be read: ${reason}.`;
  return new FarmError(problem('template/unreadable', 'Template cannot be read', detail), { cause: error });
}
