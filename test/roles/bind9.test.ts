import { describe, expect, it } from 'vitest';
import { FarmError } from '../../src/index.ts';
import { fileText, mistakes, outline, rehearse } from './harness.ts';

const SECRET = 'c2VjcmV0IG9mIHRoZSB0cmFuc2ZlcnMgb2YgZmFybQ==';
const environment = { TSIG: SECRET };

/** Two name servers and two others on two networks; variables as YAML in flow style. */
function inventory(variables = '', more = '', ns3 = ''): string {
  return `farm: example
domain: farm.example
os: debian-12
networks:
  web: { cidr: 10.77.0.0/24, device: eth0 }
  db_net: { cidr: 10.78.0.0/22, device: eth1 }
vips: { www: { address: 10.77.0.100, pair: [app1, app10] } }
variables:
  bind9: { tsig: !env TSIG, ${variables} }
tiers:
  dns:
    roles: [bind9]
    hosts: { ns1: { web: 10.77.0.11 }, ns2: { web: 10.77.0.12 }${ns3} }
  app:
    roles: [resolver]
    hosts: { app1: { web: 10.77.0.21, db_net: 10.78.1.21 }, app10: { web: 10.77.0.30, db_net: 10.78.2.30 }${more} }
`;
}

const part = async (host: string, name: string, text = inventory()) =>
  (await rehearse(text, { environment })).part(host, name);

async function detailsOf(text: string, host = 'ns1'): Promise<readonly string[]> {
  try {
    return (await rehearse(text, { environment })).host(host).diagnostics.map((one) => one.detail);
  } catch (error) {
    if (error instanceof FarmError) return error.diagnostics.map((one) => one.detail);
    throw error;
  }
}

describe('bind9', () => {
  it('makes the first host the primary and the other its secondary', async () => {
    const primary = await part('ns1', 'bind9/primary');
    expect(outline(primary.resources)).toMatchInlineSnapshot(`
      "packages bind9 bind9-dnsutils
      directory /etc/bind/zones
      service named.service
        file /etc/bind/named.conf
        file /etc/default/named
        file /etc/bind/farm.key
        dns-zone 0.77.10.in-addr.arpa
        dns-zone 1.78.10.in-addr.arpa
        dns-zone 2.78.10.in-addr.arpa
        dns-zone farm.example
      service named-resolvconf.service
      "
    `);
    const secondary = await part('ns2', 'bind9/secondary');
    expect(outline(secondary.resources)).toMatchInlineSnapshot(`
      "packages bind9 bind9-dnsutils
      service named.service
        file /etc/bind/named.conf
        file /etc/default/named
        file /etc/bind/farm.key
      service named-resolvconf.service
      dns-zone-copy 0.77.10.in-addr.arpa
      dns-zone-copy 1.78.10.in-addr.arpa
      dns-zone-copy 2.78.10.in-addr.arpa
      dns-zone-copy farm.example
      "
    `);
    expect(primary.checks.map((one) => one.name)).toMatchInlineSnapshot(`
      [
        "zone 0.77.10.in-addr.arpa",
        "zone 1.78.10.in-addr.arpa",
        "zone 2.78.10.in-addr.arpa",
        "zone farm.example",
        "address of ns1",
        "name of 10.77.0.11",
        "no transfer without the key",
      ]
    `);
    expect(secondary.checks.map((one) => one.name)).toMatchInlineSnapshot(`
      [
        "zone 0.77.10.in-addr.arpa",
        "zone 1.78.10.in-addr.arpa",
        "zone 2.78.10.in-addr.arpa",
        "zone farm.example",
        "address of ns2",
        "name of 10.77.0.12",
        "no transfer without the key",
        "transfer with the key",
        "serials as on the primary",
      ]
    `);
  });

  it('lets the inventory choose the primary', async () => {
    expect((await part('ns2', 'bind9/primary', inventory('primary: ns2'))).resources).not.toHaveLength(0);
  });

  it('makes the zones from the inventory', async () => {
    const { resources } = await part('ns1', 'bind9/primary');
    expect(fileText(resources, '/etc/bind/zones/farm.example.zone')).toMatchInlineSnapshot(`
      "; Managed by farmctl: what is changed here is lost at the next apply.
      farm.example. 300 IN SOA ns1.farm.example. hostmaster.farm.example. 1 3600 600 1209600 60
      farm.example. 300 IN NS ns1.farm.example.
      farm.example. 300 IN NS ns2.farm.example.
      app1.farm.example. 300 IN A 10.77.0.21
      app10.farm.example. 300 IN A 10.77.0.30
      app1.db-net.farm.example. 300 IN A 10.78.1.21
      app10.db-net.farm.example. 300 IN A 10.78.2.30
      ns1.farm.example. 300 IN A 10.77.0.11
      ns2.farm.example. 300 IN A 10.77.0.12
      www.farm.example. 300 IN A 10.77.0.100
      "
    `);
    expect(fileText(resources, '/etc/bind/zones/0.77.10.in-addr.arpa.zone')).toMatchInlineSnapshot(`
      "; Managed by farmctl: what is changed here is lost at the next apply.
      0.77.10.in-addr.arpa. 300 IN SOA ns1.farm.example. hostmaster.farm.example. 1 3600 600 1209600 60
      0.77.10.in-addr.arpa. 300 IN NS ns1.farm.example.
      0.77.10.in-addr.arpa. 300 IN NS ns2.farm.example.
      11.0.77.10.in-addr.arpa. 300 IN PTR ns1.farm.example.
      12.0.77.10.in-addr.arpa. 300 IN PTR ns2.farm.example.
      21.0.77.10.in-addr.arpa. 300 IN PTR app1.farm.example.
      30.0.77.10.in-addr.arpa. 300 IN PTR app10.farm.example.
      100.0.77.10.in-addr.arpa. 300 IN PTR www.farm.example.
      "
    `);
    expect(fileText(resources, '/etc/bind/zones/2.78.10.in-addr.arpa.zone')).toMatchInlineSnapshot(`
      "; Managed by farmctl: what is changed here is lost at the next apply.
      2.78.10.in-addr.arpa. 300 IN SOA ns1.farm.example. hostmaster.farm.example. 1 3600 600 1209600 60
      2.78.10.in-addr.arpa. 300 IN NS ns1.farm.example.
      2.78.10.in-addr.arpa. 300 IN NS ns2.farm.example.
      30.2.78.10.in-addr.arpa. 300 IN PTR app10.db-net.farm.example.
      "
    `);
  });

  it('writes the configuration of both sides, the key only masked', async () => {
    const { resources } = await part('ns1', 'bind9/primary');
    expect(fileText(resources, '/etc/bind/named.conf')).toMatchInlineSnapshot(`
      "// Managed by farmctl: what is changed here is lost at the next apply.
      include "/etc/bind/farm.key";
      acl farm {
      	127.0.0.0/8;
      	10.77.0.0/24;
      	10.78.0.0/22;
      };
      acl clients {
      	127.0.0.0/8;
      	10.77.0.0/24;
      	10.78.0.0/22;
      };
      options {
      	directory "/var/cache/bind";
      	listen-on { any; };
      	listen-on-v6 { none; };
      	allow-query { clients; };
      	recursion yes;
      	allow-recursion { farm; };
      	allow-query-cache { farm; };
      	allow-transfer { none; };
      	dnssec-validation auto;
      	max-cache-size 128M;
      	notify explicit;
      	notify-source 10.77.0.11;
      	transfer-source 10.77.0.11;
      	version none;
      };
      zone "0.77.10.in-addr.arpa" {
      	type primary;
      	file "/etc/bind/zones/0.77.10.in-addr.arpa.zone";
      	allow-transfer { key farm-transfer; };
      	also-notify {
      		10.77.0.12 key farm-transfer;
      	};
      };
      zone "1.78.10.in-addr.arpa" {
      	type primary;
      	file "/etc/bind/zones/1.78.10.in-addr.arpa.zone";
      	allow-transfer { key farm-transfer; };
      	also-notify {
      		10.77.0.12 key farm-transfer;
      	};
      };
      zone "2.78.10.in-addr.arpa" {
      	type primary;
      	file "/etc/bind/zones/2.78.10.in-addr.arpa.zone";
      	allow-transfer { key farm-transfer; };
      	also-notify {
      		10.77.0.12 key farm-transfer;
      	};
      };
      zone "farm.example" {
      	type primary;
      	file "/etc/bind/zones/farm.example.zone";
      	allow-transfer { key farm-transfer; };
      	also-notify {
      		10.77.0.12 key farm-transfer;
      	};
      };
      include "/etc/bind/named.conf.default-zones";
      "
    `);
    expect(fileText(resources, '/etc/bind/farm.key')).toMatchInlineSnapshot(`
      "// Managed by farmctl: what is changed here is lost at the next apply.
      key "farm-transfer" {
      	algorithm hmac-sha256;
      	secret "(sensitive)";
      };
      "
    `);
    expect(fileText(resources, '/etc/default/named')).toMatchInlineSnapshot(`
      "# Managed by farmctl: what is changed here is lost at the next apply.
      RESOLVCONF=no
      OPTIONS="-u bind -4"
      "
    `);
    const secondary = await part('ns2', 'bind9/secondary');
    expect(fileText(secondary.resources, '/etc/bind/named.conf')).toMatchInlineSnapshot(`
      "// Managed by farmctl: what is changed here is lost at the next apply.
      include "/etc/bind/farm.key";
      acl farm {
      	127.0.0.0/8;
      	10.77.0.0/24;
      	10.78.0.0/22;
      };
      acl clients {
      	127.0.0.0/8;
      	10.77.0.0/24;
      	10.78.0.0/22;
      };
      options {
      	directory "/var/cache/bind";
      	listen-on { any; };
      	listen-on-v6 { none; };
      	allow-query { clients; };
      	recursion yes;
      	allow-recursion { farm; };
      	allow-query-cache { farm; };
      	allow-transfer { none; };
      	dnssec-validation auto;
      	max-cache-size 128M;
      	notify explicit;
      	notify-source 10.77.0.12;
      	transfer-source 10.77.0.12;
      	version none;
      };
      zone "0.77.10.in-addr.arpa" {
      	type secondary;
      	primaries { 10.77.0.11 key farm-transfer; };
      	file "/var/cache/bind/0.77.10.in-addr.arpa.zone";
      	masterfile-format text;
      };
      zone "1.78.10.in-addr.arpa" {
      	type secondary;
      	primaries { 10.77.0.11 key farm-transfer; };
      	file "/var/cache/bind/1.78.10.in-addr.arpa.zone";
      	masterfile-format text;
      };
      zone "2.78.10.in-addr.arpa" {
      	type secondary;
      	primaries { 10.77.0.11 key farm-transfer; };
      	file "/var/cache/bind/2.78.10.in-addr.arpa.zone";
      	masterfile-format text;
      };
      zone "farm.example" {
      	type secondary;
      	primaries { 10.77.0.11 key farm-transfer; };
      	file "/var/cache/bind/farm.example.zone";
      	masterfile-format text;
      };
      include "/etc/bind/named.conf.default-zones";
      "
    `);
  });

  it('writes what the variables say', async () => {
    const text = inventory(`
      records: [{ name: www2, type: CNAME, value: app1 }], zones: [{ name: Other.Example, ttl: 60,
      records: [{ name: "@", type: MX, value: mail.example.net. }] }], ttl: 900, forwarders: [192.0.2.1], forward: only,
      dnssecValidation: "no", allowQuery: [any], allowRecursion: [192.0.2.0/24], queryLog: true, responsesPerSecond: 20,
      statisticsPort: 8053, cacheMiB: 64, tsigAlgorithm: hmac-sha512, soa: { hostmaster: first.last@example.net, retry: 60 }`);
    const { resources } = await part('ns1', 'bind9/primary', text);
    expect(fileText(resources, '/etc/bind/named.conf')).toMatchSnapshot();
    expect(fileText(resources, '/etc/bind/zones/other.example.zone')).toMatchInlineSnapshot(`
      "; Managed by farmctl: what is changed here is lost at the next apply.
      other.example. 60 IN SOA ns1.farm.example. first\\.last.example.net. 1 3600 60 1209600 60
      other.example. 60 IN NS ns1.farm.example.
      other.example. 60 IN NS ns2.farm.example.
      other.example. 60 IN MX 10 mail.example.net.
      "
    `);
    expect(fileText(resources, '/etc/bind/zones/farm.example.zone')).toContain(
      '\nwww2.farm.example. 900 IN CNAME app1.farm.example.\n',
    );
  });

  it('knows a host more, and forgets one that is retired', async () => {
    const before = await part('ns1', 'bind9/primary');
    const more = await part('ns1', 'bind9/primary', inventory('', ', app11: { web: 10.77.0.31 }'));
    const lines = (resources: typeof before.resources) =>
      fileText(resources, '/etc/bind/zones/farm.example.zone').split('\n');
    const added = lines(more.resources).filter((line) => !lines(before.resources).includes(line));
    expect(added).toEqual(['app11.farm.example. 300 IN A 10.77.0.31']);
    const retired = inventory('', ', app11: { web: 10.77.0.31, retired: true }');
    expect(lines((await part('ns1', 'bind9/primary', retired)).resources)).toEqual(lines(before.resources));
  });

  it('takes a third name server from one more line', async () => {
    const text = inventory('', '', ', ns3: { web: 10.77.0.13 }');
    const { resources } = await part('ns1', 'bind9/primary', text);
    expect(fileText(resources, '/etc/bind/named.conf')).toContain('\t\t10.77.0.13 key farm-transfer;\n');
    expect(fileText(resources, '/etc/bind/zones/farm.example.zone')).toContain(
      '\nfarm.example. 300 IN NS ns3.farm.example.\n',
    );
    expect(outline((await part('ns3', 'bind9/secondary', text)).resources)).toContain('dns-zone-copy farm.example\n');
  });

  it('needs no key where there is no secondary', async () => {
    const text = `farm: one
domain: one.example
os: debian-12
networks: { web: { cidr: 10.77.0.0/24, device: eth0 } }
tiers: { dns: { roles: [bind9], hosts: { ns1: { web: 10.77.0.11 } } } }
`;
    const conf = fileText((await part('ns1', 'bind9/primary', text)).resources, '/etc/bind/named.conf');
    expect(conf).not.toMatch(/key|also-notify/);
  });

  it.each([
    ['primary: ns7', 'No host is the primary name server, and one host must be.'],
    [
      'forwarders: [10.77.0.12]',
      "The forwarder 10.77.0.12 is one of the farm's own name servers: questions would go in a circle.",
    ],
    ['forward: only', '"only" asks nobody but the forwarders, and there are none.'],
    [
      'records: [{ name: app1, type: CNAME, value: ns1 }]',
      'app1.farm.example. has a CNAME record and others beside it in the zone farm.example.',
    ],
    [
      'records: [{ name: www, type: A, value: 10.77.0.100 }]',
      'www.farm.example. has the A record 10.77.0.100 twice in the zone farm.example.',
    ],
    ['zones: [{ name: farm.example }]', 'The zone farm.example is there twice.'],
    ['zones: [{ name: "a b" }]', 'The zone "a b" has the label "a b", which is none of a host name.'],
    [
      'soa: { hostmaster: a@b..c }',
      'The hostmaster "a@b..c" has an empty label (two dots in a row, or one at its beginning).',
    ],
  ])('refuses %s', async (variables, detail) => {
    expect(await detailsOf(inventory(variables), variables.startsWith('primary') ? 'ns2' : 'ns1')).toEqual([detail]);
  });

  it('wants a key for transfers', async () => {
    const found = await mistakes(inventory().replace('tsig: !env TSIG, ', ''), 'ns1');
    expect(found.map((one) => one.detail)).toEqual(['Zones are transferred to ns2, and there is no key for it.']);
  });

  it.each([
    'tsig: plain',
    'tsigName: "a b"',
    'tsigAlgorithm: hmac-md5',
    'ttl: -1',
    'ttl: 604801',
    'soa: { refresh: -1 }',
    'soa: { serial: 1 }',
    'soa: { hostmaster: "a b" }',
    'records: [{ name: "", type: A, value: 10.0.0.1 }]',
    'records: [{ name: a, type: AAAA, value: "::1" }]',
    'records: [{ name: a, type: MX, value: b, priority: 65536 }]',
    'records: [{ name: a, type: A }]',
    'zones: [{ records: [] }]',
    'recursion: maybe',
    'allowQuery: [everyone]',
    'allowQuery: [10.77.0.1/24]',
    'allowRecursion: [any]',
    'forwarders: ["2001:db8::1"]',
    'forwarders: [ns.example.net]',
    'forward: last',
    'dnssecValidation: maybe',
    'cacheMiB: 1',
    'responsesPerSecond: 0',
    'queryLog: often',
    'statisticsPort: 70000',
    'serial: date',
  ])('is out of range: %s', async (variables) => {
    const text = inventory(variables).replace('tsig: !env TSIG, tsig:', 'tsig:');
    expect(await detailsOf(text)).not.toEqual([]);
  });

  it('refuses a network on which a server has no address', async () => {
    expect(await detailsOf(inventory('transferNetwork: db_net'))).toEqual(['ns1 has no address in network "db_net".']);
  });
});

describe('resolver', () => {
  const own = (variables = '') => inventory().replace('[resolver]', `[{ resolver: { ${variables} } }]`);
  const file = async (variables = '') =>
    fileText((await part('app1', 'resolver', own(variables))).resources, '/etc/resolv.conf');

  it('points to the name servers of the farm', async () => {
    expect(await file()).toMatchInlineSnapshot(`
      "# Managed by farmctl: what is changed here is lost at the next apply.
      search farm.example
      nameserver 10.77.0.11
      nameserver 10.77.0.12
      options timeout:1 attempts:2
      "
    `);
    const { resources, checks } = await part('app1', 'resolver');
    expect(outline(resources)).toMatchInlineSnapshot(`
      "link-guard /etc/resolv.conf
      file /etc/resolv.conf
      "
    `);
    expect(checks.map((one) => one.name)).toMatchInlineSnapshot(`
      [
        "name server 10.77.0.11",
        "name server 10.77.0.12",
        "resolv.conf",
      ]
    `);
  });

  it('says what the variables say', async () => {
    expect(
      await file('servers: [192.0.2.1], search: [a.example, b.example], timeout: 3, attempts: 1, rotate: true'),
    ).toMatchInlineSnapshot(`
      "# Managed by farmctl: what is changed here is lost at the next apply.
      search a.example b.example
      nameserver 192.0.2.1
      options timeout:3 attempts:1 rotate
      "
    `);
    expect(await file('vip: www')).toContain('nameserver 10.77.0.100\nnameserver 10.77.0.11\nnameserver 10.77.0.12\n');
    expect(outline((await part('app1', 'resolver', own('replaceLink: true'))).resources)).toBe(
      'file /etc/resolv.conf\n',
    );
  });

  it('asks the own server first on a name server', async () => {
    const text = inventory().replace('roles: [bind9]', 'roles: [bind9, resolver]');
    const { resources } = await part('ns2', 'resolver', text);
    expect(fileText(resources, '/etc/resolv.conf')).toContain('nameserver 10.77.0.12\nnameserver 10.77.0.11\n');
  });

  it.each([
    ['vip: nowhere', 'There is no virtual address "nowhere".'],
    ['servers: [10.0.0.1, 10.0.0.2, 10.0.0.3, 10.0.0.4]', undefined],
    ['servers: ["::1"]', undefined],
    ['search: ["a b"]', undefined],
    ['timeout: 0', undefined],
    ['timeout: 31', undefined],
    ['attempts: 0', undefined],
    ['attempts: 6', undefined],
    ['rotate: maybe', undefined],
    ['replaceLink: 1', undefined],
    ['options: []', undefined],
  ])('refuses %s', async (variables, detail) => {
    const found = await detailsOf(own(variables), 'app1');
    expect(found).toHaveLength(1);
    if (detail !== undefined) expect(found).toEqual([detail]);
  });

  it('needs a name server somewhere', async () => {
    const text = `farm: none
domain: none.example
os: debian-12
networks: { web: { cidr: 10.77.0.0/24, device: eth0 } }
tiers: { app: { roles: [resolver], hosts: { app1: { web: 10.77.0.21 } } } }
`;
    expect(await detailsOf(text, 'app1')).toEqual(['The farm has no name server, and none is named.']);
  });
});
