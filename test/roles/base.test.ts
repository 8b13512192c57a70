import { describe, expect, it } from 'vitest';
import { FarmError } from '../../src/index.ts';
import { fileText, outline, rehearse } from './harness.ts';

const HASH = '$6$saltsalt$0123456789abcdef';
const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIC3D5EYmOP3dmTnNAKOcTDJ8pS8P6A2wvVZfJdN6GUTK alice@example';

function inventory(variables = ''): string {
  return `farm: example
domain: farm.example
os: debian-12
networks:
  web: { cidr: 10.77.0.0/24, device: eth0 }
  db_net: { cidr: 10.78.0.0/24, device: eth1 }
vips: { www: { address: 10.77.0.100, pair: [app1, app2] } }
tiers:
  app:
    roles: [{ base: { ${variables} } }]
    hosts: { app1: { web: 10.77.0.21, db_net: 10.78.0.21 }, app2: { web: 10.77.0.22 } }
`;
}

const base = async (variables = '') =>
  (await rehearse(inventory(variables), { environment: { HASH } })).part('app1', 'base');

async function detailsOf(variables: string): Promise<readonly string[]> {
  try {
    return (await rehearse(inventory(variables), { environment: { HASH } }))
      .host('app1')
      .diagnostics.map((one) => one.detail);
  } catch (error) {
    if (error instanceof FarmError) return error.diagnostics.map((one) => one.detail);
    throw error;
  }
}

/** The arguments of the one resource of that type and id. */
function desiredOf(resources: Awaited<ReturnType<typeof base>>['resources'], type: string, id: string): unknown {
  const found = resources.filter((one) => one.type.type === type && one.id === id);
  expect(found).toHaveLength(1);
  return found[0]?.desired;
}

describe('base', () => {
  it('names the host and the farm where nothing is said', async () => {
    const { resources, checks } = await base();
    expect(outline(resources)).toMatchInlineSnapshot(`
      "file /etc/hostname
      exec host name app1
      block /etc/hosts farm
      packages tzdata
      symlink /etc/localtime
      file /etc/timezone
      "
    `);
    expect(fileText(resources, '/etc/hostname')).toBe('app1\n');
    expect(desiredOf(resources, 'block', '/etc/hosts farm')).toMatchInlineSnapshot(`
      {
        "comment": "#",
        "content": "10.77.0.21	app1.farm.example app1
      10.78.0.21	app1.db-net.farm.example app1.db-net
      10.77.0.22	app2.farm.example app2
      10.77.0.100	www.farm.example www
      ",
        "createGroup": "root",
        "createMode": "0644",
        "createOwner": "root",
        "name": "farm",
        "path": "/etc/hosts",
      }
    `);
    expect(checks.map((one) => one.name)).toEqual(['host name']);
  });

  it('names itself alone, or nobody', async () => {
    const { resources } = await base('hostsFile: self');
    expect(desiredOf(resources, 'block', '/etc/hosts farm')).toMatchObject({
      content: '10.77.0.21\tapp1.farm.example app1\n10.78.0.21\tapp1.db-net.farm.example app1.db-net\n',
    });
    expect(outline((await base('hostsFile: none')).resources)).not.toContain('block');
  });

  it('keeps the time with chrony', async () => {
    const { resources, checks } = await base('timezone: Europe/Berlin, timeServers: [ntp1.example.net, 192.0.2.1]');
    expect(fileText(resources, '/etc/chrony/chrony.conf')).toMatchInlineSnapshot(`
      "# Managed by farmctl: what is changed here is lost at the next apply.
      server ntp1.example.net iburst
      server 192.0.2.1 iburst
      driftfile /var/lib/chrony/chrony.drift
      keyfile /etc/chrony/chrony.keys
      logdir /var/log/chrony
      leapsectz right/UTC
      maxupdateskew 100.0
      makestep 1 3
      rtcsync
      "
    `);
    expect(fileText(resources, '/etc/timezone')).toBe('Europe/Berlin\n');
    expect(desiredOf(resources, 'symlink', '/etc/localtime')).toMatchObject({
      target: '/usr/share/zoneinfo/Europe/Berlin',
    });
    expect(outline(resources)).toContain('service chrony.service\n  file /etc/chrony/chrony.conf\n');
    expect(checks.map((one) => one.name)).toEqual(['host name', 'time']);
  });

  it('keeps the time with systemd', async () => {
    const { resources } = await base('timeServers: [ntp1.example.net, ntp2.example.net], timeService: timesyncd');
    expect(fileText(resources, '/etc/systemd/timesyncd.conf.d/farmctl.conf')).toMatchInlineSnapshot(`
      "# Managed by farmctl: what is changed here is lost at the next apply.
      [Time]
      NTP=ntp1.example.net ntp2.example.net
      FallbackNTP=
      "
    `);
  });

  it('gives administrators their account, keys and rights', async () => {
    const { resources } = await base(`administrators: [
      { name: alice, sudo: nopasswd, keys: ["${KEY}"], groups: [adm], uid: 2000, comment: Alice },
      { name: bob, sudo: password, passwordHash: !env HASH }, { name: carol } ], absentAdministrators: [mallory]`);
    expect(outline(resources)).toMatchInlineSnapshot(`
      "file /etc/hostname
      exec host name app1
      block /etc/hosts farm
      packages sudo tzdata
      symlink /etc/localtime
      file /etc/timezone
      user alice
      authorizedKey alice 4f957861c3bc77f4
      user bob
      user carol
      sudoers 60-farmctl
      absent-user mallory
      "
    `);
    expect(desiredOf(resources, 'sudoers', '60-farmctl')).toMatchInlineSnapshot(`
      {
        "name": "60-farmctl",
        "rules": "# Managed by farmctl: what is changed here is lost at the next apply.
      alice ALL=(ALL:ALL) NOPASSWD: ALL
      bob ALL=(ALL:ALL) ALL
      ",
      }
    `);
    expect(desiredOf(resources, 'user', 'alice')).toMatchObject({
      uid: 2000,
      groups: ['adm'],
      comment: 'Alice',
      home: '/home/alice',
    });
    expect(JSON.stringify(resources.map((one) => one.desired))).not.toContain(HASH);
  });

  it('installs and removes packages in one transaction', async () => {
    const { resources } = await base(
      'packages: [less, tzdata], absentPackages: [nano], sysctl: { vm.swappiness: "10", kernel.panic: -1 }',
    );
    expect(resources.filter((one) => one.type.type === 'packages').map((one) => one.desired)).toMatchInlineSnapshot(`
      [
        {
          "absent": [
            "nano",
          ],
          "packages": [
            {
              "name": "tzdata",
            },
            {
              "name": "less",
            },
          ],
        },
      ]
    `);
    expect(desiredOf(resources, 'sysctl', 'vm.swappiness')).toMatchObject({ value: '10' });
    expect(desiredOf(resources, 'sysctl', 'kernel.panic')).toMatchObject({ value: '-1' });
  });

  it.each([
    ['timezone: Europe/Nowhere', 'There is no time zone "Europe/Nowhere".'],
    ['administrators: [{ name: a }, { name: a }]', 'The administrator "a" is listed twice.'],
    ['administrators: [{ name: a, uid: 2000 }, { name: b, uid: 2000 }]', 'Two administrators have the same uid.'],
    ['administrators: [{ name: a, sudo: password }]', '"a" may use sudo with a password and has none.'],
    ['administrators: [{ name: a }], absentAdministrators: [a]', '"a" is to be there and to be absent.'],
    [
      'sysctl: { kernel.shmmax: 18446744073692774399 }',
      'The number of "kernel.shmmax" is too large to be read exactly.',
    ],
    ['packages: [less], absentPackages: [less]', 'The package "less" is to be there and to be absent.'],
    ['timeServers: [a], absentPackages: [chrony]', 'The package "chrony" is to be there and to be absent.'],
  ])('refuses %s', async (variables, detail) => {
    expect(await detailsOf(variables)).toEqual([detail]);
  });

  it.each([
    'hostsFile: all',
    'timezone: ../etc/passwd',
    'timezone: /etc/passwd',
    'timeServers: ["a b"]',
    'timeService: ntpd',
    'administrators: [{}]',
    'administrators: [{ name: Alice }]',
    'administrators: [{ name: root, uid: 0 }]',
    'administrators: [{ name: a, shell: bash }]',
    'administrators: [{ name: a, groups: ["a b"] }]',
    'administrators: [{ name: a, keys: ["no key"] }]',
    'administrators: [{ name: a, keys: ["command=\\"x\\" ssh-ed25519 AAAA"] }]',
    'administrators: [{ name: a, sudo: always }]',
    'administrators: [{ name: a, passwordHash: plain }]',
    'administrators: [{ name: a, comment: "a:b" }]',
    'absentAdministrators: ["-r"]',
    'packages: ["a=1; rm"]',
    'absentPackages: [A]',
    'sysctl: { "a b": "1" }',
    'sysctl: { vm.swappiness: [1] }',
    'sysctl: { vm.swappiness: 1.5 }',
    'sysctl: { vm.swappiness: true }',
    'hostname: app1',
  ])('is out of range: %s', async (variables) => {
    expect(await detailsOf(variables)).not.toEqual([]);
  });
});
