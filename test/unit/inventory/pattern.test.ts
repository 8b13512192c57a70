import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadInventory } from '../../../src/inventory/load.ts';
import { selectHosts, splitPattern } from '../../../src/inventory/pattern.ts';
import type { Farm } from '../../../src/model/farm.ts';
import { roles } from '../../corpus/roles.ts';

let farm: Farm;

beforeAll(async () => {
  const input = `farm: shop
domain: shop.example
os: debian-12
networks: { web: { cidr: 10.77.0.0/24, device: eth0 } }
tiers:
  dns: { roles: [base, bind9/primary, resolver], hosts: { 'ns[1:2]': { web: 10.77.0.11 } } }
  app: { roles: [base, apache-app], hosts: { 'app[1:4]': { web: 10.77.0.21 }, web1: { web: 10.77.0.30, retired: true } } }
  spare: { roles: [base] }
`;
  const loaded = await loadInventory('-', { roles, input });
  if (loaded.farm === undefined) throw new Error('no farm');
  farm = loaded.farm;
});

describe('selectHosts', () => {
  it.each([
    ['all', 'ns1 ns2 app1 app2 app3 app4 web1'],
    ['app', 'app1 app2 app3 app4 web1'],
    ['apache-app', 'app1 app2 app3 app4 web1'],
    ['bind9/primary', 'ns1 ns2'],
    ['app1', 'app1'],
    ['ns2,app1', 'ns2 app1'],
    ['app:&web*', 'web1'],
    ['app:&app*:!app3', 'app1 app2 app4 web1'],
    ['!app:!ns1', 'ns2'],
    ['&dns', 'ns1 ns2'],
    ['!app3:app', 'app1 app2 app4 web1'],
    ['app[2:3]', 'app2 app3'],
    ['app[3:9]', 'app3 app4'],
    ['app[12]', 'app1 app2'],
    ['app[!1-3]', 'app4'],
    ['d?s', 'ns1 ns2'],
    ['ns?', 'ns1 ns2'],
    ['~^(app[12]|ns1)$', 'ns1 app1 app2'],
    ['~[12]$:!dns', 'app1 app2 web1'],
    [' app1 , app2 ', 'app1 app2'],
  ])('%s', (pattern, names) => {
    const { hosts, diagnostics } = selectHosts(farm, pattern);
    expect({ hosts: hosts.join(' '), diagnostics }).toEqual({ hosts: names, diagnostics: [] });
  });

  it.each([
    [',', 'The pattern "," of -l has an empty term.'],
    ['', 'The pattern of -l is empty.'],
    ['app:', 'The pattern "app:" of -l has an empty term.'],
    ['app:!', 'The pattern "app:!" of -l has an empty term.'],
    ['ap1', '-l: there is no host, tier, role or part "ap1". Did you mean "app1"?'],
    ['app:!ap3', '-l: there is no host, tier, role or part "ap3". Did you mean "app3"?'],
    ['bind9/primry', '-l: there is no host, tier, role or part "bind9/primry". Did you mean "bind9/primary"?'],
    ['database', '-l: there is no host, tier, role or part "database".'],
    ['db*', '-l: no host or tier matches "db*".'],
    ['bas*', '-l: no host or tier matches "bas*".'],
    ['al*', '-l: no host or tier matches "al*".'],
    ['app[7:9]', '-l: no host or tier matches "app[7:9]".'],
    ['app[3:1]', '-l: the range "app[3:1]" counts down from 3 to 1.'],
    ['app[12', '-l: the brackets of "app[12" are not closed.'],
    ['~(', '-l: "~(" is not a regular expression: Invalid regular expression: /(/u: Unterminated group.'],
    ['@retry', '-l: files of patterns ("@retry") are not supported.'],
    ['spare', '-l: tier spare has no hosts.'],
    ['app:&dns', 'No host is left of "app:&dns".'],
    ['app1:!app1', 'No host is left of "app1:!app1".'],
  ])('refuses %j', (pattern, message) => {
    const { hosts, diagnostics } = selectHosts(farm, pattern);
    expect(hosts).toEqual([]);
    expect(diagnostics.map((one) => one.detail)).toEqual([message]);
  });

  it('leaves out what --exclude names, and refuses a misspelt one', () => {
    expect(selectHosts(farm, 'app', { exclude: 'web1:app[2:4]' }).hosts).toEqual(['app1']);
    expect(selectHosts(farm, 'app', { exclude: 'wb1' }).diagnostics[0]?.detail).toBe(
      '--exclude: there is no host, tier, role or part "wb1". Did you mean "web1"?',
    );
    expect(selectHosts(farm, 'app', { exclude: 'all' }).diagnostics[0]?.detail).toBe(
      'No host is left of "app" without "all".',
    );
  });

  it('knows parts that roles decide', () => {
    const partsOf = (host: string) => (host === 'ns2' ? ['bind9/secondary'] : []);
    expect(selectHosts(farm, 'bind9/secondary', { partsOf }).hosts).toEqual(['ns2']);
  });

  it('never throws, and selects something or says why', () => {
    const piece = fc.constantFrom(
      'app',
      'ns1',
      'all',
      '*',
      '[',
      ']',
      '[1:3]',
      ':',
      ',',
      '!',
      '&',
      '~',
      '(',
      '{',
      '?',
      '-',
      '\\',
      ' ',
    );
    const pattern = fc.oneof(
      fc.string(),
      fc.array(piece).map((pieces) => pieces.join('')),
    );
    fc.assert(
      fc.property(pattern, (text) => {
        const { hosts, diagnostics } = selectHosts(farm, text);
        expect(hosts.length > 0).toBe(diagnostics.length === 0);
        expect(hosts.every((host) => farm.hosts.has(host))).toBe(true);
      }),
    );
  });

  it('splits outside of brackets only', () => {
    expect(splitPattern('app[1:3]:~a{1,2},!b')).toEqual(['app[1:3]', '~a{1,2}', '!b']);
  });
});
