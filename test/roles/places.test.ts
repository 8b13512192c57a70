import { expect, it } from 'vitest';
import { mistakes, pointedText } from './harness.ts';

const environment = { KEY: 'hidden-word' };

/** A pair of hosts that has that role, a file server with its variables, and a virtual address. */
const inventory = (
  role: string,
  variables: string,
  server = 'exports: [{ path: /srv/a }, { path: /srv/b }]',
) => `farm: example
domain: farm.example
os: debian-12
networks: { web: { cidr: 10.77.0.0/24, device: eth0 }, db: { cidr: 10.77.1.0/24, device: eth1 } }
vips: { www: { address: 10.77.0.100, pair: [h1, h2] } }
tiers:
  files:
    roles: [{ nfs/server: { ${server} } }]
    hosts: { nfs1: { web: 10.77.0.31 } }
  pair:
    roles: [{ ${role}: { ${variables} } }]
    hosts: { h1: { web: 10.77.0.11, db: 10.77.1.11 }, h2: { web: 10.77.0.12, db: 10.77.1.12 } }
`;

const beat = (more: string) => inventory('heartbeat', `authkey: !env KEY, ${more}`);
const files = (server: string) => inventory('base', '', server);
const mounts = (more: string) => inventory('nfs/client', more);
const dns = (more: string) => inventory('bind9', `tsig: !env KEY, ${more}`);

it.each<[string, string, string?]>([
  ['{ path: /srv/a/b }', files('exports: [{ path: /srv/a }, { path: /srv/a/b }]'), 'nfs1'],
  ['/etc', files('exports: [{ path: /srv/a }, { path: /etc }]'), 'nfs1'],
  ['nobdy', files('exports: [{ path: /srv/a }, { path: /srv/b, owner: nobdy }]'), 'nfs1'],
  [
    '{ path: /srv/b, clients: [{ host: h3 }] }',
    files('exports: [{ path: /srv/a }, { path: /srv/b, clients: [{ host: h3 }] }]'),
    'nfs1',
  ],
  ['dmz', files('listen: [web, dmz]'), 'nfs1'],
  ['7', files('ids: [{ name: a, uid: 7, gid: 7 }, { name: b, uid: 7, gid: 8 }]'), 'nfs1'],
  ['{ export: /srv/c }', mounts('mounts: [{ export: /srv/a }, { export: /srv/c }]')],
  ['{ export: /srv/b, path: /srv/a/b }', mounts('mounts: [{ export: /srv/a }, { export: /srv/b, path: /srv/a/b }]')],
  ['ww', beat('resources: [{ agent: x }, { agent: y, vip: ww }]')],
  ['wbe', beat('networks: [web, wbe]')],
  ['10.77.0.100', beat('ping: [10.77.0.99, 10.77.0.100]')],
  [
    '{ name: b, type: A, value: x }',
    dns('records: [{ name: a, type: A, value: 10.0.0.1 }, { name: b, type: A, value: x }]'),
  ],
  ['a_b', dns('zones: [{ name: a.example }, { name: a_b }]')],
  ['b', inventory('base', 'administrators: [{ name: b }, { name: b }]')],
  ['password', inventory('base', 'administrators: [{ name: a }, { name: b, sudo: password }]')],
  ['apq', inventory('apache-app', 'vhosts: [{ name: a }, { name: b, pool: apq }]')],
  ['{ name: b, aliases: [a] }', inventory('apache-app', 'vhosts: [{ name: a }, { name: b, aliases: [a] }]')],
  ['web', inventory('apache-app', 'pools: [{ name: web }, { name: web }]')],
])('a mistake inside a list is shown where it stands: %s', async (text, written, host = 'h1') => {
  expect(await pointedText(written, host, { environment })).toBe(text);
});

it.each<[string, string]>([
  [mounts('mounts: [{ export: /srv/a, server: nfs2 }]'), 'There is no NFS server "nfs2". Did you mean "nfs1"?'],
  [beat('resources: [{ agent: y, vip: wwww }]'), 'which this pair does not have. Did you mean "www"?'],
  [inventory('resolver', 'vip: ww'), 'There is no virtual address "ww". Did you mean "www"?'],
])('a name that is nearly one is asked after: %#', async (written, detail) => {
  expect((await mistakes(written, 'h1', { environment }))[0]?.detail).toContain(detail);
});
