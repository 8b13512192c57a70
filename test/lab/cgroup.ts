import { mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FarmError, problem } from '../../src/model/diagnostic.ts';
import { isErrno } from './command.ts';
import { waitUntil } from './wait.ts';

/*
 * Every process that the lab leaves running lives in a control group of the lab. The group is made before the process,
 * so that it is found after a crash at any moment, and killing it can hit nothing that is not the lab's.
 */

/** Where the machine has cgroup v2, and the tree that systemd-nspawn keeps beside it on machines with both versions. */
interface CgroupMounts {
  readonly v2: string;
  readonly twin?: string;
}

/** @returns undefined on a machine without cgroup v2. */
export async function cgroupMounts(): Promise<CgroupMounts | undefined> {
  let v2: string | undefined;
  let twin: string | undefined;
  for (const line of (await readFile('/proc/mounts', 'utf8')).split('\n')) {
    const [, place = '', type, options = ''] = line.split(' ');
    if (type === 'cgroup2') v2 ??= place;
    if (type === 'cgroup' && options.split(',').includes('name=systemd')) twin ??= place;
  }
  if (v2 === undefined) return undefined;
  return twin === undefined ? { v2 } : { v2, twin };
}

/** A control group of the lab, by its path below the mount: `farmctl-lab/demo/host-app1`. */
export interface Cgroup {
  readonly path: string;
  /** Every place where it has a folder. */
  readonly folders: readonly string[];
}

/** @throws FarmError lab/no-cgroup2 */
export async function cgroup(...names: readonly string[]): Promise<Cgroup> {
  const mounts = await cgroupMounts();
  if (mounts === undefined) {
    throw new FarmError(
      problem('lab/no-cgroup2', 'No cgroup v2', 'The lab needs cgroup version 2, and it is not mounted here.', {
        hint: 'mount -t cgroup2 cgroup2 /sys/fs/cgroup',
      }),
    );
  }
  const path = join('farmctl-lab', ...names);
  const path2 = join(mounts.v2, path);
  return { path: path2, folders: mounts.twin === undefined ? [path2] : [path2, join(mounts.twin, path)] };
}

/** Words in front of a command that start it as a member of the group, which must exist. */
export function inside(group: Cgroup): readonly string[] {
  return ['sh', '-ec', 'echo $$ >"$1/cgroup.procs"; shift; exec "$@"', 'sh', group.path];
}

export async function makeCgroup(group: Cgroup): Promise<void> {
  await mkdir(group.path, { recursive: true });
}

/** True while a living process is in it or below it. */
export async function isPopulated(group: Cgroup): Promise<boolean> {
  return (await events(group)).includes('populated 1');
}

export async function isFrozen(group: Cgroup): Promise<boolean> {
  return (await events(group)).includes('frozen 1');
}

async function events(group: Cgroup): Promise<string> {
  try {
    return await readFile(join(group.path, 'cgroup.events'), 'utf8');
  } catch (error) {
    if (isErrno(error, 'ENOENT', 'ENODEV')) return '';
    throw error;
  }
}

/** Stops every process of the group where it is, or lets them go on; returns when it is done. */
export async function setFrozen(group: Cgroup, frozen: boolean): Promise<void> {
  await writeFile(join(group.path, 'cgroup.freeze'), frozen ? '1' : '0');
  await waitUntil(5_000, `${group.path} did not ${frozen ? 'freeze' : 'thaw'}`, async () => {
    return (await isFrozen(group)) === frozen;
  });
}

/** SIGKILL to all of the group at once; returns when none is left. */
export async function killCgroup(group: Cgroup): Promise<void> {
  if (!(await isPopulated(group))) return;
  await writeFile(join(group.path, 'cgroup.kill'), '1');
  await waitUntil(10_000, `processes in ${group.path} survive SIGKILL`, async () => !(await isPopulated(group)));
}

/** Kills what is in the group and removes it with all below it. Nothing happens where there is none. */
export async function removeCgroup(group: Cgroup): Promise<void> {
  await killCgroup(group);
  for (const folder of group.folders) await removeFolder(folder);
}

/** Removes the group where nothing is below it. */
export async function removeIfEmpty(group: Cgroup): Promise<void> {
  for (const folder of group.folders) {
    try {
      await rmdir(folder);
    } catch (error) {
      if (!isErrno(error, 'ENOENT', 'EBUSY', 'ENOTEMPTY')) throw error;
    }
  }
}

async function removeFolder(folder: string): Promise<void> {
  for (const child of await subfolders(folder)) await removeFolder(join(folder, child));
  await waitUntil(5_000, `${folder} cannot be removed`, async () => {
    try {
      await rmdir(folder);
    } catch (error) {
      // Busy for a moment after its last process has ended.
      if (isErrno(error, 'EBUSY')) return false;
      if (!isErrno(error, 'ENOENT')) throw error;
    }
    return true;
  });
}

/** @returns names of the groups directly below it */
async function subfolders(folder: string): Promise<readonly string[]> {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries.filter((one) => one.isDirectory()).map((one) => one.name);
  } catch (error) {
    if (isErrno(error, 'ENOENT')) return [];
    throw error;
  }
}

/** @returns the processes of the group itself and of all below it */
export async function processesOf(folder: string): Promise<readonly number[]> {
  let own = '';
  try {
    own = await readFile(join(folder, 'cgroup.procs'), 'utf8');
  } catch (error) {
    if (!isErrno(error, 'ENOENT', 'ENODEV')) throw error;
  }
  const pids = own.split('\n').filter(Boolean).map(Number);
  for (const child of await subfolders(folder)) pids.push(...(await processesOf(join(folder, child))));
  return pids;
}
