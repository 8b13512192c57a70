import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { explainVariable } from '../../../src/inventory/explain.ts';
import { type LoadOptions, loadInventory } from '../../../src/inventory/load.ts';
import type { Farm } from '../../../src/model/farm.ts';
import { t } from '../../../src/model/schema.ts';
import { Secret } from '../../../src/model/secret.ts';
import { roles } from '../../corpus/roles.ts';

let directory = '';

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'farmctl-inventory-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

function write(files: Readonly<Record<string, string>>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(directory, name)), { recursive: true });
    writeFileSync(join(directory, name), text);
  }
}

async function load(source: string, options: Partial<LoadOptions> = {}): Promise<Farm> {
  const { farm, diagnostics } = await loadInventory(source, { roles, directory, ...options });
  expect(diagnostics).toEqual([]);
  if (farm === undefined) throw new Error('no farm');
  return farm;
}

async function details(source: string, options: Partial<LoadOptions> = {}): Promise<readonly string[]> {
  const { diagnostics } = await loadInventory(source, { roles, directory, ...options });
  return diagnostics.map((one) => `${one.code}: ${one.detail}`);
}

const HEAD = `farm: shop
domain: shop.example
os: debian-12
networks:
  web: { cidr: 10.77.0.0/24, device: eth0 }
  db: { cidr: 10.77.1.0/24, device: eth1 }
`;

describe('the farm', () => {
  it('has the hosts of a range with addresses that count along', async () => {
    write({
      'farm.yaml': `${HEAD}tiers:
  app:
    roles: [base, nfs/client, resolver]
    variables: { nfs: { export: /srv } }
    hosts:
      'app[8:11]': { web: 10.77.0.21, db: 10.77.1.254, retired: true, os: debian-13 }
      'media[08:10]x': { db: 10.77.1.9, web: 10.77.0.31 }
`.replace('10.77.1.254', '10.77.1.21'),
    });
    const farm = await load('farm.yaml');
    expect([...farm.hosts.values()].map(({ name, addresses }) => [name, ...addresses.values()].join(' '))).toEqual([
      'app8 10.77.0.21 10.77.1.21',
      'app9 10.77.0.22 10.77.1.22',
      'app10 10.77.0.23 10.77.1.23',
      'app11 10.77.0.24 10.77.1.24',
      'media08x 10.77.1.9 10.77.0.31',
      'media09x 10.77.1.10 10.77.0.32',
      'media10x 10.77.1.11 10.77.0.33',
    ]);
    expect(farm.hosts.get('app9')).toMatchObject({ retired: true, os: 'debian-13', tier: 'app' });
    expect(farm.hosts.get('media10x')).toMatchObject({ retired: false, os: 'debian-12' });
    expect(farm.tiers.get('app')?.roles.map(({ role, part }) => part ?? role)).toEqual([
      'base',
      'nfs/client',
      'resolver',
    ]);
    expect(farm.hosts.get('app8')?.variables.get('nfs')).toEqual({ export: '/srv' });
  });

  it('lets the inner level win per variable, nothing merged deeply, and remembers the losers', async () => {
    write({
      'farm.yaml': `${HEAD}variables:
  apache-app: { workers: 1, port: 81, environment: { A: a } }
tiers:
  app:
    roles: [{ apache-app: { workers: 2 } }]
    variables: { apache-app: { environment: { B: b } } }
    hosts:
      app1: { web: 10.77.0.21 }
      app2: { web: 10.77.0.22, apache-app: { workers: 3, sites: [{ name: x }] } }
`,
    });
    const farm = await load('farm.yaml', {
      overrides: ['apache-app.log=none', 'apache-app.port=8080', 'apache-app.port=9090'],
    });
    expect(farm.hosts.get('app1')?.variables.get('apache-app')).toEqual({
      workers: 2,
      port: 9090,
      log: 'none',
      sites: [],
      mode: '0640',
      environment: { B: 'b' },
      limit: 'unlimited',
    });
    expect(farm.hosts.get('app2')?.variables.get('apache-app')).toMatchObject({
      workers: 3,
      sites: [{ name: 'x', aliases: [] }],
    });
    const { explanations } = explainVariable(farm, 'app2', 'workers');
    expect(explanations).toMatchObject([
      {
        role: 'apache-app',
        variable: 'workers',
        winner: { level: 'host', value: 3, at: { file: 'farm.yaml', line: 15, column: 46 } },
        losers: [
          { level: 'tier', value: 2, at: { line: 11 } },
          { level: 'farm', value: 1, at: { line: 8 } },
          { level: 'default', value: 150 },
        ],
      },
    ]);
    expect(explainVariable(farm, 'app1', 'apache-app.port').explanations[0]?.winner).toEqual({
      level: 'option',
      value: 9090,
    });
  });

  it('shares the values of hosts that say nothing of their own, frozen', async () => {
    write({ 'farm.yaml': `${HEAD}tiers: { app: { roles: [base], hosts: { 'app[1:2]': { web: 10.77.0.21 } } } }\n` });
    const farm = await load('farm.yaml');
    const [one, two] = [farm.hosts.get('app1'), farm.hosts.get('app2')];
    expect(one?.variables).toBe(two?.variables);
    expect(Object.isFrozen(one?.variables.get('base'))).toBe(true);
  });

  it('has ssh and become of every level, key by key', async () => {
    write({
      'sub/farm.yaml': `${HEAD}ssh: { user: admin, private_key: keys/id, jump: gate }
become: { password: !env SUDO }
tiers:
  app:
    roles: [base]
    ssh: { port: 2222 }
    become: true
    hosts:
      app1: { web: 10.77.0.21, ssh: { user: root, private_key: ~/.ssh/id }, become: { enabled: false } }
      'app[2:3]': { web: 10.77.0.22, ssh: { address: 192.0.2.9 } }
`,
    });
    const farm = await load('sub/farm.yaml', { environment: { SUDO: 'pass', HOME: '/home/me' } });
    expect(farm.hosts.get('app1')?.ssh).toEqual({
      user: 'root',
      port: 2222,
      privateKey: '/home/me/.ssh/id',
      jump: ['gate'],
    });
    expect(farm.hosts.get('app3')?.ssh).toMatchObject({
      address: '192.0.2.10',
      user: 'admin',
      privateKey: join(directory, 'sub/keys/id'),
    });
    expect(farm.hosts.get('app1')?.become.enabled).toBe(false);
    expect(farm.hosts.get('app3')?.become.enabled).toBe(true);
    expect(farm.hosts.get('app3')?.become.password?.reveal()).toBe('pass');
    const { explanations } = explainVariable(farm, 'app1', 'ssh.user');
    expect(explanations[0]).toMatchObject({
      winner: { level: 'host', value: 'root' },
      losers: [{ level: 'farm', value: 'admin' }],
    });
  });

  it('has VIPs with their network', async () => {
    write({
      'farm.yaml': `${HEAD}vips: { dns: { address: 10.77.1.53, pair: [ns2, ns1] } }
tiers: { dns: { roles: [bind9], hosts: { 'ns[1:2]': { db: 10.77.1.11 } } } }
`,
    });
    const { vips } = await load('farm.yaml');
    expect(vips.get('dns')).toMatchObject({ address: '10.77.1.53', network: 'db', pair: ['ns2', 'ns1'] });
  });
});

describe('tags', () => {
  const inventory = (tags: string) => `${HEAD}tiers:
  app:
    roles: [{ apache-app: { ${tags} } }]
    hosts: { app1: { web: 10.77.0.21 } }
`;

  it('make secrets of files and of the environment, and text of files', async () => {
    write({
      'keys/site.key': 'line one\nline two\n',
      'keys/site.pem': 'certificate\n',
      'sub/farm.yaml': inventory('tls: { certificate: !text ../keys/site.pem, key: !file ../keys/site.key }'),
    });
    const tls: unknown = (await load('sub/farm.yaml')).hosts.get('app1')?.variables.get('apache-app')?.['tls'];
    expect(tls).toMatchObject({ certificate: 'certificate\n' });
    const key: unknown = typeof tls === 'object' && tls !== null ? Reflect.get(tls, 'key') : undefined;
    expect(key).toBeInstanceOf(Secret);
    expect(key instanceof Secret ? key.reveal() : '').toBe('line one\nline two');
    expect(JSON.stringify(tls)).not.toContain('line one');
  });

  it('are understood in -e too, relative to the working directory', async () => {
    write({
      'k.txt': 'tsig',
      'farm.yaml': `${HEAD}tiers: { dns: { roles: [bind9], hosts: { ns1: { web: 10.77.0.1 } } } }\n`,
    });
    const farm = await load('farm.yaml', { overrides: ['bind9.tsig=!file k.txt', 'bind9.forwarders=[192.0.2.1]'] });
    const values = farm.hosts.get('ns1')?.variables.get('bind9');
    expect(values?.['tsig']).toBeInstanceOf(Secret);
    expect(values?.['forwarders']).toEqual(['192.0.2.1']);
  });

  it('leave no secret in the message about one that stands in the inventory as it is', async () => {
    write({ 'farm.yaml': inventory('tls: { certificate: x, key: correct horse battery }') });
    const all = JSON.stringify(await details('farm.yaml'));
    expect(all).toContain('tls.key');
    expect(all).not.toContain('correct horse');
  });
});

describe('sources', () => {
  const app = 'tiers: { app: { roles: [base], hosts: { app1: { web: 10.77.0.21 } } } }\n';

  it('may be the files of a folder, merged by entry', async () => {
    write({
      'prod/10-farm.yaml': HEAD,
      'prod/20-app.yml': app,
      'prod/30-more.yaml': `os: debian-12\ntiers:\n  app: { hosts: { app2: { web: 10.77.0.22 } } }\n  db: { roles: [], hosts: { db1: { db: 10.77.1.2 } } }\n`,
      'prod/.hidden.yaml': 'oops: 1\n',
      'prod/README.md': 'not read\n',
    });
    const farm = await load('prod');
    expect([...farm.hosts.keys()]).toEqual(['app1', 'app2', 'db1']);
    expect(farm.hosts.get('app2')?.at).toMatchObject({ file: 'prod/30-more.yaml', line: 3 });
  });

  it('may include files, each read once however often it is named', async () => {
    write({
      'farm.yaml': `${HEAD}include: [tiers/app.yaml, ./tiers/../tiers/app.yaml]\n`,
      'tiers/app.yaml': `include: ../farm.yaml\n${app}`,
    });
    expect([...(await load('farm.yaml')).hosts.keys()]).toEqual(['app1']);
  });

  it('may be a name below inventories/ of this folder or one above', async () => {
    write({ 'inventories/prod.yaml': HEAD + app, 'a/b/x.txt': '' });
    const from = { directory: join(directory, 'a/b') };
    expect((await load('prod', from)).name).toBe('shop');
    expect((await load('prod.yaml', from)).name).toBe('shop');
    expect(await details('prodd', from)).toEqual([
      'inventory/not-found: There is no inventory "prodd". Did you mean "prod"?',
    ]);
    expect(await details('')).toEqual(['inventory/not-found: There is no inventory "".']);
  });

  it('may be JSON or YAML from the standard input', async () => {
    const json = JSON.stringify({
      farm: 'shop',
      domain: 'shop.example',
      os: 'debian-12',
      networks: { web: { cidr: '10.77.0.0/24', device: 'eth0' } },
      tiers: { app: { roles: ['base'], hosts: { 'app[1:2]': { web: '10.77.0.21' } } } },
    });
    expect([...(await load('-', { input: json })).hosts.keys()]).toEqual(['app1', 'app2']);
    expect([...(await load('-', { input: HEAD + app })).hosts.keys()]).toEqual(['app1']);
    const { diagnostics, sources } = await loadInventory('-', { roles, input: `${json.slice(0, -1)},"x":1}` });
    expect(diagnostics[0]?.at).toMatchObject({ file: '<stdin>', line: 1 });
    expect([...sources.keys()]).toEqual(['<stdin>']);
  });

  it('say what they are when they are no text', async () => {
    write({ 'sub/x': '' });
    writeFileSync(join(directory, 'farm.yaml'), Buffer.from([0xff, 0xfe, 0x00, 0x41]));
    expect(await details('farm.yaml')).toEqual(['inventory/unreadable-file: The file farm.yaml is not UTF-8 text.']);
  });

  it('may be nested as deeply as they like without breaking anything', async () => {
    write({ 'deep.yaml': '['.repeat(8_000) });
    expect((await details('deep.yaml')).length).toBeGreaterThan(0);
  });
});

describe('-e', () => {
  it.each([
    ['workers=5', 'variables/option: "-e workers=5" does not name a variable of a role and its value.'],
    [
      'apache-app.workers',
      'variables/option: "-e apache-app.workers" does not name a variable of a role and its value.',
    ],
    ['apache.workers=5', 'variables/option: -e apache.workers: there is no role "apache".'],
    [
      'apache-app.wokers=5',
      'variables/option: -e apache-app.wokers: role apache-app has no variable "wokers". Did you mean "workers"?',
    ],
    [
      'apache-app.workers=many',
      'variables/invalid: -e apache-app.workers: it must be a whole number, not the text "many".',
    ],
    ['apache-app.workers=', 'variables/invalid: -e apache-app.workers: it must be a whole number, not empty.'],
    ['apache-app.sites=[{ name: a', 'inventory/syntax: -e apache-app.sites=[{ name: a: This "{" is not closed.'],
    ['bind9.tsig=!file none', 'inventory/unreadable-file: -e bind9.tsig=!file none: There is no file none.'],
    ['apache-app.log=!env NO', 'inventory/environment: -e apache-app.log=!env NO: The environment has no variable NO.'],
    ['nfs.export=/srv', 'variables/unused: -e nfs.export: no tier has role nfs.'],
  ])('%s', async (override, message) => {
    write({
      'farm.yaml': `${HEAD}tiers: { app: { roles: [apache-app, bind9], hosts: { app1: { web: 10.77.0.21 } } } }\n`,
    });
    expect(await details('farm.yaml', { overrides: [override] })).toEqual([message]);
  });
});

describe('a role whose schema is wrong', () => {
  it.each([
    ['a keyword that does not exist', t.object({ a: t.string({ minLenght: 1 }) })],
    [
      'a default where it has no effect',
      t.object({ a: t.union([t.object({ b: t.integer({ default: 1 }) }), t.null()]) }),
    ],
  ])('is named: %s', async (_name, variables) => {
    write({ 'farm.yaml': `${HEAD}tiers: { app: { roles: [odd], hosts: { app1: { web: 10.77.0.21 } } } }\n` });
    const odd = new Map([...roles, ['odd', { name: 'odd', variables, parts: new Map([['odd', undefined]]) }]]);
    const [found, ...more] = await details('farm.yaml', { roles: odd });
    expect(found).toMatch(/^role\/invalid-schema: The schema of role odd's variables cannot be used: strict mode: /);
    expect(more).toEqual([]);
  });
});

describe('explain', () => {
  it.each([
    ['app9', 'workers', 'There is no host "app9". Did you mean "app1"?'],
    ['app1', 'wokers', 'Host app1 has no role and no variable "wokers". Did you mean "workers"?'],
    ['app1', 'apache-app.wokers', 'On host app1 nothing is said on apache-app.wokers. Did you mean "workers"?'],
    [
      'app1',
      'apache-ap.workers',
      'Host app1 has no role and no variable "apache-ap.workers". Did you mean "apache-app.workers"?',
    ],
    ['app1', 'become', 'On host app1 no level says anything on become.'],
  ])('%s %s', async (host, what, message) => {
    write({ 'farm.yaml': `${HEAD}tiers: { app: { roles: [apache-app], hosts: { app1: { web: 10.77.0.21 } } } }\n` });
    const { explanations, diagnostics } = explainVariable(await load('farm.yaml'), host, what);
    expect(explanations).toEqual([]);
    expect(diagnostics.map((one) => one.detail)).toEqual([message]);
  });

  it('explains all variables of a role', async () => {
    write({ 'farm.yaml': `${HEAD}tiers: { app: { roles: [base], hosts: { app1: { web: 10.77.0.21 } } } }\n` });
    const { explanations } = explainVariable(await load('farm.yaml'), 'app1', 'base');
    expect(explanations.map((one) => one.variable)).toEqual(['timezone', 'reboot']);
  });
});
