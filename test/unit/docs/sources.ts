import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PROJECT_PATH } from '../../lab/paths.ts';

/** A file of the project: its path from there, and its text. */
export interface Source {
  readonly path: string;
  readonly text: string;
}

/** All files of that ending below a folder of the project. */
export async function sourcesIn(folder: string, ending: string): Promise<readonly Source[]> {
  const entries = await readdir(join(PROJECT_PATH, folder), { recursive: true });
  const paths = entries.filter((one) => one.endsWith(ending)).map((one) => `${folder}/${one}`);
  return Promise.all(
    paths.sort().map(async (path) => ({ path, text: await readFile(join(PROJECT_PATH, path), 'utf8') })),
  );
}

export async function pageText(path: string): Promise<string> {
  return readFile(join(PROJECT_PATH, path), 'utf8');
}
