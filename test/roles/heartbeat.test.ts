import { describe, expect, it } from 'vitest';
import { startedBeside } from '../../roles/heartbeat/config.ts';
import { movingAddress } from '../../roles/heartbeat/moving-address.ts';
import { FarmError } from '../../src/index.ts';
import type { RolloutHost } from '../../src/role/define.ts';
import { loadRoles } from '../../src/role/load.ts';
import { fileText, outline, rehearse } from './harness.ts';

const SECRET = '6f1d8d5c0a4b4f0e9a7be0c1d2e3f405';
const environment = { HA: SECRET, TWIN: SECRET, OTHER: '11112222333344445555666677778888' };

interface Farm {
  readonly variables?: string;
  readonly vips?: string;
  readonly ns1?: string;
  readonly ns2?: string;
  readonly more?: string;
}

const HOST = (number: number): string => `{ web: 10.77.0.1${number}, db: 10.77.1.1${number} }`;

/** Two name servers on two networks and what else a case needs, as YAML in flow style. */
function inventory({
  variables = '',
  vips = 'dns: { address: 10.77.0.53, pair: [ns1, ns2] }',
  ...rest
}: Farm = {}): string {
  return `farm: example
domain: farm.example
os: debian-12
networks: { web: { cidr: 10.77.0.0/24, device: eth0 }, db: { cidr: 10.77.1.0/24, device: eth1 } }
vips: { ${vips} }
variables: { heartbeat: { authkey: !env HA, ${variables} } }
tiers:
  dns:
    roles: [heartbeat]
    hosts: { ns1: ${rest.ns1 ?? HOST(1)}, ns2: ${rest.ns2 ?? HOST(2)} }
${rest.more ?? ''}`;
}

const part = async (text = inventory(), host = 'ns1') =>
  (await rehearse(text, { environment })).part(host, 'heartbeat').resources;

/** What is said of that inventory, with its place. */
async function said(text: string, host = 'ns1'): Promise<readonly string[]> {
  const lines = (all: FarmError['diagnostics']) =>
    all.map((one) => `${one.severity}[${one.code}] ${one.at?.line}: ${one.detail}`);
  try {
    return lines((await rehearse(text, { environment })).host(host).diagnostics);
  } catch (error) {
    if (error instanceof FarmError) return lines(error.diagnostics);
    throw error;
  }
}

/** What heartbeat must be restarted for, by the text of haresources. */
const beside = (lines: string): string => startedBeside(new Map([['/etc/ha.d/haresources', lines]]));

it('is restarted for what moves besides addresses, as a running daemon starts nothing new, and for nothing else', () => {
  const one = '# Managed\nns1 ldirectord::ldirectord.cf IPaddr2::10.77.0.53/32/eth0\n';
  expect(beside(one)).toBe('ns1 ldirectord::ldirectord.cf');
  expect(beside(one.replace('\n', ' by somebody else\n').replace('eth0', 'eth0 IPaddr2::10.77.0.54/32/eth0'))).toBe(
    beside(one),
  );
  expect(beside(one.replace('eth0', 'eth0 MailTo::root'))).not.toBe(beside(one));
  expect(beside('ns1 IPaddr2::10.77.0.53/32/eth0\n')).toBe('');
});

describe('heartbeat', () => {
  it('has the same files on both nodes, and the packages before the daemon', async () => {
    const resources = await part();
    expect(outline(resources)).toMatchInlineSnapshot(`
      "node-name ns1
      packages heartbeat iproute2
      service logd.service
      service heartbeat.service
        file /etc/ha.d/ha.cf
        file /etc/ha.d/authkeys
        file /etc/ha.d/haresources
        dropIn heartbeat.service farmctl
      heartbeat-address 10.77.0.53
      "
    `);
    const text = (path: string) => fileText(resources, path);
    expect(text('/etc/ha.d/ha.cf')).toMatchInlineSnapshot(`
      "# Managed by farmctl: what is changed here is lost at the next apply.
      logfacility daemon
      keepalive 300ms
      warntime 3
      deadtime 5
      initdead 20
      ucast eth0 10.77.0.11
      ucast eth0 10.77.0.12
      ucast eth1 10.77.1.11
      ucast eth1 10.77.1.12
      auto_failback off
      node ns1 ns2
      crm no
      "
    `);
    expect(text('/etc/ha.d/haresources')).toMatchInlineSnapshot(`
      "# Managed by farmctl: what is changed here is lost at the next apply.
      ns1 IPaddr2::10.77.0.53/32/eth0
      "
    `);
    expect(text('/etc/ha.d/authkeys')).toMatchInlineSnapshot(`
      "# Managed by farmctl: what is changed here is lost at the next apply.
      auth 1
      1 sha1 (sensitive)
      "
    `);
    expect(text('/etc/systemd/system/heartbeat.service.d/farmctl.conf')).toMatchInlineSnapshot(`
      "# Managed by farmctl: what is changed here is lost at the next apply.
      [Unit]
      Wants=network-online.target
      After=network-online.target named.service ldirectord.service

      [Service]
      # After a partition heartbeat starts itself anew, which systemd takes for its end; a wrong configuration (6) stays down.
      Restart=always
      RestartSec=2
      RestartPreventExitStatus=6
      LimitMEMLOCK=infinity
      TimeoutStopSec=60
      "
    `);
    const other = await part(inventory(), 'ns2');
    for (const path of ['/etc/ha.d/ha.cf', '/etc/ha.d/haresources', '/etc/ha.d/authkeys'])
      expect(fileText(other, path)).toBe(text(path));
  });

  it('knows every medium, several VIPs, what moves beside them, a check and a second key', async () => {
    const resources = await part(
      inventory({
        vips: 'www: { address: 10.77.0.100, pair: [ns1, ns2] }, db: { address: 10.77.1.100, pair: [ns2, ns1] }, media: { address: 10.77.0.101, pair: [ns1, ns2] }',
        variables:
          'transport: mcast, port: 700, serial: [/dev/ttyS0], keepalive: 0.2, warntime: 0.5, deadtime: 2, initdead: 10, autoFailback: true, ping: [10.77.0.1], otherAuthkeys: { 2: !env OTHER }, resources: [{ agent: ldirectord, arguments: [ldirectord.cf] }, { agent: MailTo, arguments: [root], position: after, vip: db }], check: { command: "dig +short @127.0.0.1 \'x\'" }',
      }),
    );
    const text = (path: string) => fileText(resources, path);
    expect(text('/etc/ha.d/ha.cf')).toMatchInlineSnapshot(`
      "# Managed by farmctl: what is changed here is lost at the next apply.
      udpport 700
      baud 19200
      logfacility daemon
      keepalive 200ms
      warntime 500ms
      deadtime 2
      initdead 10
      mcast eth0 239.0.6.94 700 1 0
      mcast eth1 239.0.6.94 700 1 0
      serial /dev/ttyS0
      auto_failback on
      node ns1 ns2
      ping 10.77.0.1
      respawn hacluster /usr/libexec/heartbeat/ipfail
      apiauth ipfail gid=haclient uid=hacluster
      crm no
      "
    `);
    expect(text('/etc/ha.d/haresources')).toMatchInlineSnapshot(`
      "# Managed by farmctl: what is changed here is lost at the next apply.
      ns1 ldirectord::ldirectord.cf IPaddr2::10.77.0.100/32/eth0 IPaddr2::10.77.0.101/32/eth0
      ns2 IPaddr2::10.77.1.100/32/eth1 MailTo::root
      "
    `);
    expect(text('/etc/ha.d/authkeys')).toMatchInlineSnapshot(`
      "# Managed by farmctl: what is changed here is lost at the next apply.
      auth 1
      1 sha1 (sensitive)
      2 sha1 (sensitive)
      "
    `);
    expect(text('/usr/local/sbin/heartbeat-check')).toMatchInlineSnapshot(`
      "#!/bin/sh
      # Managed by farmctl: what is changed here is lost at the next apply.
      holds() {
        here=$(ip -4 -o address show)
        case $here in *' 10.77.0.100/'*) return 0 ;; esac
        case $here in *' 10.77.1.100/'*) return 0 ;; esac
        case $here in *' 10.77.0.101/'*) return 0 ;; esac
        return 1
      }
      failures=0
      while sleep 1; do
        if timeout -k 1 3 sh -c 'dig +short @127.0.0.1 '\\''x'\\''' >/dev/null 2>&1; then
          failures=0
          continue
        fi
        failures=$((failures + 1))
        [ "$failures" -ge 2 ] || continue
        failures=0
        holds || continue
        echo 'The check has failed: the addresses go to the other node.'
        /usr/share/heartbeat/hb_standby all
        sleep 10
      done
      "
    `);
    expect(fileText(await part(inventory({ variables: 'transport: bcast' })), '/etc/ha.d/ha.cf')).toMatch(
      /^bcast eth0\nbcast eth1$/m,
    );
  });

  it('declares who must have which address', async () => {
    const { checks } = (await rehearse(inventory(), { environment })).part('ns2', 'heartbeat');
    expect(checks.map((one) => one.name)).toEqual(['heartbeat', 'holder of dns']);
  });

  it.each([
    ['no VIP', inventory({ vips: '' })],
    [
      'a host in two pairs',
      inventory({
        vips: 'dns: { address: 10.77.0.53, pair: [ns1, ns2] }, www: { address: 10.77.0.54, pair: [ns3, ns1] }',
        more: `  more: { roles: [heartbeat], hosts: { ns3: ${HOST(3)} } }\n`,
      }),
    ],
    [
      'a partner without the role',
      inventory({
        vips: 'dns: { address: 10.77.0.53, pair: [ns1, ns3] }',
        more: `  more: { roles: [], hosts: { ns3: ${HOST(3)} } }\n`,
      }),
    ],
    ['no key', inventory().replace('authkey: !env HA, ', '')],
    ['two that differ', inventory({ ns2: '{ web: 10.77.0.12, db: 10.77.1.12, heartbeat: { deadtime: 9 } }' })],
    ['two keys', inventory({ ns2: '{ web: 10.77.0.12, db: 10.77.1.12, heartbeat: { authkey: !env OTHER } }' })],
    ['timings', inventory({ variables: 'keepalive: 3' })],
    ['timings', inventory({ variables: 'deadtime: 3' })],
    ['timings', inventory({ variables: 'initdead: 9' })],
    ['one link', inventory({ variables: 'networks: [web]' })],
    ['one link', inventory({ ns2: '{ web: 10.77.0.12 }' })],
    ['no link', inventory({ variables: 'networks: []' })],
    ['an unknown network', inventory({ variables: 'networks: [wbe]' })],
    ['the VIP as ping', inventory({ variables: 'ping: [10.77.0.53]' })],
    ['a number twice', inventory({ variables: 'otherAuthkeys: { 1: !env OTHER }' })],
    ['an unknown VIP', inventory({ variables: 'resources: [{ agent: x, vip: dsn }]' })],
    ['a VIP outside', inventory({ vips: 'dns: { address: 10.99.0.53, pair: [ns1, ns2] }' })],
    ["a host's own", inventory({ vips: 'dns: { address: 10.77.0.12, pair: [ns1, ns2] }' })],
  ] as const)('sees before it happens: %s', async (_, text) => {
    expect(await said(text)).toMatchSnapshot();
  });

  it('refuses a second ldirectord beside the one of a director', async () => {
    const text = inventory({ variables: 'resources: [{ agent: ldirectord, arguments: [ldirectord.cf] }]' });
    const directors = text.replace('roles: [heartbeat]', 'roles: [lvs-dr/director, heartbeat]');
    expect((await said(directors)).join('\n')).toContain(
      'ns1 has lvs-dr/director, whose ldirectord runs on both directors all the time',
    );
    expect(await said(text)).toEqual([]);
  });

  const pairs = (variables: string, otherPair = '', key = 'OTHER') =>
    inventory({
      variables,
      vips: 'dns: { address: 10.77.0.53, pair: [ns1, ns2] }, www: { address: 10.77.0.54, pair: [lb1, lb2] }',
      more: `  lb: { roles: [{ heartbeat: { authkey: !env ${key},${otherPair}} }], hosts: { lb1: ${HOST(3)}, lb2: ${HOST(4)} } }\n`,
    });

  it('does not let two pairs hear each other', async () => {
    expect(await said(pairs(''))).toEqual([]);
    expect(await said(pairs('transport: bcast'))).toMatchSnapshot();
    expect(await said(pairs('transport: mcast'))).toMatchSnapshot();
    expect(await said(pairs('transport: bcast', ' port: 700 '))).toEqual([]);
    expect(await said(pairs('transport: mcast', ' multicastGroup: 239.0.6.95 '))).toEqual([]);
  });

  it('warns of two pairs that have the same key, wherever each has it from', async () => {
    expect(await said(pairs('', '', 'TWIN'))).toMatchInlineSnapshot(`
      [
        "warning[variables/doubtful] 6: ns1 and ns2 have the same key as the pair of lb1: where each hears the other, they take it for their own.",
      ]
    `);
    expect(await said(pairs('', '', 'TWIN'), 'lb1')).toHaveLength(1);
  });

  it('starts a pair together, and changes the standby before the active one', async () => {
    const { roles } = await loadRoles(undefined);
    const rollout = roles.get('heartbeat')?.parts.get('heartbeat')?.rollout;
    const host = (name: string, wasActive: boolean, ...holds: string[]): RolloutHost => ({
      name,
      risk: 'reload',
      wasActive,
      holds,
    });
    expect(rollout?.([host('a', false), host('b', false)])).toEqual([['a', 'b']]);
    expect(rollout?.([host('a', true, 'dns'), host('b', true)])).toEqual([['b'], ['a']]);
    expect(rollout?.([host('a', true), host('b', false)])).toEqual([['b'], ['a']]);
    expect(rollout?.([host('a', true, 'dns')])).toEqual([['a']]);
  });
});

describe('an address that moves', () => {
  const { type, desired } = movingAddress({ address: '10.77.0.53', device: 'eth0', group: 'local' });
  const diff = (isHere: boolean, isOurs: boolean | undefined) =>
    type.diff(desired, { isTold: true, isHere, isOurs }, []);
  const script = (isHere: boolean, isOurs: boolean | undefined) =>
    type.apply(desired, { isTold: true, isHere, isOurs }, []).script?.text ?? '';

  it('is as desired where heartbeat says it is, and while nobody knows', () => {
    for (const isHere of [true, false]) {
      expect(diff(isHere, isHere)).toBeUndefined();
      expect(diff(isHere, undefined)).toBeUndefined();
    }
  });

  it('is put on where heartbeat believes it to be, and taken off where not', () => {
    expect(diff(false, true)).toMatchObject({ action: 'update', risk: 'none' });
    expect(script(false, true)).toContain('10.77.0.53/32/eth0 start');
    expect(diff(true, false)).toMatchObject({ action: 'update', risk: 'outage' });
    expect(script(true, false)).toContain('10.77.0.53/32/eth0 stop');
  });

  it('is new where heartbeat was not told of it, wherever it is', () => {
    const untold = { isTold: false, isHere: true, isOurs: false };
    expect(type.diff(desired, untold, [])).toMatchObject({ action: 'create' });
    expect(type.apply(desired, untold, []).script).toBeUndefined();
  });
});
