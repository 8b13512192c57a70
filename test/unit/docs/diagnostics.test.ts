import { describe, expect, test } from 'vitest';
import { pageText, sourcesIn } from './sources.ts';

/** Codes that are put together when they are needed, by the text that makes them. */
const MADE: Readonly<Record<string, readonly string[]>> = {
  // biome-ignore-start lint/suspicious/noTemplateCurlyInString: text of the source
  'inventory/${kind}': ['wrong-type', 'wrong-value'],
  'inventory/duplicate-${noun.toLowerCase()}': ['duplicate-tier', 'duplicate-network', 'duplicate-vip'],
  'role/unknown-${what}': ['unknown-host', 'unknown-network'],
  'template/${kind}': ['syntax', 'unknown-helper', 'not-found'],
  'host/${error.failure}': ['unreachable', 'timeout', 'no-shell', 'disconnected'],
  'ssh/${error.failure}': [
    'unreachable',
    'timeout',
    'auth-failed',
    'host-key-unknown',
    'host-key-changed',
    'host-key-revoked',
    'no-shell',
    'unsupported',
    'disconnected',
  ],
  // biome-ignore-end lint/suspicious/noTemplateCurlyInString: text of the source
};

const AREAS = [
  'become',
  'cli',
  'heartbeat',
  'host',
  'internal',
  'inventory',
  'remote',
  'resource',
  'role',
  'run',
  'selection',
  'service',
  'ssh',
  'template',
  'variables',
];

const sources = [...(await sourcesIn('src', '.ts')), ...(await sourcesIn('roles', '.ts'))];
const page = await pageText('docs/diagnostics.md');
const told = new Set([...page.matchAll(/`([a-z]+\/[a-z-]+)`(?=[^\n]*\|)/g)].map(([, code]) => code ?? ''));

function codesInSource(): ReadonlySet<string> {
  const codes = new Set<string>();
  for (const { text } of sources) {
    for (const [, code = ''] of text.matchAll(/'([a-z]+\/[a-z][a-z0-9-]*)'/g))
      if (AREAS.includes(code.split('/')[0] ?? '')) codes.add(code);
  }
  for (const [made, kinds] of Object.entries(MADE))
    for (const kind of kinds) codes.add(`${made.split('/')[0]}/${kind}`);
  return codes;
}

describe('the page of messages', () => {
  test('tells every code, and none that does not exist', () => {
    expect([...told].sort()).toEqual([...codesInSource()].sort());
  });

  test('knows every area, and every code that is put together', () => {
    const areas = new Set<string>();
    const made = new Set<string>();
    for (const { text } of sources) {
      for (const [, area = ''] of text.matchAll(/problem\(\s*['`]([a-z]+)\//g)) areas.add(area);
      for (const [, code = ''] of text.matchAll(/`([a-z]+\/[a-z-]*\$\{[^`]+\})`/g))
        if (AREAS.includes(code.split('/')[0] ?? '')) made.add(code);
    }
    expect([...areas].filter((area) => !AREAS.includes(area))).toEqual([]);
    expect([...made].sort()).toEqual(Object.keys(MADE).sort());
  });
});
