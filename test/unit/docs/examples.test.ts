import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { command } from '../../lab/command.ts';
import { PROJECT_PATH } from '../../lab/paths.ts';
import { pageText } from './sources.ts';

/** Runs the examples of docs/writing-a-role.md as a reader would: copied into a project of their own. */
describe('the examples of writing-a-role', () => {
  let folder: string;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'farmctl-docs-'));
    const made = await farmctl('init', 'shop');
    expect(made.exitCode, made.stderr).toBe(0);
    const page = await pageText('docs/writing-a-role.md');
    const examples = [...page.matchAll(/<!-- example: (\S+) -->\n```\w+\n([\s\S]*?)```/g)];
    expect(examples).toHaveLength(5);
    for (const [, path = '', text = ''] of examples) {
      await mkdir(dirname(join(folder, 'shop', path)), { recursive: true });
      await writeFile(join(folder, 'shop', path), text);
    }
  }, 60_000);
  afterAll(() => rm(folder, { recursive: true, force: true }));

  function farmctl(...words: readonly string[]) {
    const argv = [process.execPath, '-C', 'farmctl-source', join(PROJECT_PATH, 'src/bin.ts'), ...words];
    return command(argv, { cwd: words[0] === 'init' ? folder : join(folder, 'shop'), timeoutMs: 60_000 });
  }

  test('their types fit', async () => {
    const compiler = join(PROJECT_PATH, 'node_modules/.bin/tsc');
    const result = await command([compiler, '-p', '.', '--noEmit'], { cwd: join(folder, 'shop') });
    expect(result.stdout).toBe('');
    expect(result.exitCode).toBe(0);
  }, 60_000);

  test('validate and render take them', async () => {
    const valid = await farmctl('validate', '-i', 'prod');
    expect(valid.stderr).toBe('');
    expect(valid.exitCode).toBe(0);
    const rendered = await farmctl('render', '-i', 'prod', '-o', 'rendered');
    expect(rendered.exitCode, rendered.stderr).toBe(0);
    expect(await readFile(join(folder, 'shop/rendered/cache1/etc/memcached.conf'), 'utf8')).toMatchInlineSnapshot(`
      "# Managed by farmctl: what is changed here is lost at the next apply.
      -l 10.79.0.11
      -p 11211
      -m 32
      -u memcache
      # neighbour 10.79.0.12:11211
      "
    `);
  }, 60_000);

  test('the test of a role runs', async () => {
    await mkdir(join(folder, 'shop/node_modules'));
    await symlink(PROJECT_PATH, join(folder, 'shop/node_modules/farmctl'));
    const argv = [process.execPath, '-C', 'farmctl-source', '--test', '--test-reporter=tap'];
    const result = await command(argv, { cwd: join(folder, 'shop'), timeoutMs: 60_000 });
    expect(result.stdout).toContain('# pass 2\n# fail 0\n');
    expect(result.exitCode).toBe(0);
  }, 60_000);

  test('a rejected variable is shown at its place', async () => {
    const result = await farmctl('validate', '-i', 'prod', '-e', 'memcached.port=80');
    expect(result.exitCode).toBe(1);
    expect(result.stderr).toContain('Port 80 is for root alone');
  }, 60_000);
});
