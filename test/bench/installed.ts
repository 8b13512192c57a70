import { cp, mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { must } from '../lab/command.ts';
import { PROJECT_PATH } from '../lab/paths.ts';

/** farmctl as users have it: built, packed, unpacked elsewhere. */
export interface Installed extends AsyncDisposable {
  readonly folder: string;
  /** Words that start it. */
  readonly words: readonly string[];
}

/** Builds and packs farmctl and unpacks the tarball into a folder of its own. @throws FarmError */
export async function install(): Promise<Installed> {
  const folder = await mkdtemp(join(tmpdir(), 'farmctl-bench-'));
  const build = join(PROJECT_PATH, 'test/build/build.ts');
  await must([process.execPath, '-C', 'farmctl-source', build], { cwd: PROJECT_PATH });
  await must(['npm', 'pack', '--ignore-scripts', '--pack-destination', folder], { cwd: PROJECT_PATH });
  const tarball = (await readdir(folder)).find((name) => name.endsWith('.tgz'));
  await must(['tar', '-xzf', join(folder, tarball ?? ''), '-C', folder]);
  // The folder is a project of the benchmark's own role.
  await cp(join(PROJECT_PATH, 'test/bench/project'), folder, { recursive: true });
  return {
    folder,
    words: [join(folder, 'package/bin/farmctl.js')],
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}
