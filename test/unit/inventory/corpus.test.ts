import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadInventory } from '../../../src/inventory/load.ts';
import { hasErrors } from '../../../src/model/diagnostic.ts';
import { renderDiagnostics } from '../../../src/report/diagnostics.ts';
import { plainStyle } from '../../../src/report/style.ts';
import { roles } from '../../corpus/roles.ts';

// Broken inventories and what is said of each. UPDATE_CORPUS=1 writes the expected texts anew: read the difference.
const directory = join(import.meta.dirname, '../../corpus/inventory');
const cases = readdirSync(directory).filter((name) => !name.endsWith('.expected.txt'));

async function messages(name: string): Promise<string> {
  const { farm, diagnostics, sources } = await loadInventory(name, { roles, directory, environment: { PATH: '/bin' } });
  expect(farm === undefined).toBe(hasErrors(diagnostics));
  const text = renderDiagnostics(diagnostics, { style: plainStyle, readSource: (file) => sources.get(file) });
  return text.replaceAll(directory, '/corpus');
}

describe('broken inventories', () => {
  it('are sixty at least', () => expect(cases.length).toBeGreaterThanOrEqual(60));

  it.each(cases)('%s', async (name) => {
    const expectedPath = join(directory, `${name.replace(/\.[a-z]+$/, '')}.expected.txt`);
    const text = await messages(name);
    if (process.env['UPDATE_CORPUS'] === '1') writeFileSync(expectedPath, text);
    expect(existsSync(expectedPath), `${expectedPath} is missing: UPDATE_CORPUS=1 writes it`).toBe(true);
    expect(text).toBe(readFileSync(expectedPath, 'utf8'));
    expect(text).not.toBe('');
  });

  it('have no expected text without an inventory', () => {
    const names = new Set(cases.map((name) => name.replace(/\.[a-z]+$/, '')));
    const stray = readdirSync(directory).filter(
      (name) => name.endsWith('.expected.txt') && !names.has(name.slice(0, -'.expected.txt'.length)),
    );
    expect(stray).toEqual([]);
  });
});
