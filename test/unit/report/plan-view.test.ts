import { describe, expect, test } from 'vitest';
import type { Plan } from '../../../src/plan/plan.ts';
import { renderPlan } from '../../../src/report/plan-view.ts';
import { createStyle, plainStyle } from '../../../src/report/style.ts';
import { change, hostPlan, plan } from './plan-values.ts';

const show = (value: Plan, fullDiffs = false) => renderPlan(value, { style: plainStyle, fullDiffs });

const ports = change({
  part: 'apache-app',
  type: 'service',
  id: 'apache2.service',
  title: 'apache2.service',
  risk: 'restart',
  fields: [{ name: 'mode', from: '0644', to: '0600' }],
  texts: [
    { path: '/etc/apache2/ports.conf', before: 'a\nListen 80\nb\n', after: 'a\nListen 8080\nb\n', sensitive: false },
    { path: '/etc/apache2/conf.d/x.conf', before: undefined, after: 'On\n', sensitive: false },
  ],
  notes: ['is restarted, because Listen changed'],
});

describe('a plan', () => {
  test('without changes', () => {
    expect(show(plan(hostPlan('app1')))).toBe('No changes. The farm is as described.\n');
  });

  test('of a very long line the beginning is shown, of very many names and files the first; -D shows all', () => {
    const files = Array.from({ length: 1000 }, (_, index) => `name ${index}`);
    const value = plan(
      hostPlan('app1', {
        changes: [
          change({ texts: [{ path: '/etc/motd', before: undefined, after: 'x'.repeat(200_000), sensitive: false }] }),
          change({
            type: 'ownedDirectory',
            fields: files.map((name) => ({ name, from: undefined, to: 'file' })),
            texts: files.map((path) => ({ path, before: undefined, after: 'y\n', sensitive: false })),
          }),
        ],
      }),
    );
    const short = show(value);
    expect(short.length).toBeLessThan(5000);
    expect(short).toContain('x… 199600 more characters (-D shows all)\n');
    expect(short).toContain('… 960 more lines (-D shows all)\n');
    expect(short).toContain('… 960 more files (-D shows all)\n');
    expect(show(value, true)).toContain('x'.repeat(200_000));
    expect(show(value, true)).toContain('name 999');
  });

  test('identical changes of several hosts are one, different ones stand together', () => {
    const hosts = Array.from({ length: 12 }, (_, index) =>
      hostPlan(`app${index + 1}`, {
        changes: [
          ports,
          change({ id: '/etc/hostname', fields: [{ name: 'content', from: 'x', to: index < 2 ? 'a' : 'b' }] }),
        ],
      }),
    );
    expect(show(plan(...hosts))).toMatchInlineSnapshot(`
      "apache-app
        ~ service apache2.service  [restart]  same on 12 hosts: app[1:12]
            mode 0644 -> 0600
            /etc/apache2/ports.conf
            @@ -1,3 +1,3 @@
             a
            -Listen 80
            +Listen 8080
             b
            /etc/apache2/conf.d/x.conf
            +On
            is restarted, because Listen changed

      base
        ~ file /etc/hostname  same on 2 hosts: app[1:2]
            content x -> a
        ~ file /etc/hostname  same on 10 hosts: app[3:12]
            content x -> b

      Plan: 24 to update on 12 hosts; 12 restarts (apache2.service on app[1:12]).
      "
    `);
  });

  test('creation, deletion, what is not known, what is left', () => {
    const hosts = [
      hostPlan('ns1', {
        changes: [
          change({
            part: 'bind9/primary',
            type: 'package',
            id: 'bind9',
            action: 'create',
            fields: [{ name: 'version', from: undefined, to: 'any' }],
          }),
          change({
            part: 'bind9/primary',
            type: 'user',
            id: 'bind',
            unknownUntil: 'package bind9',
            risk: 'reload',
            fields: [{ name: 'groups', from: undefined, to: '' }],
          }),
          change({ part: 'bind9/primary', id: '/etc/bind/old', action: 'delete', risk: 'data' }),
        ],
        leftovers: [{ type: 'package', id: 'nginx', reason: 'packages stay installed' }],
      }),
      hostPlan('ns2', {
        state: 'unreachable',
        leftovers: [{ type: 'package', id: 'nginx', reason: 'packages stay installed' }],
      }),
    ];
    expect(show(plan(...hosts))).toMatchInlineSnapshot(`
      "bind9/primary
        + package bind9  on ns1
            version any
        ~ user bind  [reload]  on ns1
            unknown until package bind9: what follows is the most it can be
            groups ""
        - file /etc/bind/old  [data]  on ns1

      Left on hosts, though no role wants it (1 thing)
        package nginx: packages stay installed  (on ns[1:2])

      Plan: 1 to create, 1 to update, 1 to delete on 1 host; 1 not known before others are made.
      Left out: ns2 (unreachable).
      "
    `);
  });

  test('a sensitive file shows no line with a secret, and nothing old', () => {
    const text = { path: '/etc/key', before: undefined, after: 'name x\nsecret (sensitive)\n', sensitive: true };
    expect(
      show(plan(hostPlan('ns1', { changes: [change({ id: '/etc/key', texts: [text] })] }))),
    ).toMatchInlineSnapshot(`
      "base
        ~ file /etc/key  on ns1
            +name x
            (sensitive: the old content and lines with secrets are not shown)

      Plan: 1 to update on 1 host.
      "
    `);
  });

  test('long diffs are cut, and whole with -D', () => {
    const after = Array.from({ length: 100 }, (_, line) => `line ${line}\n`).join('');
    const long = plan(
      hostPlan('app1', { changes: [change({ texts: [{ path: '/etc/motd', before: '', after, sensitive: false }] })] }),
    );
    expect(show(long)).toContain('      … 61 more lines (-D shows all)\n');
    expect(show(long)).not.toContain('line 99');
    expect(show(long, true)).toContain('+line 99\n');
  });

  test('what belongs together is one line', () => {
    const fields = [
      ['/etc/a/tls mode', '0755'],
      ['/etc/a/tls owner', 'root'],
      ['/etc/a/tls group', 'bind'],
      ['/etc/a/x mode', '0600'],
      ['/etc/a/x owner', 'root'],
    ].map(([name = '', to]) => ({ name, from: undefined, to }));
    const gone = ['one', 'two', 'three'].map((name) => ({ name: `/etc/a/on ${name}`, from: 'there', to: undefined }));
    const other = { name: '/etc/a/off four', from: 'there', to: undefined };
    const mode = { name: 'mode', from: '0644', to: '0600' };
    const shown = show(plan(hostPlan('app1', { changes: [change({ fields: [...fields, ...gone, other, mode] })] })));
    expect(shown).toMatchInlineSnapshot(`
      "base
        ~ file /etc/motd  on app1
            /etc/a/tls mode 0755, owner root, group bind
            /etc/a/x mode 0600
            /etc/a/x owner root
            /etc/a/on one, two, three: there -> (none)
            /etc/a/off four there -> (none)
            mode 0644 -> 0600

      Plan: 1 to update on 1 host.
      "
    `);
  });

  test('comments that go with an old text are counted, and shown with -D', () => {
    const before = `${Array.from({ length: 50 }, (_, line) => `# word ${line}\n`).join('')}Listen 80\n\n; two\nOn\n`;
    const text = { path: '/etc/motd', before, after: '# ours\nListen 81\nOn\n', sensitive: false };
    const long = plan(hostPlan('app1', { changes: [change({ texts: [text] })] }));
    expect(show(long)).toMatchInlineSnapshot(`
      "base
        ~ file /etc/motd  on app1
            @@ -1,54 +1,3 @@
            \\ 50 lines of comments removed
            -Listen 80
            -
            -; two
            +# ours
            +Listen 81
             On

      Plan: 1 to update on 1 host.
      "
    `);
    expect(show(long, true)).toContain('-# word 49\n');
  });

  test('what a host holds cannot move the cursor', () => {
    const evil = change({
      id: '/etc/\x1b[2Jx',
      fields: [{ name: 'owner', from: 'a\nb', to: '\u202eroot' }],
      texts: [{ path: '/etc/\x1b[2Jx', before: 'a\r\n\x9b31m\n', after: 'a\n', sensitive: false }],
    });
    const shown = renderPlan(plan(hostPlan('app1', { changes: [evil] })), { style: plainStyle, fullDiffs: true });
    expect(shown).toMatchInlineSnapshot(`
      "base
        ~ file /etc/\\x1b[2Jx  on app1
            owner a\\nb -> \\u202eroot
            @@ -1,2 +1,1 @@
            -a\\r
            -\\x9b31m
            +a

      Plan: 1 to update on 1 host.
      "
    `);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
    expect(shown).not.toMatch(/[\x00-\x08\x0b-\x1f\x7f-\x9f]/);
  });

  test('colours only where they are wanted', () => {
    const one = plan(hostPlan('app1', { changes: [ports] }));
    expect(renderPlan(one, { style: createStyle(true), fullDiffs: false })).toContain('\x1b[32m+Listen 8080\x1b[39m');
    expect(show(one)).not.toContain('\x1b');
  });
});
