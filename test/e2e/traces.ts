import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { cgroup } from '../lab/cgroup.ts';
import { command, isErrno } from '../lab/command.ts';
import { isThere } from '../lab/files.ts';
import { namespaceName, routeMetric } from '../lab/names.ts';
import { PROJECT_PATH, statePaths } from '../lab/paths.ts';

/** All that a lab can leave on the machine: namespace, mounts, groups, routes, processes, files. */
export async function traces(lab: string): Promise<readonly string[]> {
  const namespace = namespaceName(lab);
  const found: string[] = [];
  const listed = async (argv: readonly string[], sign: string) => {
    const { stdout } = await command(argv);
    found.push(...stdout.split('\n').filter((line) => line.includes(sign)));
  };
  await listed(['ip', 'netns', 'list'], namespace);
  await listed(['ip', 'link', 'show'], 'fl-');
  await listed(['ip', 'link', 'show'], 'flb-');
  await listed(['ip', 'route', 'show'], `metric ${routeMetric(lab)}`);
  const files = `${statePaths().labs}/${lab}`;
  const mounts = (await readFile('/proc/self/mounts', 'utf8')).split('\n');
  found.push(...mounts.filter((line) => line.includes(files) || line.includes(namespace)));
  for (const folder of (await cgroup(`lab-${lab}`)).folders) if (await isThere(folder)) found.push(folder);
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    try {
      const words = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).replaceAll('\0', ' ');
      if (words.includes(`${files}/`) || words.includes(`/run/netns/${namespace} `)) found.push(`${pid} ${words}`);
    } catch (error) {
      if (!isErrno(error, 'ENOENT', 'ESRCH')) throw error;
    }
  }
  if (await isThere(files)) found.push(files);
  return found;
}

/** Takes a lab down as a user does. */
export async function removed(lab: string): Promise<void> {
  const main = join(PROJECT_PATH, 'test/lab/main.ts');
  const result = await command([process.execPath, '-C', 'farmctl-source', main, 'down', '--name', lab]);
  expect(result).toMatchObject({ exitCode: 0 });
}
