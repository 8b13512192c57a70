import { access } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { PAGES, renderPage } from '../../docs/pages.ts';
import { PROJECT_PATH } from '../../lab/paths.ts';
import { pageText, sourcesIn } from './sources.ts';

describe('reference pages', () => {
  test.each(PAGES)('%s is as the code makes it (npm run docs)', async (path) => {
    expect(await pageText(path)).toBe(await renderPage(path));
  });

  test('writing-a-role tells every export', async () => {
    const index = await pageText('src/index.ts');
    const names = new Set<string>();
    for (const [, list = ''] of index.matchAll(/export (?:type )?\{([^}]*)\}/g))
      for (const word of list.split(',')) {
        const name = word
          .trim()
          .replace(/^type /, '')
          .split(' as ')
          .at(-1);
        if (name !== undefined && name !== '') names.add(name);
      }
    for (const [, file = ''] of index.matchAll(/export \* from '\.\/([^']+)'/g))
      for (const [, name = ''] of (await pageText(`src/${file}`)).matchAll(
        /^export (?:const|function|interface|type|class) (\w+)/gm,
      ))
        names.add(name);
    expect(names.size).toBeGreaterThan(50);
    const page = await pageText('docs/writing-a-role.md');
    const words = new Set([...page.matchAll(/`([A-Za-z]+)`/g)].map(([, word]) => word));
    expect([...names].filter((name) => !words.has(name))).toEqual([]);
  });

  test.each([
    ['src/resource/define.ts', 'ResourceType'],
    ['src/resource/define.ts', 'Effect'],
    ['src/resource/service-set.ts', 'ServiceDesired'],
    ['src/role/define.ts', 'HostView'],
    ['src/role/define.ts', 'FarmView'],
    ['src/role/define.ts', 'RoleContext'],
    ['src/role/define.ts', 'Part'],
    ['src/role/define.ts', 'RolloutHost'],
    ['src/role/check.ts', 'HttpCheck'],
    ['src/role/check.ts', 'DnsCheck'],
  ])('writing-a-role tells every key of %s %s', async (path, name) => {
    const [, body = ''] =
      new RegExp(`interface ${name}\\b[^{]*\\{\\n([\\s\\S]*?)\\n\\}`).exec(await pageText(path)) ?? [];
    const keys = [...body.matchAll(/^ {2}(?:readonly )?(\w+)[?(:<]/gm)].map(([, key]) => key ?? '');
    expect(keys.length).toBeGreaterThan(1);
    const page = await pageText('docs/writing-a-role.md');
    // `kind` and the whole transaction are made by farmctl's own functions; `schema` is written as `desired`.
    const own = ['kind', 'transaction', 'schema'];
    expect(keys.filter((key) => !own.includes(key) && !new RegExp(`\\b${key}\\b`).test(page))).toEqual([]);
  });

  test('links lead to files and headings that there are', async () => {
    const top = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md'];
    const pages = [
      ...(await Promise.all(top.map(async (path) => ({ path, text: await pageText(path) })))),
      ...(await sourcesIn('docs', '.md')),
      ...(await sourcesIn('roles', 'README.md')),
    ];
    const broken: string[] = [];
    for (const { path, text } of pages) {
      for (const [, target = ''] of text.replaceAll(/`[^`\n]*`/g, '').matchAll(/\]\(([^)\s]+)\)/g)) {
        if (/^https?:/.test(target)) continue;
        const [file = '', anchor] = target.split('#', 2);
        const to = file === '' ? path : join(dirname(path), file);
        const exists = await access(join(PROJECT_PATH, to)).then(
          () => true,
          () => false,
        );
        if (!exists) broken.push(`${path}: ${target}`);
        else if (anchor !== undefined && !headings(await pageText(to)).includes(anchor))
          broken.push(`${path}: ${target}`);
      }
    }
    expect(broken).toEqual([]);
  });
});

/** Anchors of a page, as code forges make them. */
function headings(text: string): readonly string[] {
  return [...text.matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}
