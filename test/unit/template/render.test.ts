import fc from 'fast-check';
import Handlebars from 'handlebars';
import { describe, expect, it } from 'vitest';
import { Content } from '../../../src/model/content.ts';
import { FarmError } from '../../../src/model/diagnostic.ts';
import { Secret } from '../../../src/model/secret.ts';
import { renderTemplate } from '../../../src/template/render.ts';
import { templatesOf } from '../../../src/template/templates.ts';

type Data = Readonly<Record<string, unknown>>;

function render(text: string, data: Data = {}, partials: Readonly<Record<string, string>> = {}): string | undefined {
  const entries = Object.entries(partials).map(([name, partial]) => [`_partials/${name}.hbs`, partial]);
  return renderTemplate(templatesOf({ 'r/t.hbs': text, ...Object.fromEntries(entries) }), 'r', 't.hbs', data).template;
}

/** `line:column code detail` of all that is wrong. */
function mistakes(text: string, data: Data = {}, partials: Readonly<Record<string, string>> = {}): string[] {
  try {
    return [`rendered ${render(text, data, partials)}`];
  } catch (error) {
    if (!(error instanceof FarmError)) throw error;
    return error.diagnostics.map(
      ({ at, code, detail }) => `${at?.file.slice('templates/'.length)}:${at?.line}:${at?.column} ${code} ${detail}`,
    );
  }
}

describe('a name that is not in the data', () => {
  const data = {
    site: { name: 'a', tls: null },
    sites: [{ name: 'a' }, { nmae: 'b' }],
    list: ['x'],
    text: 'x',
    gone: undefined,
  };

  it.each([
    [
      'printed',
      'a\n  {{port}}',
      'r/t.hbs:2:5 template/undefined-variable There is no "port" in what the role gives to the template.',
    ],
    [
      'deeper',
      '{{site.nane}}',
      'r/t.hbs:1:3 template/undefined-variable There is no "site.nane" in what the role gives to the template. Did you mean "name"?',
    ],
    [
      'in if',
      'a\n{{#if mising}}x{{/if}}',
      'r/t.hbs:2:7 template/undefined-variable There is no "mising" in what the role gives to the template.',
    ],
    [
      'in else if',
      '{{#if site.tls}}\n{{else if tsl}}\n{{/if}}',
      'r/t.hbs:2:11 template/undefined-variable There is no "tsl" in what the role gives to the template.',
    ],
    [
      'in unless',
      '{{#unless mising}}x{{/unless}}',
      'r/t.hbs:1:11 template/undefined-variable There is no "mising" in what the role gives to the template.',
    ],
    [
      'in each',
      '{{#each stes}}x{{/each}}',
      'r/t.hbs:1:9 template/undefined-variable There is no "stes" in what the role gives to the template. Did you mean "sites"?',
    ],
    [
      'in with',
      '{{#with x}}x{{/with}}',
      'r/t.hbs:1:9 template/undefined-variable There is no "x" in what the role gives to the template.',
    ],
    [
      'as an argument',
      '{{join lst ","}}',
      'r/t.hbs:1:8 template/undefined-variable There is no "lst" in what the role gives to the template. Did you mean "list"?',
    ],
    [
      'as an argument inside',
      '{{#if (and text (eq tex "x"))}}y{{/if}}',
      'r/t.hbs:1:21 template/undefined-variable There is no "tex" in what the role gives to the template. Did you mean "text"?',
    ],
    [
      'of one entry of a list',
      '{{#each sites}}\n- {{name}}\n{{/each}}',
      'r/t.hbs:2:5 template/undefined-variable There is no "sites.1.name" in what the role gives to the template. Did you mean "nmae"?',
    ],
    [
      'by lookup',
      '{{lookup site "port"}}',
      'r/t.hbs:1:1 template/undefined-variable There is no "site.port" in what the role gives to the template.',
    ],
    [
      'with the value undefined',
      '{{gone}}',
      'r/t.hbs:1:3 template/undefined-variable There is no "gone" in what the role gives to the template.',
    ],
    [
      'inherited',
      '{{site.hasOwnProperty}}',
      'r/t.hbs:1:3 template/undefined-variable There is no "site.hasOwnProperty" in what the role gives to the template.',
    ],
    [
      'below null',
      '{{site.tls.key}}',
      'r/t.hbs:1:1 template/undefined-variable "key" is asked of a value that is empty.',
    ],
    [
      'behind @',
      '{{#each list}}{{@indx}}{{/each}}',
      'r/t.hbs:1:17 template/undefined-variable There is no "@indx". Did you mean "index"?',
    ],
    [
      'through the parent',
      '{{#each list}}{{../txt}}{{/each}}',
      'r/t.hbs:1:17 template/undefined-variable There is no "txt" in what the role gives to the template. Did you mean "text"?',
    ],
  ])('%s', (_name, text, message) => expect(mistakes(text, data)).toEqual([message]));

  it('in a partial is told with the line of the partial', () => {
    const partial = 'one\ntwo {{#if opt}}{{/if}}';
    const message =
      '_partials/p.hbs:2:11 template/undefined-variable There is no "opt" in what the role gives to the template.';
    expect(mistakes('x\n{{> p}}', data, { p: partial })).toEqual([message]);
    expect(mistakes('x\n{{> p more=text}}', data, { p: partial })).toEqual([message]);
  });
});

describe('a value that is no text', () => {
  const data = {
    map: { a: 1 },
    list: ['a', 'b'],
    none: null,
    call: () => 'x',
    content: Content.text('x'),
    when: new Date(0),
    set: new Set(['a']),
    text: 'x',
  };

  it.each([
    ['{{map}}', 'What is to be printed here is a map.'],
    ['{{list}}', 'What is to be printed here is a list.'],
    ['{{none}}', 'What is to be printed here is an empty value.'],
    ['{{call}}', '"call" is a function, which a template cannot use.'],
    ['{{#if call}}x{{/if}}', '"call" is a function, which a template cannot use.'],
    ['{{content}}', '"content" is the content of a file, which a template cannot use.'],
    ['{{when}}', '"when" is a Date, which a template cannot use.'],
    ['{{#each set}}x{{/each}}', '"set" is a Set, which a template cannot use.'],
    ['{{#each text}}x{{/each}}', '"each" needs a list or a map, not a text.'],
    ['{{join text}}', 'The helper "join" needs a list.'],
    ['{{quote-sh list}}', 'The helper "quote-sh" was given a list.'],
    ['{{default none none}}', 'What is to be printed here is an empty value.'],
  ])('%s', (text, message) =>
    expect(mistakes(text, data)).toEqual(
      [expect.stringMatching(/^r\/t\.hbs:1:\d+ template\/unprintable /)].map(() => expect.stringContaining(message)),
    ),
  );

  it('is no trouble where it is not used', () => {
    expect(render('{{text}} {{> p more=text}}', data, { p: '{{text}}{{more}}' })).toBe('x xx');
    expect(render('{{#each map}}{{@key}}={{this}} {{/each}}', { map: { a: 1, f: () => 1, u: undefined } })).toBe(
      'a=1 ',
    );
  });

  it('null and false are no for if and each, and default has an answer', () => {
    expect(render('{{#if none}}x{{else}}y{{/if}}{{#each none}}x{{else}}z{{/each}}{{default none "d"}}', data)).toBe(
      'yzd',
    );
  });
});

describe('what can be known without data', () => {
  it.each([
    ['{{#if x}}\nfoo', ['r/t.hbs:1:1 template/syntax This block is not closed.']],
    ['{{#if x}}{{/each}}', ['r/t.hbs:1:4 template/syntax The block "if" is closed by "each".']],
    ['a\n b {{x y', ['r/t.hbs:2:4 template/syntax This cannot be read as a template: unexpected character.']],
    ['{{joim x}}', ['r/t.hbs:1:3 template/unknown-helper There is no helper "joim". Did you mean "join"?']],
    ['{{#fore x}}{{/fore}}', ['r/t.hbs:1:4 template/unknown-helper There is no block "fore".']],
    ['{{#eq 1 2}}{{/eq}}', ['r/t.hbs:1:4 template/unknown-helper There is no block "eq".']],
    [
      '{{join}} {{each}}',
      [
        'r/t.hbs:1:1 template/syntax The helper "join" takes 1 to 2 values, not 0.',
        'r/t.hbs:1:10 template/syntax "each" opens a block.',
      ],
    ],
    ['{{> prt}}', ['r/t.hbs:1:5 template/not-found There is no partial "prt".']],
    ['{{> (lookup x "y")}}', ['r/t.hbs:1:1 template/syntax The name of a partial must be written out.']],
    [
      '{{#*inline "x"}}{{/inline}}',
      ['r/t.hbs:1:1 template/syntax Decorators, inline partials and blocks of partials are not supported.'],
    ],
    ['{{log "x"}}', ['r/t.hbs:1:3 template/unknown-helper There is no helper "log".']],
  ])('%s', (text, messages) => expect(mistakes(text)).toEqual(messages));

  it('partials that call each other without an end are stopped', () => {
    expect(mistakes('{{> a}}', {}, { a: '{{> b}}', b: '{{> a}}' })[0]).toContain(
      'The partials call each other without an end.',
    );
  });

  it('a template that is not there', () => {
    expect(() => renderTemplate(templatesOf({ 'r/named.conf.hbs': '' }), 'r', 'named.cnf.hbs', {})).toThrow(
      'template/not-found: Role r has no template "named.cnf.hbs". Did you mean "named.conf.hbs"?',
    );
  });
});

describe('what is rendered', () => {
  it('has a placeholder for a secret, and is sensitive', () => {
    const key = new Secret('correct horse', 'test');
    const content = renderTemplate(
      templatesOf({ 'r/t.hbs': 'key "{{tls.key}}";{{quote-conf tls.key}}\n' }),
      'r',
      't.hbs',
      { tls: { key } },
    );
    expect(content.sensitive).toBe(true);
    expect(content.template).toBe(`key "${key.placeholder}";"${key.placeholder}"\n`);
    expect(Buffer.concat([...content.pieces()]).toString()).toBe('key "correct horse";"correct horse"\n');
  });

  it('does not quote a secret wrongly', () => {
    const key = new Secret('it\'s "quoted"', 'test');
    for (const helper of ['quote-sh', 'quote-conf', 'json']) {
      expect(mistakes(`{{${helper} key}}`, { key })[0]).toContain('was given a secret that holds a quote');
    }
    expect(mistakes('{{quote-sh key}}', { key: new Secret('"plain"', 'test') })[0]).toContain('rendered');
  });

  it('may come from frozen data', () => {
    const data = Object.freeze({ a: Object.freeze([Object.freeze({ b: new Secret('x', 'test') })]) });
    expect(render('{{#each a}}{{#if b}}yes{{/if}}{{/each}}', data)).toBe('yes');
  });

  it('is not escaped for HTML, and braces can be written', () => {
    expect(render('{{x}} {{{x}}} \\{{x}} {{{{raw}}}}{{y}}{{{{/raw}}}}', { x: '<&>"' })).toBe('<&>" <&>" {{x}} {{y}}');
  });

  it.each([
    ['{{join list ", "}}', 'a, b'],
    ['{{join list}}', 'a b'],
    ['{{#if (includes list "b")}}y{{/if}}', 'y'],
    ['{{#if (and (eq n 1) (ne n 2) (or none n) (not none) (not empty))}}y{{/if}}', 'y'],
    ['{{json map}}', '{"a":[1,"x"]}'],
    ['{{indent text 2}}', 'it\'s\n  "two"'],
    ['{{quote-sh text}}', "'it'\\''s\n\"two\"'"],
    ['{{quote-conf path}}', '"C:\\\\\\"x\\""'],
    ['{{cidr-address cidr}} {{cidr-prefix cidr}} {{cidr-netmask cidr}}', '10.77.0.0 20 255.255.240.0'],
    ['{{reverse-address "10.77.0.21"}}', '21.0.77.10.in-addr.arpa'],
    [
      '{{managed-banner}}\n{{managed-banner ";"}}',
      '# Managed by farmctl: what is changed here is lost at the next apply.\n; Managed by farmctl: what is changed here is lost at the next apply.',
    ],
    ['{{this.default}} {{zero}} {{no}}', 'd 0 false'],
    ['{{#with map}}{{#each a}}{{@index}}{{this}}{{#unless @last}},{{/unless}}{{/each}}{{/with}}', '01,1x'],
    ['{{#each list as |one at|}}{{at}}{{one}}{{/each}}', '0a1b'],
  ])('%s', (text, expected) => {
    const data = {
      list: ['a', 'b'],
      n: 1,
      none: null,
      empty: [],
      map: { a: [1, 'x'] },
      text: 'it\'s\n"two"',
      path: 'C:\\"x"',
      cidr: '10.77.0.0/20',
      default: 'd',
      zero: 0,
      no: false,
    };
    expect(render(text, data)).toBe(expected);
  });

  it('refuses to quote a line break into a configuration', () => {
    expect(mistakes('{{quote-conf x}}', { x: 'a\nb' })[0]).toContain('line break');
  });

  it('is what Handlebars itself makes of it, white space included', () => {
    const leaf = fc.constantFrom(
      'a\n',
      '  ',
      '\n',
      ' b',
      '{{@root.x}}',
      '{{~@root.x~}}',
      '{{> p}}',
      '  {{> p}}\n',
      '{{!c}}\n',
      '  {{!-- c --}}\n',
    );
    const { body } = fc.letrec<{ body: string; block: string }>((tie) => ({
      body: fc
        .array(fc.oneof({ weight: 4, arbitrary: leaf }, tie('block')), { maxLength: 5 })
        .map((all) => all.join('')),
      block: fc
        .tuple(
          fc.constantFrom('if @root.t', 'if @root.f', 'unless @root.t', 'each @root.l'),
          tie('body'),
          fc.option(
            fc.tuple(
              fc.constantFrom('{{else}}', '{{else if @root.t}}', '{{~else~}}', '\n  {{else if @root.f}}\n'),
              tie('body'),
            ),
          ),
          fc.constantFrom('', '~'),
          fc.constantFrom('', '\n', '  '),
        )
        .map(([head, inner, other, strip, space]) => {
          const [word = ''] = head.split(' ');
          // Handlebars itself chains `else if` to `if` only in this use.
          const alternative = other === null || (word !== 'if' && other[0].includes('else if')) ? '' : other.join('');
          return `${space}{{${strip}#${head}${strip}}}${inner}${alternative}${space}{{/${word}}}${space}`;
        }),
    }));
    const data = { t: true, f: false, x: 'X', l: ['1', '2'] };
    const partial = 'P1\n P2\n';
    fc.assert(
      fc.property(body, (text) => {
        const plain = Handlebars.create();
        plain.registerPartial('p', partial);
        expect(render(text, data, { p: partial })).toBe(plain.compile(text, { noEscape: true })(data));
      }),
      { numRuns: 300 },
    );
  });
});
