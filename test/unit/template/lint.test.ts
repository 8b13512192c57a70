import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { lintOnRender, lintTemplate, usedNames } from '../../../src/template/lint.ts';
import { loadTemplates } from '../../../src/template/load.ts';
import { renderTemplate } from '../../../src/template/render.ts';
import { templatesOf } from '../../../src/template/templates.ts';

const templates = templatesOf({
  'r/t.hbs': `{{name}} {{managed-banner}} {{managed-banner "//"}} {{this.name}}
{{#if tls}}
  {{tls.key}} {{prot}}
{{/if}}
{{#each sites}}
  {{name}} {{#if proxy}}{{proxyTo}}{{/if}} {{../nmae}} {{alais}}
{{/each}}
{{#each list as |one|}}{{one}}{{@index}}{{/each}}
{{> p}}
{{> p name="x"}}
`,
  '_partials/p.hbs': '{{name}} {{inner}}\n',
});

describe('lintTemplate', () => {
  it('finds names in branches that are not taken, and takes what one entry of a list has', () => {
    const data = {
      name: 'a',
      tls: null,
      port: 80,
      sites: [
        { name: 'a', proxy: null },
        { name: 'b', proxy: 1, proxyTo: 'x' },
      ],
      list: [],
    };
    expect(
      lintTemplate(templates, 'r', 't.hbs', data).map(
        ({ at, detail }) => `${at?.file}:${at?.line}:${at?.column} ${detail}`,
      ),
    ).toEqual([
      'templates/r/t.hbs:3:17 There is no "prot" in what the role gives to the template. Did you mean "port"?',
      'templates/r/t.hbs:6:46 There is no "../nmae" in what the role gives to the template. Did you mean "name"?',
      'templates/r/t.hbs:6:58 There is no "alais" in what the role gives to the template.',
      'templates/_partials/p.hbs:1:12 There is no "inner" in what the role gives to the template.',
    ]);
  });
});

describe('lintOnRender', () => {
  it('warns of names that no rendering had', () => {
    const files = templatesOf({ 'r/a.hbs': '{{#if tls}}{{tls.key}} {{prot}} {{only}}{{/if}}' });
    const lint = lintOnRender(files);
    expect(renderTemplate(lint.templates, 'r', 'a.hbs', { tls: null, port: 1 }).template).toBe('');
    renderTemplate(lint.templates, 'r', 'a.hbs', { tls: null, port: 1, only: 1 });
    expect(lint.diagnostics().map(({ severity, at, detail }) => `${severity} ${at?.column} ${detail}`)).toEqual([
      'warning 26 There is no "prot" in what the role gives to the template. Did you mean "port"?',
    ]);
  });
});

describe('usedNames', () => {
  it('lists every name with its place, those of partials too', () => {
    const names = usedNames(templates, 'r', 't.hbs');
    expect(new Set(names.map((one) => one.name))).toEqual(
      new Set([
        'this.name',
        'name',
        'tls',
        'tls.key',
        'prot',
        'sites',
        'proxy',
        'proxyTo',
        '../nmae',
        'alais',
        'list',
        'one',
        '@index',
        'inner',
      ]),
    );
    expect(names[0]).toEqual({ name: 'name', at: { file: 'templates/r/t.hbs', line: 1, column: 3, length: 4 } });
  });
});

describe('loadTemplates', () => {
  it('lets the project hide a built-in template, and takes partials of both', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'farmctl-templates-'));
    try {
      for (const [path, text] of [
        ['own/templates/r/a.hbs', 'own {{> p}}'],
        ['built-in/templates/r/a.hbs', 'built-in'],
        ['built-in/templates/r/sub/b.hbs', 'b'],
        ['built-in/templates/_partials/p.hbs', 'partial'],
        ['built-in/templates/r/notes.txt', 'not a template'],
      ] as const) {
        mkdirSync(join(folder, path, '..'), { recursive: true });
        writeFileSync(join(folder, path), text);
      }
      const loaded = loadTemplates([join(folder, 'own'), join(folder, 'none'), join(folder, 'built-in')], folder);
      expect([...loaded.files.keys()].sort()).toEqual(['_partials/p.hbs', 'r/a.hbs', 'r/sub/b.hbs']);
      expect(loaded.files.get('r/a.hbs')?.file).toBe('own/templates/r/a.hbs');
      expect(renderTemplate(loaded, 'r', 'a.hbs', {}).template).toBe('own partial');
      expect(renderTemplate(loaded, 'r', 'sub/b.hbs', {}).template).toBe('b');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
