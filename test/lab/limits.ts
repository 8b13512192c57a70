import { readFile, writeFile } from 'node:fs/promises';

const INSTANCES = '/proc/sys/fs/inotify/max_user_instances';

/** Enough for some hundred hosts: each systemd has about seven, and all hosts share root's. Debian gives 128. */
const WANTED = 1024;

/**
 * Lets root watch more files. Without that a systemd too many ends at once, without a word on its console. The kernel
 * keeps the number until the machine's next boot; it costs nothing where it is not used.
 */
export async function raiseLimits(say: (line: string) => void): Promise<void> {
  const present = Number(await readFile(INSTANCES, 'utf8'));
  if (present >= WANTED) return;
  await writeFile(INSTANCES, `${WANTED}\n`);
  say(`fs.inotify.max_user_instances: ${present} -> ${WANTED}, until the next boot`);
}
