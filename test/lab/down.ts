import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { cgroup, removeCgroup, removeIfEmpty } from './cgroup.ts';
import { endBuild, removeImages } from './image.ts';
import { withLock } from './lock.ts';
import { removeNamespace } from './namespace.ts';
import { labPaths, type StatePaths } from './paths.ts';
import { labNames } from './record.ts';
import { stopRelay } from './relay.ts';
import { labLock } from './up.ts';

/**
 * Removes all that `up` has made under that name, also what a crash has left of it: everything is found by its name,
 * no file of the lab is read. Images and fetched packages stay, for the next time.
 */
export async function down(state: StatePaths, lab: string): Promise<void> {
  await withLock(labLock(state, lab), async () => {
    // Mounts and cables end with the last process of each host.
    await removeCgroup(await cgroup(`lab-${lab}`));
    await removeNamespace(lab);
    await rm(labPaths(state, lab).root, { recursive: true, force: true });
  });
  if ((await labNames(state)).length === 0) await stopRelay(state);
  await endBuild(state);
  await removeIfEmpty(await cgroup());
}

/** Removes images, fetched packages and keys as well, where no lab is up. @returns whether it did */
export async function purge(state: StatePaths): Promise<boolean> {
  if ((await labNames(state)).length > 0) return false;
  await removeImages(state);
  for (const path of [state.packages, state.relay, state.key, `${state.key}.pub`, state.operatorPassword, state.labs]) {
    await rm(path, { recursive: true, force: true });
  }
  for (const name of await readdir(state.root)) if (name.endsWith('.lock')) await rm(join(state.root, name));
  return true;
}
