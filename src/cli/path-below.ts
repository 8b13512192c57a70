import { lstatSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';

/** As the kernel of a host has it. */
const MAX_LINKS = 40;

/**
 * Where a path leads in a folder that stands for a host's root: links are followed as on the host, so that none leads
 * out of the folder. Undefined where they run in a circle.
 */
export function pathBelow(root: string, path: string): string | undefined {
  const left = path.split('/');
  const walked: string[] = [];
  let links = 0;
  for (let name = left.shift(); name !== undefined; name = left.shift()) {
    if (name === '' || name === '.') continue;
    if (name === '..') {
      walked.pop();
      continue;
    }
    const here = join(root, ...walked, name);
    if (lstatSync(here, { throwIfNoEntry: false })?.isSymbolicLink() !== true) {
      walked.push(name);
      continue;
    }
    links += 1;
    if (links > MAX_LINKS) return undefined;
    const target = readlinkSync(here);
    if (target.startsWith('/')) walked.length = 0;
    left.unshift(...target.split('/'));
  }
  return join(root, ...walked);
}
