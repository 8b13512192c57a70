import { describe, expect, it } from 'vitest';
import { problem } from '../../../src/model/diagnostic.ts';
import { Secret } from '../../../src/model/secret.ts';
import { renderDiagnostics } from '../../../src/report/diagnostics.ts';
import { plainStyle } from '../../../src/report/style.ts';

const files: Readonly<Record<string, string>> = {
  'prod.yaml': 'tiers:\n  web:\n    hosts:\n\t  web1: {}\n       web2: { adress: 10.0.0.2 }\n',
  'long.yaml': `roles: [${'base, '.repeat(60)}bsae${', base'.repeat(60)}]\r\n`,
  'odd.yaml': 'name: "\u001b[31mred"\u202e x\n',
};
const render = (...all: Parameters<typeof renderDiagnostics>[0]) =>
  renderDiagnostics(all, { style: plainStyle, readSource: (file) => files[file] });

describe('renderDiagnostics', () => {
  it('shows the line and what is meant in it', () => {
    const detail = 'Host web2 in tier web has no setting "adress". Did you mean "address"?';
    const at = { file: 'prod.yaml', line: 5, column: 16, length: 6 };
    expect(render(problem('inventory/unknown-key', 'Unknown key', detail, { at }))).toMatchInlineSnapshot(`
      "error[inventory/unknown-key]: Unknown key
        prod.yaml:5:16
        5 |        web2: { adress: 10.0.0.2 }
          |                ^^^^^^
        Host web2 in tier web has no setting "adress". Did you mean "address"?
      "
    `);
  });

  it('shows everything else that a diagnostic may have', () => {
    const first = { file: 'prod.yaml', line: 4, column: 4, length: 4 };
    expect(
      render(
        problem('remote/command-failed', 'Command failed', 'It ended with status 2.\nSo it goes.', {
          severity: 'warning',
          host: 'app1',
          resource: 'service apache2.service',
          output: 'line one\nline two\u0007\n\n',
          also: [{ label: 'first here', at: first }],
          hint: 'Look at the log.',
        }),
        problem('inventory/x', 'Second', 'Without a place.', { severity: 'note' }),
      ),
    ).toMatchInlineSnapshot(`
      "warning[remote/command-failed]: Command failed
        host app1, service apache2.service
        It ended with status 2.
        So it goes.
        first here: prod.yaml:4:4
        4 |    web1: {}
          |    ^^^^
        > line one
        > line two\\x07
        hint: Look at the log.

      note[inventory/x]: Second
        Without a place.
      "
    `);
  });

  it('shows a piece of a long line', () => {
    const column = 'roles: ['.length + 'base, '.length * 60 + 1;
    const at = { file: 'long.yaml', line: 1, column, length: 4 };
    expect(render(problem('role/unknown', 'Unknown role', 'There is no role "bsae".', { at }))).toMatchInlineSnapshot(`
      "error[role/unknown]: Unknown role
        long.yaml:1:369
        1 | … base, base, base, base, base, base, base, base, base, bsae, base, base, base, base, base, base, base, base, b…
          |                                                         ^^^^
        There is no role "bsae".
      "
    `);
  });

  it('writes control characters out and keeps the mark in place', () => {
    const at = { file: 'odd.yaml', line: 1, column: 19, length: 1 };
    expect(render(problem('a/b', 'Odd\u001b[2J', 'Detail \u001b]0;x\u0007.', { at }))).toMatchInlineSnapshot(`
      "error[a/b]: Odd\\x1b[2J
        odd.yaml:1:19
        1 | name: "\\x1b[31mred"\\u202e x
          |                           ^
        Detail \\x1b]0;x\\x07.
      "
    `);
  });

  it('leaves the line out where the file is gone or shorter', () => {
    const at = { file: 'gone.yaml', line: 3, column: 1 };
    const later = { file: 'prod.yaml', line: 99, column: 1 };
    expect(render(problem('a/b', 'A', 'B.', { at, also: [{ label: 'and', at: later }] }))).toMatchInlineSnapshot(`
      "error[a/b]: A
        gone.yaml:3:1
        B.
        and: prod.yaml:99:1
      "
    `);
  });

  it('masks secrets in all parts', () => {
    new Secret('10.0.0.2 }', 'test');
    new Secret('hunter2hunter2', 'test');
    const at = { file: 'prod.yaml', line: 5, column: 16, length: 6 };
    const text = render(
      problem('a/b', 'hunter2hunter2', 'hunter2hunter2', { at, hint: 'hunter2hunter2', output: 'hunter2hunter2' }),
    );
    expect(text).not.toContain('hunter2');
    expect(text).not.toContain('10.0.0.2');
  });
});
