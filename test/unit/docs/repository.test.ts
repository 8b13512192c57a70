import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { PROJECT_PATH } from '../../lab/paths.ts';

/** Files of the project: all but those that .gitignore names, found without git, which a machine may lack. */
async function ownFiles(): Promise<readonly string[]> {
  const ignored = (await readFile(join(PROJECT_PATH, '.gitignore'), 'utf8'))
    .split('\n')
    .map((one) => one.replaceAll('/', ''));
  const skipped = new Set(['.git', 'package-lock.json', ...ignored]);
  const found: string[] = [];
  async function walk(folder: string): Promise<void> {
    for (const entry of await readdir(join(PROJECT_PATH, folder), { withFileTypes: true })) {
      if (skipped.has(entry.name)) continue;
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (entry.isDirectory()) await walk(path);
      else if (entry.isFile()) found.push(path);
    }
  }
  await walk('');
  return found;
}

/** Put together here, so that this file does not hold them itself. */
const word = (...parts: readonly string[]) => parts.join('');

/** What ties the project to one machine or one registry. */
const FOREIGN: ReadonlyArray<{ readonly what: string; readonly pattern: RegExp }> = [
  {
    what: 'a host of packages',
    pattern: new RegExp(
      word('(deb|security|ftp)\\.', 'debian\\.org|registry\\.', 'npmjs|npm', 'mirror|', 'yarnpkg\\.com|pypi\\.', 'org'),
    ),
  },
  {
    what: "a path of somebody's machine",
    pattern: new RegExp(word('["\'`( =]/(work|', 'farm|Users)/')),
  },
  {
    what: 'a log-in at a registry',
    pattern: new RegExp(word('_auth', 'Token|npm_[A-Za-z0-9]{36}|//[^/\\s]+:[^@\\s/]+', '@')),
  },
];

describe('the repository', () => {
  test('names no registry and no path of one machine', async () => {
    const found: string[] = [];
    for (const path of await ownFiles()) {
      const text = await readFile(join(PROJECT_PATH, path), 'utf8').catch((error: unknown) => {
        // Removed meanwhile by another test.
        if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return '';
        throw error;
      });
      for (const { what, pattern } of FOREIGN) {
        const line = text.split('\n').find((one) => pattern.test(one));
        if (line !== undefined) found.push(`${path}: ${what}: ${line.trim().slice(0, 120)}`);
      }
    }
    expect(found).toEqual([]);
  });

  test('the lock file names no registry', async () => {
    const lock = await readFile(join(PROJECT_PATH, 'package-lock.json'), 'utf8');
    expect(lock).not.toContain('"resolved": "http');
    expect(lock).toContain('"integrity"');
  });

  // An installation where a package for another platform cannot be fetched drops it, and `npm ci` refuses what is left.
  test('the lock file holds the packages of every platform', async () => {
    const lock: { packages: Record<string, { optionalDependencies?: Record<string, string> }> } = JSON.parse(
      await readFile(join(PROJECT_PATH, 'package-lock.json'), 'utf8'),
    );
    const wanted = Object.values(lock.packages).flatMap((one) => Object.keys(one.optionalDependencies ?? {}));
    const paths = Object.keys(lock.packages);
    expect(wanted.length).toBeGreaterThan(50);
    expect(wanted.filter((name) => !paths.some((path) => path.endsWith(`node_modules/${name}`)))).toEqual([]);
  });

  test('each role has a page that begins with its name', async () => {
    const roles = (await ownFiles()).filter((path) => /^roles\/[a-z][^/]*\/role\.ts$/.test(path));
    expect(roles.length).toBeGreaterThan(4);
    for (const path of roles) {
      const name = path.split('/')[1];
      expect(await readFile(join(PROJECT_PATH, `roles/${name}/README.md`), 'utf8')).toMatch(new RegExp(`^# ${name}\n`));
    }
  });
});
