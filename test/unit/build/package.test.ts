import { mkdir, readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Installed, install } from '../../bench/installed.ts';
import { command } from '../../lab/command.ts';
import { PROJECT_PATH } from '../../lab/paths.ts';

let packed: Installed;
let farmctl: string;
let site: string;

beforeAll(async () => {
  packed = await install();
  const place = join(packed.folder, 'place');
  await mkdir(place);
  const tarball = (await readdir(packed.folder)).find((name) => name.endsWith('.tgz')) ?? '';
  const words = ['npm', 'install', '--offline', '--no-audit', '--no-fund', join(packed.folder, tarball)];
  expect(await command(words, { cwd: place })).toMatchObject({ exitCode: 0 });
  farmctl = join(place, 'node_modules/.bin/farmctl');
  site = join(packed.folder, 'site');
}, 240_000);

afterAll(() => packed[Symbol.asyncDispose]());

const run = (words: readonly string[], cwd: string) =>
  command([farmctl, ...words], { cwd, env: { XDG_CACHE_HOME: packed.folder, NO_COLOR: '1' } });

test('installs without a network and says its version', async () => {
  const manifest = JSON.parse(await readFile(join(PROJECT_PATH, 'package.json'), 'utf8')) as { version: string };
  expect(await run(['--version'], packed.folder)).toMatchObject({ exitCode: 0, stdout: `${manifest.version}\n` });
});

test('brings its own roles and templates', async () => {
  const roles = (await readdir(join(PROJECT_PATH, 'roles'))).filter((name) => !name.startsWith('_'));
  const { stdout } = await run(['roles'], packed.folder);
  for (const role of roles) expect(stdout).toContain(role);
  const demo = join(PROJECT_PATH, 'inventories/demo.yaml');
  expect(await run(['validate', '-i', demo], packed.folder)).toMatchObject({ exitCode: 0, stderr: '' });
});

test("a user's own role finds the installed farmctl, and so does their editor", async () => {
  expect(await run(['init', site], packed.folder)).toMatchObject({ exitCode: 0, stderr: '' });
  expect(await run(['validate'], site)).toMatchObject({ exitCode: 0, stderr: '' });
  const tsc = join(PROJECT_PATH, 'node_modules/.bin/tsc');
  expect(await command([tsc, '-p', site, '--noEmit'], { cwd: site })).toMatchObject({ exitCode: 0, stdout: '' });
});

test('what was compiled in one start is there for the next', async () => {
  const folder = join(packed.folder, 'farmctl/script');
  const kept = async () =>
    Promise.all(
      (await readdir(folder)).map(async (name) => [name.split('.').at(-1), (await stat(join(folder, name))).ino]),
    );
  await run(['roles'], packed.folder);
  const before = await kept();
  expect(before.map(([purpose]) => purpose)).toContain('roles');
  expect(await run(['roles', 'no-such-role'], packed.folder)).toMatchObject({ exitCode: 1 });
  await run(['roles'], packed.folder);
  expect(await kept()).toEqual(before);
});

test('every template and role of the source is there, and the licences of what is bundled', async () => {
  const dist = join(packed.folder, 'package/dist');
  const files = async (folder: string, ending: string) =>
    (await readdir(folder, { recursive: true })).filter((name) => name.endsWith(ending)).sort();
  expect(await files(join(dist, 'templates'), '.hbs')).toEqual(await files(join(PROJECT_PATH, 'templates'), '.hbs'));
  expect(await readFile(join(dist, 'LICENSES.txt'), 'utf8')).toContain('ssh2 1.17.0');
});
