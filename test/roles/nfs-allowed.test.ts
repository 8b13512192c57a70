import { describe, expect, it } from 'vitest';
import { type Allowed, allAllowed, type Refuse } from '../../roles/nfs/allowed.ts';
import { overlapOf, rangeOf } from '../../roles/nfs/networks.ts';
import { rehearse } from './harness.ts';

const refuse: Refuse = (detail) => {
  throw new Error(detail);
};

/** What the two servers of a farm give away, asked anew at each call. */
async function farmOf(clients: number): Promise<() => readonly (readonly Allowed[])[]> {
  const { resolved } = await rehearse(`farm: example
domain: farm.example
os: debian-12
networks: { web: { cidr: 10.77.0.0/16, device: eth0 } }
tiers:
  files:
    roles: [{ nfs/server: { exports: [{ path: /srv/nfs/web }] } }]
    hosts: { 'nfs[1:2]': { web: 10.77.200.1 } }
  app:
    roles: [{ nfs/client: { mounts: [{ export: /srv/nfs/web, server: nfs2 }] } }]
    hosts: { 'app[1:${clients}]': { web: 10.77.1.1 } }
`);
  const farm = resolved.view;
  return () =>
    farm.hosts('nfs/server').map(({ host, offer }) => allAllowed({ server: host, offer, farm }, () => refuse));
}

describe('what a server gives away', () => {
  it('is worked out once in a farm, however many clients ask, and never taken for that of another server or farm', async () => {
    const [farm, larger] = [await farmOf(2), await farmOf(3)];
    const clients = farm().map((table) => table.map(({ client }) => client));
    expect(clients).toEqual([[], ['10.77.1.1/32', '10.77.1.2/32']]);
    expect(farm()[1]).toBe(farm()[1]);
    expect(larger()[1]).toHaveLength(3);
  });
});

describe('overlapOf', () => {
  const of = (...networks: string[]) =>
    overlapOf(networks.map((name) => ({ name, range: rangeOf(name) })))?.map(({ name }) => name);

  it('finds two that have an address in common, wherever they stand', () => {
    expect(of('10.0.0.9/32', '10.0.0.1/32', '10.0.0.9/32')).toEqual(['10.0.0.9/32', '10.0.0.9/32']);
    expect(of('10.0.2.0/24', '10.0.0.77/32', '10.0.1.0/24', '10.0.0.0/24')).toEqual(['10.0.0.0/24', '10.0.0.77/32']);
    // The last address of the outer one, behind another one that lies in it.
    expect(of('10.0.3.255/32', '10.0.0.0/22')).toEqual(['10.0.0.0/22', '10.0.3.255/32']);
    expect(of('0.0.0.0/1', '127.255.255.255/32')).toEqual(['0.0.0.0/1', '127.255.255.255/32']);
  });

  it('finds none in neighbours', () => {
    expect(of()).toBeUndefined();
    expect(of('10.0.1.0/24', '10.0.0.255/32', '10.0.2.0/32', '10.0.0.254/32')).toBeUndefined();
    expect(of('128.0.0.0/1', '0.0.0.0/1')).toBeUndefined();
  });
});
