import { describe, expect, it } from 'vitest';
import { restartProjection, type ServiceDesired, wantedContents } from '../../src/resource/service-set.ts';
import { fileText, mistakes, outline, rehearse } from './harness.ts';

/** An inventory with a server and two tiers of clients, whose variables are given as JSON, which YAML reads too. */
function inventory(server: Record<string, unknown>, client: Record<string, unknown> = {}, more = ''): string {
  return `farm: example
domain: farm.example
os: debian-12
networks: { web: { cidr: 10.77.0.0/24, device: eth0 }, db: { cidr: 10.77.1.0/24, device: eth1 } }
tiers:
  files:
    roles: [{ nfs/server: ${JSON.stringify(server)} }]
    hosts: { nfs1: { web: 10.77.0.31, db: 10.77.1.31 } }
  app:
    roles: [{ nfs/client: ${JSON.stringify(client)} }]
    hosts: { app1: { web: 10.77.0.21 }, app2: { web: 10.77.0.22 } }
  sql:
    roles: []
    hosts: { sql1: { db: 10.77.1.41 } }
${more}`;
}

const WEB = {
  path: '/srv/nfs/web',
  owner: 'farmweb',
  group: 'farmweb',
  mode: '2775',
  directories: ['htdocs', 'htdocs/img'],
};
const MEDIA = { path: '/srv/nfs/media', access: 'ro', squash: 'all', anonymous: 'farmweb' };
const MOUNTS = [{ export: '/srv/nfs/web' }, { export: '/srv/nfs/media', access: 'ro', path: '/srv/media' }];

describe('nfs/server', () => {
  it('gives each export to the hosts that mount it', async () => {
    const farm = await rehearse(inventory({ exports: [WEB, MEDIA] }, { mounts: MOUNTS }));
    const { resources, checks } = farm.part('nfs1', 'nfs/server');
    expect(outline(resources)).toMatchInlineSnapshot(`
      "masked-unit rpcbind.socket
      masked-unit rpcbind.service
      masked-unit rpc-statd.service
      masked-unit rpc-statd-notify.service
      packages nfs-kernel-server
      group farmweb
      user farmweb
      directory /srv/nfs/web
      directory /srv/nfs/web/htdocs
      directory /srv/nfs/web/htdocs/img
      directory /srv/nfs/media
      service nfs-blkmap.service
      service nfs-server.service
        file /etc/exports
        ownedDirectory /etc/exports.d
          farmctl.exports
        ownedDirectory /etc/nfs.conf.d
          farmctl.conf
      nfs-exports server
      "
    `);
    expect(fileText(resources, '/etc/exports.d/farmctl.exports')).toMatchInlineSnapshot(`
      "# Managed by farmctl: what is changed here is lost at the next apply.
      /srv/nfs/media 10.77.0.21/32(ro,sync,no_subtree_check,secure,all_squash,anonuid=3000,anongid=3000)
      /srv/nfs/media 10.77.0.22/32(ro,sync,no_subtree_check,secure,all_squash,anonuid=3000,anongid=3000)
      /srv/nfs/web 10.77.0.21/32(rw,sync,no_subtree_check,secure,root_squash)
      /srv/nfs/web 10.77.0.22/32(rw,sync,no_subtree_check,secure,root_squash)
      "
    `);
    expect(fileText(resources, '/etc/nfs.conf.d/farmctl.conf')).toMatchInlineSnapshot(`
      "# Managed by farmctl: what is changed here is lost at the next apply.
      [nfsd]
      threads=16
      vers3=n
      vers4=y
      vers4.0=n
      vers4.1=y
      vers4.2=y
      grace-time=15
      lease-time=15
      "
    `);
    expect(resources.find((one) => one.type.type === 'nfs-exports')?.desired).toMatchInlineSnapshot(`
      {
        "lines": [
          "/srv/nfs/media	10.77.0.21/32(ro,sync,wdelay,hide,nocrossmnt,secure,root_squash,all_squash,no_subtree_check,secure_locks,acl,no_pnfs,anonuid=3000,anongid=3000,sec=sys,ro,root_squash,all_squash)",
          "/srv/nfs/media	10.77.0.22/32(ro,sync,wdelay,hide,nocrossmnt,secure,root_squash,all_squash,no_subtree_check,secure_locks,acl,no_pnfs,anonuid=3000,anongid=3000,sec=sys,ro,root_squash,all_squash)",
          "/srv/nfs/web	10.77.0.21/32(rw,sync,wdelay,hide,nocrossmnt,secure,root_squash,no_all_squash,no_subtree_check,secure_locks,acl,no_pnfs,anonuid=65534,anongid=65534,sec=sys,rw,root_squash,no_all_squash)",
          "/srv/nfs/web	10.77.0.22/32(rw,sync,wdelay,hide,nocrossmnt,secure,root_squash,no_all_squash,no_subtree_check,secure_locks,acl,no_pnfs,anonuid=65534,anongid=65534,sec=sys,rw,root_squash,no_all_squash)",
        ],
        "threads": 16,
      }
    `);
    expect(checks.map(({ name }) => name)).toEqual(['port web', 'port db', 'exports']);
  });

  it('gives an export to networks, tiers, hosts and addresses', async () => {
    const clients = [
      { network: 'db', access: 'ro' },
      { tier: 'app', squash: 'none' },
      { cidr: '10.77.0.128/25', anonymous: 'farmweb', squash: 'all' },
    ];
    const exports = [{ ...WEB, clients, sync: false, privilegedPorts: false }];
    const { resources } = (await rehearse(inventory({ exports }))).part('nfs1', 'nfs/server');
    expect(fileText(resources, '/etc/exports.d/farmctl.exports')).toMatchInlineSnapshot(`
      "# Managed by farmctl: what is changed here is lost at the next apply.
      /srv/nfs/web 10.77.0.128/25(rw,async,no_subtree_check,insecure,all_squash,anonuid=3000,anongid=3000)
      /srv/nfs/web 10.77.0.21/32(rw,async,no_subtree_check,insecure,no_root_squash)
      /srv/nfs/web 10.77.0.22/32(rw,async,no_subtree_check,insecure,no_root_squash)
      /srv/nfs/web 10.77.1.0/24(ro,async,no_subtree_check,insecure,root_squash)
      "
    `);
  });

  it('listens only where it is told, and answers only those versions', async () => {
    const given = { exports: [WEB], listen: ['db'], versions: ['4.2'], threads: 4, graceSeconds: 20, leaseSeconds: 10 };
    const { resources, checks } = (await rehearse(inventory(given))).part('nfs1', 'nfs/server');
    expect(fileText(resources, '/etc/nfs.conf.d/farmctl.conf')).toMatchInlineSnapshot(`
      "# Managed by farmctl: what is changed here is lost at the next apply.
      [nfsd]
      threads=4
      host=10.77.1.31
      vers3=n
      vers4=y
      vers4.0=n
      vers4.1=n
      vers4.2=y
      grace-time=20
      lease-time=10
      "
    `);
    expect(checks.map(({ name }) => name)).toEqual(['port db', 'exports']);
  });

  it('is restarted for anything but its threads and exports', async () => {
    const restartDigest = async (given: Record<string, unknown>) => {
      const { resources } = (await rehearse(inventory({ exports: [WEB], ...given }))).part('nfs1', 'nfs/server');
      const found = resources.find(({ id }) => id === 'nfs-server.service');
      return restartProjection(found?.desired as ServiceDesired, wantedContents(found?.desired as ServiceDesired));
    };
    const usual = await restartDigest({});
    expect(await restartDigest({ threads: 3 })).toBe(usual);
    expect(await restartDigest({ exports: [WEB, MEDIA] })).toBe(usual);
    expect(await restartDigest({ graceSeconds: 30 })).not.toBe(usual);
    expect(await restartDigest({ versions: ['4.1'] })).not.toBe(usual);
    expect(await restartDigest({ listen: ['web'] })).not.toBe(usual);
  });

  it.each([
    ['the same path twice', { exports: [WEB, WEB] }],
    ['a path below another', { exports: [WEB, { path: '/srv/nfs/web/sub' }] }],
    ['a path of the host itself', { exports: [{ path: '/etc' }] }],
    ['a path in one of the host itself', { exports: [{ path: '/etc/ssl' }] }],
    ['what holds the state of the server', { exports: [{ path: '/var/lib' }] }],
    ['the state of the server', { exports: [{ path: '/var/lib/nfs/v4' }] }],
    ['the state of farmctl', { exports: [{ path: '/var/lib/farmctl' }] }],
    ['an unknown owner', { exports: [{ ...WEB, owner: 'farmwbe' }] }],
    ['an unknown group', { exports: [{ ...WEB, group: 'farmwbe' }] }],
    ['an owner that is only a group', { exports: [{ ...WEB, owner: 'nogroup' }] }],
    ['an unknown identity', { exports: [{ path: '/srv/nfs/web', anonymous: 'ghost' }], ids: [] }],
    ['a client without a name', { exports: [{ ...WEB, clients: [{ access: 'ro' }] }] }],
    ['a client with two names', { exports: [{ ...WEB, clients: [{ host: 'app1', tier: 'app' }] }] }],
    ['an unknown host', { exports: [{ ...WEB, clients: [{ host: 'app9' }] }] }],
    ['an unknown tier', { exports: [{ ...WEB, clients: [{ tier: 'apps' }] }] }],
    ['an unknown network', { exports: [{ ...WEB, clients: [{ network: 'dmz' }] }] }],
    ['addresses elsewhere', { exports: [{ ...WEB, clients: [{ cidr: '10.99.0.0/24' }] }] }],
    [
      'a client in no network that it listens on',
      { exports: [{ ...WEB, clients: [{ host: 'sql1' }] }], listen: ['web'] },
    ],
    ['clients that overlap', { exports: [{ ...WEB, clients: [{ network: 'web' }, { host: 'app1' }] }] }],
    [
      'two identities with one number',
      {
        ids: [
          { name: 'a', uid: 5, gid: 5 },
          { name: 'b', uid: 5, gid: 6 },
        ],
      },
    ],
    ['a time of grace below the lease', { graceSeconds: 10, leaseSeconds: 20 }],
    ['a network that it is not in', { listen: ['dmz'] }],
  ])('refuses %s', async (_, given) => {
    const found = await mistakes(inventory(given), 'nfs1');
    expect(found).toHaveLength(1);
    expect(found[0]?.at?.line).toBe(7);
    expect(`${found[0]?.detail} ${found[0]?.hint ?? ''}`).toMatchSnapshot();
  });

  it.each([
    ['beside the state of the server', { path: '/var/lib/nfsdata' }],
    ['in /var', { path: '/var/www' }],
    ['of a user and a group that every Debian has', { path: '/srv/a', owner: 'www-data', group: 'nogroup' }],
    ['of numbers', { path: '/srv/a', owner: '2001', group: '2001' }],
  ])('exports a directory %s', async (_, share) => {
    expect(await mistakes(inventory({ exports: [share] }), 'nfs1')).toEqual([]);
  });

  it.each([
    ['options as free text', { exports: [{ ...WEB, options: 'rw,fsid=0' }] }],
    ['a blank in a path', { exports: [{ path: '/srv/my files' }] }],
    ['the root directory', { exports: [{ path: '/' }] }],
    ['a word for threads', { threads: 'many' }],
    ['no version', { versions: [] }],
    ['NFS 3', { versions: ['3'] }],
    ['an address with bits behind it', { exports: [{ ...WEB, clients: [{ cidr: '10.77.0.0' }] }] }],
  ])('refuses %s', async (_, given) => {
    expect(await mistakes(inventory(given), 'nfs1')).not.toEqual([]);
  });
});

describe('nfs/client', () => {
  it('mounts what the server exports, at the first access', async () => {
    const farm = await rehearse(inventory({ exports: [WEB, MEDIA] }, { mounts: MOUNTS }));
    const { resources, checks } = farm.part('app1', 'nfs/client');
    expect(outline(resources)).toMatchInlineSnapshot(`
      "masked-unit rpcbind.socket
      masked-unit rpcbind.service
      masked-unit rpc-statd.service
      masked-unit rpc-statd-notify.service
      packages nfs-common
      group farmweb
      user farmweb
      unitFile srv-nfs-web.mount
      unitFile srv-nfs-web.automount
      nfs-mount /srv/nfs/web
      unitFile srv-media.mount
      unitFile srv-media.automount
      nfs-mount /srv/media
      "
    `);
    expect(fileText(resources, '/etc/systemd/system/srv-media.mount')).toMatchInlineSnapshot(`
      "# Managed by farmctl: what is changed here is lost at the next apply.
      [Unit]
      Description=NFS /srv/media from nfs1
      Wants=network-online.target
      After=network-online.target

      [Mount]
      What=10.77.0.31:/srv/nfs/media
      Where=/srv/media
      Type=nfs4
      Options=ro,hard,proto=tcp,vers=4.2,timeo=100,retrans=2,noatime,nosuid,nodev,exec,lookupcache=positive
      TimeoutSec=90
      "
    `);
    expect(fileText(resources, '/etc/systemd/system/srv-nfs-web.automount')).toMatchInlineSnapshot(`
      "# Managed by farmctl: what is changed here is lost at the next apply.
      [Unit]
      Description=NFS /srv/nfs/web from nfs1 at the first access

      [Automount]
      Where=/srv/nfs/web

      [Install]
      WantedBy=multi-user.target
      "
    `);
    expect(checks.map(({ name }) => name)).toEqual(['mount /srv/nfs/web', 'mount /srv/media']);
  });

  it('takes every option, and escapes the name of the unit', async () => {
    const mount = {
      ...{ export: '/srv/nfs/web', path: '/srv/my-files/.web', access: 'ro', network: 'web', version: '4.1' },
      ...{ soft: true, timeo: 50, retrans: 5, lookupcache: 'all', actimeo: 3, atime: true, suid: true },
      ...{ devices: true, exec: false },
    };
    const farm = await rehearse(inventory({ exports: [WEB] }, { mounts: [mount], mountTimeoutSeconds: 20 }));
    const { resources } = farm.part('app1', 'nfs/client');
    expect(fileText(resources, '/etc/systemd/system/srv-my\\x2dfiles-.web.mount')).toMatchInlineSnapshot(`
      "# Managed by farmctl: what is changed here is lost at the next apply.
      [Unit]
      Description=NFS /srv/my-files/.web from nfs1
      Wants=network-online.target
      After=network-online.target

      [Mount]
      What=10.77.0.31:/srv/nfs/web
      Where=/srv/my-files/.web
      Type=nfs4
      Options=ro,soft,proto=tcp,vers=4.1,timeo=50,retrans=5,relatime,suid,dev,noexec,lookupcache=all,actimeo=3
      TimeoutSec=20
      "
    `);
  });

  const soft = { export: '/srv/nfs/web', soft: true };
  it.each([
    ['an export that nobody has', [{ export: '/srv/nfs/other' }]],
    ['an unknown server', [{ export: '/srv/nfs/web', server: 'nfs9' }]],
    ['a version that is not answered', [{ export: '/srv/nfs/web', version: '4.0' }]],
    ['a soft mount that is written to', [soft]],
    ['a network that they do not share', [{ export: '/srv/nfs/web', network: 'db' }]],
    ['to write where it may only read', [{ export: '/srv/nfs/media' }]],
    [
      'two mounts at one path',
      [{ export: '/srv/nfs/web' }, { export: '/srv/nfs/media', access: 'ro', path: '/srv/nfs/web' }],
    ],
    [
      'a mount below another',
      [{ export: '/srv/nfs/web' }, { export: '/srv/nfs/media', access: 'ro', path: '/srv/nfs/web/m' }],
    ],
  ])('refuses %s', async (_, mounts) => {
    const media = { ...MEDIA, clients: [{ network: 'web' }] };
    const found = await mistakes(inventory({ exports: [WEB, media] }, { mounts }), 'app1');
    expect(found).toHaveLength(1);
    expect(found[0]?.at?.line).toBe(10);
    expect(`${found[0]?.detail} ${found[0]?.hint ?? ''}`).toMatchSnapshot();
  });

  it('refuses what is exported to others', async () => {
    const exports = [{ ...WEB, clients: [{ host: 'app2' }] }];
    const text = inventory({ exports }, { mounts: [{ export: '/srv/nfs/web' }] });
    expect((await mistakes(text, 'app1')).map(({ detail }) => detail)).toMatchInlineSnapshot(`
      [
        "nfs1 does not export /srv/nfs/web to app1 (10.77.0.21).",
      ]
    `);
    expect(await mistakes(text, 'app2')).toEqual([]);
  });

  it('refuses numbers that differ from those of the server', async () => {
    const ids = [{ name: 'farmweb', uid: 4000, gid: 3000 }];
    const text = inventory({ exports: [WEB] }, { mounts: [{ export: '/srv/nfs/web' }], ids });
    expect((await mistakes(text, 'app1')).map(({ detail }) => detail)).toMatchInlineSnapshot(`
      [
        ""farmweb" is 4000:3000 here and 3000:3000 on nfs1.",
      ]
    `);
  });

  const second = `  more:
    roles: [{ nfs/server: { exports: [{ path: /srv/nfs/web }] } }, { nfs/client: { mounts: [MOUNT] } }]
    hosts: { nfs2: { web: 10.77.0.32 } }
`;
  it('wants to know which of two servers', async () => {
    const text = inventory({ exports: [WEB] }, {}, second.replace('MOUNT', '{ export: /srv/nfs/web, path: /mnt }'));
    expect((await mistakes(text, 'nfs2')).map(({ detail }) => detail)).toMatchInlineSnapshot(`
      [
        "nfs1 and nfs2 export /srv/nfs/web.",
      ]
    `);
  });

  it('is a server of other directories as well', async () => {
    const both = `  more:
    roles: [{ nfs/server: { exports: [{ path: /srv/own }] } }, { nfs/client: { mounts: [{ export: /srv/nfs/web }] } }]
    hosts: { nfs2: { web: 10.77.0.32 } }
`;
    const found = await rehearse(inventory({ exports: [WEB] }, {}, both));
    expect(found.host('nfs2').diagnostics).toEqual([]);
    expect(outline(found.part('nfs2', 'nfs/client').resources)).toMatchInlineSnapshot(`
      "packages nfs-common
      unitFile srv-nfs-web.mount
      unitFile srv-nfs-web.automount
      nfs-mount /srv/nfs/web
      "
    `);
    const server = outline(found.part('nfs2', 'nfs/server').resources);
    for (const one of ['masked-unit rpcbind.socket', 'group farmweb', 'user farmweb']) expect(server).toContain(one);
  });

  it.each(['/srv/nfs/web', '/srv/nfs/web/media', '/srv/nfs'])(
    'refuses %s for a mount beside an export',
    async (path) => {
      const mount = `{ export: /srv/nfs/web, server: nfs1, path: ${path} }`;
      const found = await mistakes(inventory({ exports: [WEB] }, {}, second.replace('MOUNT', mount)), 'nfs2');
      expect(found.map(({ detail }) => detail)).toEqual([
        `The mount point ${path} and the export /srv/nfs/web of this host overlap.`,
      ]);
    },
  );

  it('refuses to mount an export of its own', async () => {
    const mount = '{ export: /srv/nfs/web, path: /mnt, server: nfs2 }';
    const found = await mistakes(inventory({ exports: [WEB] }, {}, second.replace('MOUNT', mount)), 'nfs2');
    expect(found.map(({ detail }) => detail)).toMatchInlineSnapshot(`
      [
        "nfs2 would mount its own export /srv/nfs/web, which may lock up a host without memory.",
      ]
    `);
  });
});

describe('web servers on NFS', () => {
  const farm = (roles: string) => `farm: example
domain: farm.example
os: debian-12
networks: { web: { cidr: 10.77.0.0/24, device: eth0 } }
tiers:
  files:
    roles: [{ nfs/server: { exports: [{ path: /srv/nfs/web }, { path: /srv/nfs/other }] } }]
    hosts: { nfs1: { web: 10.77.0.31 } }
  app:
    roles: ${roles}
    hosts: { app1: { web: 10.77.0.21 } }
`;
  const client = '{ nfs/client: { mounts: [{ export: /srv/nfs/web }, { export: /srv/nfs/other }] } }';
  const vhosts = 'vhosts: [{ name: www.farm.example, docroot: /srv/nfs/web/htdocs }]';

  it('wait for the mount that holds their files, and send them without sendfile and mmap', async () => {
    const text = farm(`[${client}, { apache-media: { ${vhosts} } }]`);
    const { resources } = (await rehearse(text)).part('app1', 'apache-media');
    expect(outline(resources)).not.toContain('directory /srv/nfs');
    expect(fileText(resources, '/etc/systemd/system/apache2.service.d/farmctl.conf')).toBe(
      '[Unit]\nRequiresMountsFor=/srv/nfs/web\n',
    );
    const settings = fileText(resources, '/etc/apache2/conf-available/zz-farmctl.conf');
    expect(settings).toContain('EnableSendfile Off\nEnableMMAP Off\n');
  });

  it('wait for it with PHP as well', async () => {
    const text = farm(`[${client}, { apache-app: { ${vhosts} } }]`);
    const { resources } = (await rehearse(text)).part('app1', 'apache-app');
    for (const unit of ['apache2.service', 'php8.2-fpm.service'])
      expect(fileText(resources, `/etc/systemd/system/${unit}.d/farmctl.conf`)).toBe(
        '[Unit]\nRequiresMountsFor=/srv/nfs/web\n',
      );
  });

  it('do not wait for mounts that hold none of their files', async () => {
    const text = farm(`[${client}, { apache-media: {} }]`);
    const { resources } = (await rehearse(text)).part('app1', 'apache-media');
    expect(outline(resources)).not.toContain('dropIn');
    expect(fileText(resources, '/etc/apache2/conf-available/zz-farmctl.conf')).toContain('EnableSendfile On\n');
  });
});
