import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { PROJECT_PATH } from '../../lab/paths.ts';

interface Override {
  readonly includes: readonly string[];
  readonly linter: {
    readonly rules: {
      readonly style: {
        readonly noRestrictedImports?: {
          readonly options: { readonly patterns: readonly { readonly group: readonly string[] }[] };
        };
      };
    };
  };
}

const read = (name: string) => readFile(join(PROJECT_PATH, name), 'utf8');

/** `src/plan` and what it may import, from the table. */
async function told(): Promise<ReadonlyMap<string, readonly string[]>> {
  const rows = (await read('CONTRIBUTING.md')).matchAll(/^\| `src\/(\w+)` \|[^|]*\| ([^|]+) \|$/gm);
  return new Map(
    [...rows].map(([, folder = '', may = '']) => [folder, may === 'nothing of ours' ? [] : may.split(', ')]),
  );
}

test('the imports that CONTRIBUTING.md allows are those that the linter lets pass', async () => {
  const table = await told();
  const { overrides }: { overrides: readonly Override[] } = JSON.parse(await read('biome.json'));
  const held = new Map<string, readonly string[]>([['cli', ['all']]]);
  for (const { includes, linter } of overrides) {
    const folder = /^src\/(\w+)\//.exec(includes[0] ?? '')?.[1];
    const forbidden = linter.rules.style.noRestrictedImports?.options.patterns.flatMap(({ group }) => group);
    if (folder === undefined || forbidden === undefined) continue;
    const may = [...table.keys()].filter((one) => one !== folder && !forbidden.includes(`**/${one}/**`));
    held.set(folder, may);
  }
  const sorted = (map: ReadonlyMap<string, readonly string[]>) =>
    Object.fromEntries([...map].map(([folder, may]) => [folder, may.toSorted()]));
  expect(sorted(table)).toEqual(sorted(held));
});
