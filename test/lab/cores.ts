import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isErrno } from './command.ts';
import { withLock } from './lock.ts';
import { hostPaths, labPaths, type StatePaths } from './paths.ts';
import { labNames } from './record.ts';

/*
 * A VM runs on one core: its processes take turns, and over two cores each turn costs three times as much. Which core a
 * VM has is in a file beside its disk, from its start until it is switched off.
 */

async function readIfThere(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return undefined;
    throw error;
  }
}

async function namesIn(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return [];
    throw error;
  }
}

/** @returns the numbers of a list as the kernel writes it: `0-3,8` */
export function parseCores(list: string): readonly number[] {
  return list.split(',').flatMap((range) => {
    const [first = 0, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, index) => first + index);
  });
}

/** @returns the cores that this process may use */
export async function usableCores(): Promise<readonly number[]> {
  const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(await readFile('/proc/self/status', 'utf8'))?.[1];
  return parseCores(list ?? '0');
}

/** Gives a VM the core with the fewest of them, over all labs, and notes it at `path`. */
export async function takeCore(state: StatePaths, path: string): Promise<number> {
  return withLock(join(state.root, 'cores.lock'), async () => {
    const counts = new Map((await usableCores()).map((core) => [core, 0]));
    for (const lab of await labNames(state)) {
      const paths = labPaths(state, lab);
      for (const host of await namesIn(paths.hosts)) {
        const noted = hostPaths(paths, host).core;
        const core = Number((noted === path ? undefined : await readIfThere(noted)) ?? Number.NaN);
        const count = counts.get(core);
        if (count !== undefined) counts.set(core, count + 1);
      }
    }
    const [core = 0] = [...counts].sort((one, other) => one[1] - other[1])[0] ?? [];
    await writeFile(path, `${core}\n`);
    return core;
  });
}
