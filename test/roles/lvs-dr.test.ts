import { describe, expect, it } from 'vitest';
import { loopbackVip } from '../../roles/lvs-dr/loopback-vip.ts';
import { orderNodes } from '../../src/role/order.ts';
import { observe } from '../unit/resource/run-probe.ts';
import { fileText, mistakes, outline, pointedText, rehearse } from './harness.ts';

const environment = { LVS: 'hidden-word' };

interface Farm {
  /** Services as YAML in flow style. */
  readonly services: string;
  /** More variables of the role for the whole farm. */
  readonly more?: string;
  /** Roles of the hosts, and variables of the first director. */
  readonly lbRoles?: string;
  readonly appRoles?: string;
  readonly lb1?: string;
  readonly app1?: string;
  readonly vips?: string;
  readonly tiers?: string;
}

/** Two directors, two app servers and two media servers on two networks. */
function inventory(given: Farm): string {
  const { services, more = '', lb1 = '', app1 = '', vips = '', tiers = '' } = given;
  return `farm: example
domain: farm.example
os: debian-12
networks:
  web: { cidr: 10.77.0.0/24, device: eth0 }
  db: { cidr: 10.77.1.0/24, device: eth1 }
vips:
  www: { address: 10.77.0.100, pair: [lb1, lb2] }
  media: { address: 10.77.0.101, pair: [lb1, lb2] }
  ${vips}
variables:
  lvs-dr: { services: [${services}]${more} }
tiers:
  lb:
    roles: [${given.lbRoles ?? 'lvs-dr/director'}]
    hosts: { lb1: { web: 10.77.0.11, db: 10.77.1.11${lb1} }, lb2: { web: 10.77.0.12, db: 10.77.1.12 } }
  app:
    roles: [${given.appRoles ?? 'lvs-dr/real, apache-app'}]
    hosts: { app1: { web: 10.77.0.21${app1} }, app2: { web: 10.77.0.22 } }
  media:
    roles: [{ lvs-dr/real: { weight: 3, weights: { static: 5 } } }, apache-media]
    hosts: { media1: { web: 10.77.0.31, db: 10.77.1.31 }, media2: { web: 10.77.0.32, db: 10.77.1.32 } }
  ${tiers}
`;
}

const WWW = '{ name: www, vip: www, ports: [80], serves: apache-app }';
const STATIC = '{ name: static, vip: media, ports: [80], serves: apache-media }';
/** One service for each tier, so that every real server has something to do. */
const BOTH = `${WWW}, ${STATIC}`;

const WITH_HEARTBEAT = 'lvs-dr/director, { heartbeat: { authkey: !env LVS } }';

/** Port mapping. */
const NAT = '{ name: www, vip: www, ports: [8080], serves: apache-app, method: nat, realPort: 80 }';
/** The same to a port of which no role says anything. */
const OWN = '{ name: own, vip: www, ports: [2222], serves: base, method: nat, realPort: 22 }';
/** Apache with HTTPS. */
const TLS_ROLES =
  'lvs-dr/real, { apache-app: { tlsPort: 443, vhosts: [{ name: www.farm.example, tls: farm }], certificates: [{ name: farm, certificate: "-----BEGIN CERTIFICATE-----\\n", key: !env LVS }] } }';
/** A host with another health page than its neighbour. */
const PAGE = ', apache-app: { vhosts: [{ name: www.farm.example, healthPath: /other }] }';

const CONFIG = '/etc/ha.d/ldirectord.cf';

async function director(farm: Farm, host = 'lb1') {
  return (await rehearse(inventory(farm), { environment })).part(host, 'lvs-dr/director');
}

async function real(farm: Farm, host: string) {
  return (await rehearse(inventory(farm), { environment })).part(host, 'lvs-dr/real');
}

const config = async (farm: Farm) => fileText((await director(farm)).resources, CONFIG);

/** The blocks of ldirectord.cf alone. */
async function blocks(farm: Farm): Promise<string> {
  const text = await config(farm);
  return text.slice(text.indexOf('virtual='));
}

describe('a director', () => {
  const farm = { services: `${WWW}, { name: static, vip: media, ports: [80], serves: apache-media, scheduler: wlc }` };

  it('has its packages, modules and settings before what runs on them', async () => {
    const { resources, checks } = await director(farm);
    expect(outline(resources)).toMatchInlineSnapshot(`
      "symlink /etc/systemd/system/ipvsadm.service
      packages ipvsadm kmod ldirectord
      kernelModule ip_vs
      kernelModule ip_vs_wlc
      kernelModule ip_vs_wrr
      sysctl net.ipv4.vs.expire_nodest_conn
      sysctl net.ipv4.vs.expire_quiescent_template
      service farmctl-lvs.service
        unitFile farmctl-lvs.service
      directory /etc/ha.d/maintenance
      service ldirectord.service
        file /etc/ha.d/ldirectord.cf
        dropIn ldirectord.service farmctl
      ipvs-table all services
      "
    `);
    expect(checks.map(({ name }) => name)).toMatchInlineSnapshot(`
      [
        "table",
        "www at 10.77.0.100:80",
        "static at 10.77.0.101:80",
      ]
    `);
    expect(fileText(resources, '/etc/systemd/system/farmctl-lvs.service')).toMatchInlineSnapshot(`
      "# Managed by farmctl: what is changed here is lost at the next apply.
      [Unit]
      Description=Timeouts and connection synchronisation of the kernel's balancer
      After=systemd-modules-load.service network-online.target
      Wants=network-online.target
      Before=ldirectord.service heartbeat.service

      [Service]
      Type=oneshot
      RemainAfterExit=yes
      ExecStart=/sbin/ipvsadm --set 900 120 300
      ExecStart=-/sbin/ipvsadm --start-daemon master --mcast-interface eth0 --syncid 100
      ExecStart=-/sbin/ipvsadm --start-daemon backup --mcast-interface eth0 --syncid 100
      ExecStop=-/sbin/ipvsadm --stop-daemon master
      ExecStop=-/sbin/ipvsadm --stop-daemon backup

      [Install]
      WantedBy=multi-user.target
      "
    `);
    expect(fileText(resources, '/etc/systemd/system/ldirectord.service.d/farmctl.conf')).toMatchInlineSnapshot(`
      "# Managed by farmctl: what is changed here is lost at the next apply.
      [Unit]
      After=farmctl-lvs.service network-online.target
      Wants=network-online.target

      [Service]
      ExecStartPre=/bin/mkdir -p /run/lock/subsys
      # ldirectord's own reload reads the configuration first, and takes its pid file away if that is broken.
      ExecReload=
      ExecReload=/bin/kill -HUP $MAINPID
      ExecStop=
      KillMode=mixed
      TimeoutStopSec=20
      Restart=on-failure
      RestartSec=2
      "
    `);
  });

  it('asks the page that the role offers, and takes the weights from the real servers', async () => {
    expect(await config(farm)).toMatchInlineSnapshot(`
      "# Managed by farmctl: what is changed here is lost at the next apply.
      checkinterval=2
      checktimeout=3
      negotiatetimeout=3
      autoreload=no
      cleanstop=no
      quiescent=no
      fork=yes
      maintenancedir=/etc/ha.d/maintenance
      virtual=10.77.0.100:80
      	real=10.77.0.21:80 gate 1
      	real=10.77.0.22:80 gate 1
      	protocol=tcp
      	scheduler=wrr
      	quiescent=no
      	service=http
      	checktype=negotiate
      	checkinterval=2
      	checktimeout=3
      	negotiatetimeout=3
      	failurecount=1
      	request="/healthz"
      	httpmethod=GET
      	virtualhost="www.farm.example"
      virtual=10.77.0.101:80
      	real=10.77.0.31:80 gate 5
      	real=10.77.0.32:80 gate 5
      	protocol=tcp
      	scheduler=wlc
      	quiescent=no
      	service=http
      	checktype=negotiate
      	checkinterval=2
      	checktimeout=3
      	negotiatetimeout=3
      	failurecount=1
      	request="/healthz"
      	httpmethod=GET
      	virtualhost="static.farm.example"
      "
    `);
    const table = (await director(farm)).resources.at(-1);
    expect(table?.desired).toMatchInlineSnapshot(`
      {
        "daemons": [
          "backup eth0 100",
          "master eth0 100",
        ],
        "patience": 4,
        "services": [
          {
            "destinations": [
              {
                "check": [
                  "http",
                  "10.77.0.21",
                  "80",
                  "3",
                  "/healthz",
                  "",
                  "www.farm.example",
                  "GET",
                  "tcp",
                  "10.77.0.100:80",
                  "",
                  "",
                ],
                "destination": "10.77.0.21:80",
                "method": "-g",
                "name": "app1",
                "weight": 1,
              },
              {
                "check": [
                  "http",
                  "10.77.0.22",
                  "80",
                  "3",
                  "/healthz",
                  "",
                  "www.farm.example",
                  "GET",
                  "tcp",
                  "10.77.0.100:80",
                  "",
                  "",
                ],
                "destination": "10.77.0.22:80",
                "method": "-g",
                "name": "app2",
                "weight": 1,
              },
            ],
            "fallback": "",
            "key": "-t 10.77.0.100:80",
            "name": "www",
            "persistence": "",
            "quiescent": false,
            "scheduler": "wrr",
            "timeout": 3,
          },
          {
            "destinations": [
              {
                "check": [
                  "http",
                  "10.77.0.31",
                  "80",
                  "3",
                  "/healthz",
                  "",
                  "static.farm.example",
                  "GET",
                  "tcp",
                  "10.77.0.101:80",
                  "",
                  "",
                ],
                "destination": "10.77.0.31:80",
                "method": "-g",
                "name": "media1",
                "weight": 5,
              },
              {
                "check": [
                  "http",
                  "10.77.0.32",
                  "80",
                  "3",
                  "/healthz",
                  "",
                  "static.farm.example",
                  "GET",
                  "tcp",
                  "10.77.0.101:80",
                  "",
                  "",
                ],
                "destination": "10.77.0.32:80",
                "method": "-g",
                "name": "media2",
                "weight": 5,
              },
            ],
            "fallback": "",
            "key": "-t 10.77.0.101:80",
            "name": "static",
            "persistence": "",
            "quiescent": false,
            "scheduler": "wlc",
            "timeout": 3,
          },
        ],
        "timeouts": "900 120 300",
      }
    `);
  });

  it('has only the checks of its table where its partner is the first of the pair', async () => {
    expect((await director(farm, 'lb2')).checks.map(({ name }) => name)).toEqual(['table']);
  });

  it('translates addresses and ports', async () => {
    const nat = {
      services: `${WWW}, { name: static, vip: media, ports: [8080], serves: apache-media, method: nat, network: db }`,
    };
    expect(await blocks(nat)).toMatchInlineSnapshot(`
      "virtual=10.77.0.100:80
      	real=10.77.0.21:80 gate 1
      	real=10.77.0.22:80 gate 1
      	protocol=tcp
      	scheduler=wrr
      	quiescent=no
      	service=http
      	checktype=negotiate
      	checkinterval=2
      	checktimeout=3
      	negotiatetimeout=3
      	failurecount=1
      	request="/healthz"
      	httpmethod=GET
      	virtualhost="www.farm.example"
      virtual=10.77.0.101:8080
      	real=10.77.1.31:80 masq 5
      	real=10.77.1.32:80 masq 5
      	protocol=tcp
      	scheduler=wrr
      	quiescent=no
      	service=http
      	checktype=negotiate
      	checkinterval=2
      	checktimeout=3
      	negotiatetimeout=3
      	failurecount=1
      	request="/healthz"
      	httpmethod=GET
      	virtualhost="static.farm.example"
      "
    `);
    expect(outline((await director(nat)).resources)).toContain(`sysctl net.ipv4.ip_forward
sysctl net/ipv4/conf/all/send_redirects
sysctl net/ipv4/conf/eth0/send_redirects
`);
    expect(outline((await real(nat, 'media1')).resources)).toBe('');
  });

  it('takes a setting of the kernel as a number or as text', async () => {
    const sysctls = ', lvs-dr: { sysctls: { am_droprate: 20, sync_threshold: "3 50" } }';
    const text = inventory({
      services: BOTH,
      more: ', sysctls: { am_droprate: "20", sync_threshold: "3 50" }',
      lb1: sysctls,
    });
    const { resources } = (await rehearse(text, { environment })).part('lb1', 'lvs-dr/director');
    const settings = resources.filter(({ type }) => type.type === 'sysctl').map(({ desired }) => desired);
    expect(settings).toContainEqual({ key: 'net.ipv4.vs.am_droprate', value: '20' });
    expect(settings).toContainEqual({ key: 'net.ipv4.vs.sync_threshold', value: '3 50' });
  });

  it('is told where nobody would put the address up', async () => {
    const said = async (lbRoles?: string) =>
      (
        await mistakes(inventory({ services: BOTH, ...(lbRoles === undefined ? {} : { lbRoles }) }), 'lb1', {
          environment,
        })
      ).map(({ severity, detail }) => `${severity}: ${detail}`);
    expect(await said()).toEqual([
      'warning: Nothing puts the virtual address www and media on lb1: it is a director without the role heartbeat.',
    ]);
    expect(await said(WITH_HEARTBEAT)).toEqual([]);
  });

  it('is told where translated answers would not come back', async () => {
    const nat = `${WWW}, { name: static, vip: media, ports: [8080], serves: apache-media, method: nat, network: db }`;
    const warnings = async (farm: Farm) =>
      (await mistakes(inventory({ ...farm, lbRoles: WITH_HEARTBEAT }), 'lb1', { environment })).map(
        ({ severity, detail }) => `${severity}: ${detail}`,
      );
    const past =
      'warning: Service static: clients of the network web would get the answers of media1, media2 directly, past the director, and not know them.';
    expect(await warnings({ services: nat })).toEqual([
      "warning: Service static: the pair has no virtual address in the network db, and answers of the real servers come back through a director's own address: when the other one takes over they are lost.",
      past,
    ]);
    expect(await warnings({ services: nat, vips: 'inner: { address: 10.77.1.1, pair: [lb1, lb2] }' })).toEqual([past]);
  });

  it('comes before heartbeat, and the address before the web server', async () => {
    const order = async (farm: Partial<Farm>) => {
      const { farm: read, resolved } = await rehearse(inventory({ services: BOTH, ...farm }), { environment });
      return () => orderNodes(new Map([...read.hosts.keys()].map((name) => [name, resolved.partsOf(name)])));
    };
    expect(await order({})).not.toThrow();
    expect(await order({ appRoles: 'apache-app, lvs-dr/real' })).toThrow(
      'On app1 the tier lists apache-app before lvs-dr/real, but apache-app comes after it.',
    );
    expect(await order({ lbRoles: '{ heartbeat: { authkey: !env LVS } }, lvs-dr/director' })).toThrow(
      'On lb1 the tier lists heartbeat before lvs-dr/director, but heartbeat comes after it.',
    );
  });

  it('makes one service of several ports with a mark', async () => {
    const marked = {
      services: `${STATIC}, { name: www, vip: www, ports: [80, 443], mark: 7, serves: apache-app, persistence: { prefix: 24 } }`,
      appRoles: TLS_ROLES,
    };
    expect(await blocks(marked)).toMatchInlineSnapshot(`
      "virtual=10.77.0.101:80
      	real=10.77.0.31:80 gate 5
      	real=10.77.0.32:80 gate 5
      	protocol=tcp
      	scheduler=wrr
      	quiescent=no
      	service=http
      	checktype=negotiate
      	checkinterval=2
      	checktimeout=3
      	negotiatetimeout=3
      	failurecount=1
      	request="/healthz"
      	httpmethod=GET
      	virtualhost="static.farm.example"
      virtual=7
      	real=10.77.0.21 gate 1
      	real=10.77.0.22 gate 1
      	protocol=fwm
      	scheduler=wrr
      	persistent=300
      	netmask=255.255.255.0
      	quiescent=no
      	service=http
      	checktype=negotiate
      	checkport=80
      	checkinterval=2
      	checktimeout=3
      	negotiatetimeout=3
      	failurecount=1
      	request="/healthz"
      	httpmethod=GET
      	virtualhost="www.farm.example"
      "
    `);
    const { resources } = await director(marked);
    expect(outline(resources)).toContain(`service farmctl-lvs-marks.service
  unitFile farmctl-lvs-marks.service
  file /etc/farmctl-lvs-marks.nft
firewall-marks farmctl_lvs
`);
    expect(fileText(resources, '/etc/farmctl-lvs-marks.nft')).toMatchInlineSnapshot(`
      "# Managed by farmctl: what is changed here is lost at the next apply.
      # Made, emptied and made again in one go: at no moment is a packet without its mark.
      table ip farmctl_lvs
      delete table ip farmctl_lvs
      table ip farmctl_lvs {
      	chain marks {
      		type filter hook prerouting priority mangle; policy accept;
      		ip daddr 10.77.0.100 tcp dport { 80, 443 } meta mark set 7
      	}
      }
      "
    `);
  });

  it('keeps the password of a check to itself', async () => {
    const database = {
      services: `${BOTH}, { name: reads, vip: dbread, ports: [3306], serves: base,
        check: { type: mysql, user: lvs, password: !env LVS, database: information_schema } }`,
      vips: 'dbread: { address: 10.77.1.100, pair: [dblb1, dblb2] }',
      tiers: `dblb: { roles: [{ lvs-dr/director: { timeouts: { tcp: 28800 } } }], hosts: { dblb1: { db: 10.77.1.41 }, dblb2: { db: 10.77.1.42 } } }
  api: { roles: [lvs-dr/real, base], hosts: { api1: { db: 10.77.1.51 }, api2: { db: 10.77.1.52 } } }`,
    };
    const part = (await rehearse(inventory(database), { environment })).part('dblb1', 'lvs-dr/director');
    expect(fileText(part.resources, CONFIG)).toMatchInlineSnapshot(`
      "# Managed by farmctl: what is changed here is lost at the next apply.
      checkinterval=2
      checktimeout=3
      negotiatetimeout=3
      autoreload=no
      cleanstop=no
      quiescent=no
      fork=no
      maintenancedir=/etc/ha.d/maintenance
      virtual=10.77.1.100:3306
      	real=10.77.1.51:3306 gate 1
      	real=10.77.1.52:3306 gate 1
      	protocol=tcp
      	scheduler=wrr
      	quiescent=no
      	service=mysql
      	checktype=negotiate
      	checktimeout=3
      	negotiatetimeout=3
      	failurecount=1
      	request="SELECT 1"
      	login="lvs"
      	passwd="(sensitive)"
      	database="information_schema"
      "
    `);
    expect(outline(part.resources)).toContain('packages ipvsadm kmod ldirectord libdbd-mysql-perl\n');
    expect(JSON.stringify(part.resources.at(-1)?.desired)).not.toContain('hidden');
    expect(await config(database)).not.toContain('3306');
  });

  it.each<[string, string, string]>([
    ['tcp', 'check: { type: tcp, port: 81, failures: 3 }', '	service=none\n	checktype=connect\n	checkport=81\n'],
    ['external', 'check: { type: external, command: /usr/local/bin/ask }', '	checkcommand="/usr/local/bin/ask"\n'],
    ['ping', 'check: { type: ping }', '	checktype=ping\n'],
    ['on', 'check: { type: on }', '	checktype=on\n'],
    ['https', 'check: { type: https, port: 443, expect: "^OK$" }', '	receive="^OK$"\n'],
    ['quiescent', 'quiescent: true', '	quiescent=yes\n'],
    ['a fallback', 'fallback: { port: 81 }', '	fallback=127.0.0.1:81 gate\n'],
    ['another fallback', 'fallback: { address: 10.77.0.9, method: tunnel }', '	fallback=10.77.0.9:80 ipip\n'],
    ['dns', 'protocol: udp, check: { type: dns, request: www.example, expect: 10.77.0.9 }', '	receive="10.77.0.9"\n'],
  ])('writes %s as ldirectord has it', async (_, more, lines) => {
    expect(
      await blocks({ services: `${STATIC}, { name: www, vip: www, ports: [80], serves: apache-app, ${more} }` }),
    ).toContain(lines);
  });

  it('leaves a drained server in the table, where it finishes the connections that it has', async () => {
    const drained = {
      services: BOTH,
      appRoles: '{ lvs-dr/real: { weight: 0 } }, apache-app',
    };
    expect((await blocks(drained)).match(/^\tquiescent=.*/gm)).toEqual(['\tquiescent=yes', '\tquiescent=no']);
  });

  it('keeps the fallback server through a reload, and waits no longer for an answer than a probe may take', async () => {
    const { resources } = await director({
      services: `${STATIC}, { name: www, vip: www, ports: [80], serves: apache-app, fallback: {}, check: { timeout: 300 } }`,
    });
    const unit = resources.find(({ id }) => id === 'ldirectord.service');
    const { reload, verify } = (unit?.desired ?? {}) as Partial<Record<string, { text: string }>>;
    expect(reload?.text).toContain('-a -t 10.77.0.100:80 -r 127.0.0.1:80 ');
    expect(verify?.text).toContain(' 10 http 10.77.0.21 80 10 ');
    expect(fileText(resources, CONFIG)).toContain('negotiatetimeout=300');
  });

  it('lists nobody where the check is off', async () => {
    const off = await director({
      services: `{ name: www, vip: www, ports: [80], serves: apache-app, check: { type: off } }`,
    });
    expect(fileText(off.resources, CONFIG)).not.toContain('real=');
  });

  it('leaves the other pair its services', async () => {
    const two = {
      services: `${BOTH}, { name: inner, vip: inner, ports: [80], serves: base }`,
      vips: 'inner: { address: 10.77.1.200, pair: [in1, in2] }',
      tiers: `in: { roles: [lvs-dr], hosts: { in1: { db: 10.77.1.61 }, in2: { db: 10.77.1.62 } } }
  work: { roles: [lvs-dr, base], hosts: { work1: { db: 10.77.1.71 } } }`,
    };
    const { part } = await rehearse(inventory(two), { environment });
    expect(fileText(part('in1', 'lvs-dr/director').resources, CONFIG).match(/^(virtual|\treal)=.*/gm)).toEqual([
      'virtual=10.77.1.200:80',
      '\treal=10.77.1.71:80 gate 1',
    ]);
    expect(outline(part('work1', 'lvs-dr/real').resources)).toContain('loopback-vip 10.77.1.200 lo\n');
    expect(await config(two)).not.toContain('10.77.1.200');
  });
});

describe('a real server', () => {
  it('is silent to ARP before it has the virtual address', async () => {
    const { resources, checks } = await real({ services: BOTH }, 'app1');
    expect(outline(resources)).toMatchInlineSnapshot(`
      "packages iproute2
      sysctl net.ipv4.conf.all.arp_ignore
      sysctl net.ipv4.conf.all.arp_announce
      service farmctl-lvs-real.service
        unitFile farmctl-lvs-real.service
        file /etc/default/farmctl-lvs-real
      loopback-vip 10.77.0.100 lo
      "
    `);
    expect(fileText(resources, '/etc/systemd/system/farmctl-lvs-real.service')).toMatchInlineSnapshot(`
      "# Managed by farmctl: what is changed here is lost at the next apply.
      [Unit]
      Description=Virtual addresses of a balanced server
      After=network-pre.target systemd-sysctl.service systemd-modules-load.service
      Before=network.target apache2.service

      [Service]
      Type=oneshot
      RemainAfterExit=yes
      EnvironmentFile=/etc/default/farmctl-lvs-real
      # Silent to ARP before there is an address to be silent about.
      ExecStart=/bin/sh -c 'echo 1 >/proc/sys/net/ipv4/conf/all/arp_ignore && echo 2 >/proc/sys/net/ipv4/conf/all/arp_announce'
      ExecStart=/bin/sh -c 'for one in $ADDRESSES; do ip address replace $\${one%%,*}/32 dev $\${one##*,} scope host || exit 1; done'
      ExecReload=/bin/sh -c 'for one in $ADDRESSES; do ip address replace $\${one%%,*}/32 dev $\${one##*,} scope host || exit 1; done'
      ExecStop=/bin/sh -c 'for one in $ADDRESSES; do ip address del $\${one%%,*}/32 dev $\${one##*,}; done'

      [Install]
      WantedBy=multi-user.target
      "
    `);
    expect(fileText(resources, '/etc/default/farmctl-lvs-real')).toMatchInlineSnapshot(`
      "# Managed by farmctl: what is changed here is lost at the next apply.
      # address,device
      ADDRESSES="10.77.0.100,lo"
      "
    `);
    expect(checks.map(({ name }) => name)).toEqual(['10.77.0.100 on lo']);
  });

  it('has the address on the device of its tunnel', async () => {
    const { resources } = await real(
      { services: `${STATIC}, { name: www, vip: www, ports: [80], serves: apache-app, method: tunnel }` },
      'app1',
    );
    expect(outline(resources)).toMatchInlineSnapshot(`
      "packages iproute2 kmod
      sysctl net.ipv4.conf.all.arp_ignore
      sysctl net.ipv4.conf.all.arp_announce
      kernelModule ipip
      sysctl net.ipv4.conf.tunl0.rp_filter
      service farmctl-lvs-real.service
        unitFile farmctl-lvs-real.service
        file /etc/default/farmctl-lvs-real
      loopback-vip 10.77.0.100 tunl0
      "
    `);
    expect(fileText(resources, '/etc/systemd/system/farmctl-lvs-real.service')).toContain('ip link set tunl0 up');
  });
});

describe('lvs-dr refuses', () => {
  const details = async (farm: Farm, host: string) =>
    (await mistakes(inventory(farm), host, { environment })).map(({ detail }) => detail);
  const wrong = (more: string) => ({
    services: `${STATIC}, { name: www, vip: www, ports: [80], serves: apache-app, ${more} }`,
  });

  it.each<[string, Farm]>([
    ['the port', { services: `${STATIC}, ${NAT}` }],
    [
      'the port for HTTPS',
      { services: `${STATIC}, ${NAT.replace('realPort: 80', 'realPort: 443')}`, appRoles: TLS_ROLES },
    ],
    ['the one port of a mark', { services: `${STATIC}, ${NAT.replace('nat', 'nat, mark: 5')}` }],
    ['a port of a role that offers none', { services: `${BOTH}, ${OWN}`, appRoles: 'lvs-dr/real, apache-app, base' }],
    ['a port of UDP', { services: `${BOTH}, ${OWN.replace('base', 'apache-app, protocol: udp')}` }],
  ])('no real port that may be right: %s', async (_, farm) => {
    expect(
      (await mistakes(inventory(farm), 'lb1', { environment })).filter(({ severity }) => severity === 'error'),
    ).toEqual([]);
  });

  it('with the place in the inventory', async () => {
    const [found] = await mistakes(
      inventory({ services: `${BOTH}, { name: x, vip: www, ports: [81], serves: nobody }` }),
      'lb1',
    );
    expect(found).toMatchInlineSnapshot(`
      {
        "at": {
          "column": 189,
          "file": "<stdin>",
          "length": 6,
          "line": 12,
        },
        "code": "variables/rejected",
        "detail": "Service x: no host has the role "nobody".",
        "hint": "Name a role or part of some tier under "serves", or give one the role.",
        "host": "lb1",
        "severity": "error",
        "summary": "Variable does not fit",
      }
    `);
  });

  it.each<[string, Farm, string, string]>([
    ['an entry', wrong('realPort: 81'), 'lb1', '81'],
    ['a name', { services: `${BOTH}, { name: www, vip: media, ports: [1], serves: base }` }, 'lb1', 'www'],
    ['a virtual address', { services: `${BOTH}, { name: x, vip: wwww, ports: [1], serves: base }` }, 'lb1', 'wwww'],
    ['a port', { services: `${BOTH}, { name: x, vip: www, ports: [81, 80], serves: apache-app }` }, 'lb1', '80'],
    ['a word of a check', wrong('check: { type: tcp, request: /x }'), 'lb1', '/x'],
    ['a check that lacks a word', wrong('check: { type: dns }'), 'lb1', '{ type: dns }'],
    ['what is not written', { services: WWW, appRoles: 'lvs-dr/real, apache-app', app1: PAGE }, 'lb1', WWW],
    ['a weight', { services: BOTH, app1: ', lvs-dr: { weights: { wwww: 2 } }' }, 'app1', '2'],
  ])('at its place in the inventory: %s', async (_, farm, host, text) => {
    expect(await pointedText(inventory(farm), host)).toBe(text);
  });

  it('what is written as a list over several lines at the line of the entry', async () => {
    const farm = inventory({ services: '' }).replace(
      'services: []',
      `\n    services:\n      - ${WWW}\n      - name: static\n        vip: media\n        ports: [80]\n        serves: nobody\n`,
    );
    const [found] = await mistakes(farm.replace('lvs-dr: {', 'lvs-dr:').replace('\n }\n', '\n'), 'lb1');
    expect(found).toMatchObject({
      detail: 'Service static: no host has the role "nobody".',
      at: { line: 18, column: 17 },
    });
  });

  it('a variable of an option at the role, as it stands in no file', async () => {
    const services = `lvs-dr.services=[{ name: x, vip: www, ports: [1], serves: nobody }]`;
    const [found] = await mistakes(inventory({ services: BOTH }), 'lb1', { overrides: [services] });
    expect(found).toMatchObject({
      detail: 'Service x: no host has the role "nobody".',
      at: { file: '<stdin>', line: 15 },
    });
  });

  it.each<[string, Farm, string, string]>([
    [
      'an unknown virtual address',
      { services: `${BOTH}, { name: x, vip: wwww, ports: [1], serves: base }` },
      'lb1',
      'Service x: there is no virtual address "wwww". Did you mean "www"?',
    ],
    [
      'an unknown role',
      { services: `${BOTH}, { name: x, vip: www, ports: [1], serves: apache_app }` },
      'lb1',
      'Service x: no host has the role "apache_app". Did you mean "apache-app"?',
    ],
    [
      'an unknown part',
      { services: `${BOTH}, { name: x, vip: www, ports: [1], serves: lvs-dr/reel }` },
      'lb1',
      'Service x: no host has the role "lvs-dr/reel". Did you mean "lvs-dr/real"?',
    ],
    [
      'an unknown network',
      wrong('method: nat, network: bd'),
      'lb1',
      'Service www: there is no network "bd". Did you mean "db"?',
    ],
    [
      'a network without a real server',
      wrong('method: nat, network: db'),
      'lb1',
      'Service www: app1 has no address in the network db, by which it would be reached.',
    ],
    [
      'a real port on which nobody listens',
      wrong('method: nat, realPort: 8080'),
      'lb1',
      'Service www: "realPort" says 8080, but app1 listens on 80.',
    ],
    [
      'a real port on which one of them does not listen',
      { services: `${STATIC}, ${NAT}`, app1: ', apache-app: { port: 8080 }' },
      'lb1',
      'Service www: "realPort" says 80, but app1 listens on 8080.',
    ],
    [
      'a real port of neither kind',
      { services: `${STATIC}, ${NAT.replace('realPort: 80', 'realPort: 8443')}`, appRoles: TLS_ROLES },
      'lb1',
      'Service www: "realPort" says 8443, but app1 listens on 80 and 443.',
    ],
    ['two services of one name', { services: `${BOTH}, ${WWW}` }, 'lb1', 'Two services have the name www.'],
    [
      'the same port twice',
      { services: `${BOTH}, { name: x, vip: www, ports: [80, 81], serves: apache-app }` },
      'lb1',
      'Services www and x both have 10.77.0.100:80/tcp.',
    ],
    [
      'the same mark twice',
      {
        services: `${STATIC}, { name: a, vip: www, ports: [80], mark: 3, serves: apache-app }, { name: b, vip: media, ports: [81], mark: 3, serves: apache-app }`,
      },
      'lb1',
      'Services a and b both have firewall mark 3.',
    ],
    [
      'another port with direct routing',
      { services: `${BOTH}, { name: x, vip: www, ports: [8080], serves: apache-app }` },
      'lb1',
      'Service x: port 8080 reaches the real servers as it is (method direct), but app1 listens on 80.',
    ],
    [
      'a real port with direct routing',
      wrong('realPort: 81'),
      'lb1',
      'Service www: with the method direct the real port is that of the service, 80, and "realPort" says 81.',
    ],
    [
      'a real port for several ports',
      {
        services: `${STATIC}, { name: www, vip: www, ports: [80, 81], serves: apache-app, method: nat, realPort: 80 }`,
      },
      'lb1',
      'Service www: "realPort" goes with one port.',
    ],
    [
      'another network with direct routing',
      wrong('network: db'),
      'lb1',
      'Service www: with direct routing the real servers are in the network of the virtual address, web.',
    ],
    [
      'a real server without the address',
      { services: BOTH, appRoles: 'apache-app' },
      'lb1',
      'Service www: app1 would get requests for the virtual address and does not have it (method direct).',
    ],
    [
      'a real server that is a director',
      { services: `${BOTH}, { name: x, vip: www, ports: [22], serves: base }`, lbRoles: 'lvs-dr/director, base' },
      'lb1',
      'Service x: lb1 is a director and would be a real server as well.',
    ],
    [
      'a pair of which one is no director',
      {
        services: `${BOTH}, { name: x, vip: odd, ports: [80], serves: apache-app }`,
        vips: 'odd: { address: 10.77.0.102, pair: [lb1, app1] }',
      },
      'lb1',
      'app1 belongs to the pair of the virtual address odd and is no director.',
    ],
    [
      'a pair with different services',
      { services: BOTH, lb1: ', lvs-dr: { services: [] }' },
      'lb2',
      'The two directors of www, lb1 and lb2, do not have the same services.',
    ],
    [
      'a director without services',
      { services: BOTH, lb1: ', lvs-dr: { services: [] }' },
      'lb1',
      'No service has a virtual address of lb1, so there is nothing that it could balance.',
    ],
    [
      'a real server without services',
      { services: WWW },
      'media1',
      'media1 has lvs-dr/real, but no service of a director serves a role of it.',
    ],
    [
      'a weight for no service',
      { services: BOTH, app1: ', lvs-dr: { weights: { wwww: 2 } }' },
      'app1',
      '"wwww" is no service that app1 serves.',
    ],
    [
      'two methods for one address',
      {
        services: `${BOTH}, { name: x, vip: www, ports: [443], serves: apache-app, method: tunnel, check: { type: tcp } }`,
        appRoles: 'lvs-dr/real, { apache-app: {} }',
      },
      'app1',
      'Service www: another service sends requests for 10.77.0.100 to app1 by another method.',
    ],
    [
      'stickiness that would outlive a server',
      {
        services: `${STATIC}, { name: www, vip: www, ports: [80], serves: apache-app, quiescent: true, persistence: {} }`,
        more: ', sysctls: { expire_quiescent_template: 0 }',
      },
      'lb1',
      'Service www is persistent and quiescent: with expire_quiescent_template 0 clients of a dead server would be sent to it until their time is up.',
    ],
    [
      'a pair of two numbers',
      { services: BOTH, lb1: ', lvs-dr: { syncId: 9 }' },
      'lb1',
      'lb1 and lb2 are a pair and would not hear each other: numbers 9 and 100, networks web and web.',
    ],
    [
      'two pairs of one number',
      {
        services: `${BOTH}, { name: inner, vip: inner, ports: [80], serves: base }`,
        more: ', syncId: 9, syncNetwork: db',
        vips: 'inner: { address: 10.77.1.200, pair: [in1, in2] }',
        tiers: 'in: { roles: [lvs-dr], hosts: { in1: { db: 10.77.1.61 }, in2: { db: 10.77.1.62 } } }',
      },
      'lb1',
      'lb1 and in1 tell their connections under the same number, 9, on the network db, and are no pair.',
    ],
    [
      'dns without a question',
      wrong('check: { type: dns }'),
      'lb1',
      'Service www: a check of type dns needs "request".',
    ],
    [
      'dns without an answer',
      wrong('check: { type: dns, request: a.example }'),
      'lb1',
      'Service www: a check of type dns needs "expect".',
    ],
    [
      'mysql without a user',
      wrong('check: { type: mysql }'),
      'lb1',
      'Service www: a check of type mysql needs "user".',
    ],
    [
      'external without a command',
      wrong('check: { type: external }'),
      'lb1',
      'Service www: a check of type external needs "command".',
    ],
    [
      'what a check does not use',
      wrong('check: { type: tcp, request: /x }'),
      'lb1',
      'Service www: "request" has no meaning for a check of type tcp.',
    ],
    [
      'a path without a slash',
      wrong('check: { request: x }'),
      'lb1',
      'Service www: the request "x" is no path: it must begin with a slash.',
    ],
    [
      'an expression that is none',
      wrong('check: { expect: "(" }'),
      'lb1',
      'Service www: "expect" is no regular expression: Invalid regular expression: /(/: Unterminated group.',
    ],
    [
      'a server that listens on its own address alone',
      { services: BOTH, appRoles: 'lvs-dr/real, { apache-app: { addresses: [10.77.0.21] } }' },
      'lb1',
      'Service www: app1 listens on 10.77.0.21 alone, and requests come to it for 10.77.0.100 (method direct).',
    ],
    [
      'another port for dns',
      wrong('protocol: udp, check: { type: dns, request: www.example, expect: 10.77.0.9, port: 5353 }'),
      'lb1',
      'Service www: a check of type dns asks port 53, whatever "port" says.',
    ],
    [
      'other timeouts on its partner',
      { services: BOTH, lb1: ', lvs-dr: { timeouts: { tcp: 60 } }' },
      'lb2',
      'The two directors of www, lb1 and lb2, do not have the same "timeouts".',
    ],
    [
      'tcp for udp',
      wrong('protocol: udp, check: { type: tcp }'),
      'lb1',
      'Service www is UDP, and a check of type tcp speaks TCP: take dns, external or ping, or say which TCP port is asked.',
    ],
  ])('%s', async (_, farm, host, detail) => {
    expect((await details(farm, host)).join('\n')).toContain(detail);
  });

  it.each<[string, Record<string, unknown>]>([
    ['a scheduler', { scheduler: 'best' }],
    ['a port', { ports: [0] }],
    ['no ports', { ports: [] }],
    ['a mark', { mark: 0 }],
    ['a prefix', { persistence: { prefix: 33 } }],
    ['a time', { persistence: { seconds: 0 } }],
    ['a method', { method: 'local' }],
    ['a name', { name: 'a b' }],
    ['a request that ends its quotes', { check: { request: '/"' } }],
    ['a request with a comment', { check: { request: '/#' } }],
    ['an interval', { check: { interval: 0 } }],
    ['a check', { check: { type: 'smtp' } }],
    ['a command', { check: { type: 'external', command: '/bin/a b' } }],
    ['what it does not know', { weight: 3 }],
  ])('%s out of range', async (_, more) => {
    const service = JSON.stringify({ name: 'www', vip: 'www', ports: [80], serves: 'apache-app', ...more });
    const found = await mistakes(inventory({ services: `${STATIC}, ${service}` }), 'lb1');
    expect(found.length).toBeGreaterThan(0);
    for (const { code } of found) expect(code).toMatch(/^variables\/(invalid|unknown)$/);
  });

  it.each(['{ am_droprate: -1 }', '{ am_droprate: 1.5 }', '{ am_droprate: fast }', '{ am_droprate: true }'])(
    'settings out of range: %s',
    async (sysctls) => {
      const found = await mistakes(inventory({ services: BOTH, more: `, sysctls: ${sysctls}` }), 'lb1');
      expect(found.map(({ code }) => code)).toEqual(['variables/invalid']);
    },
  );

  it('a weight out of range', async () => {
    const found = await mistakes(inventory({ services: BOTH, app1: ', lvs-dr: { weight: 65536 }' }), 'lb1');
    expect(found.map(({ code }) => code)).toEqual(['variables/invalid']);
  });
});

describe('a virtual address on a real server', () => {
  const resource = loopbackVip({ address: '127.0.0.1', device: 'lo' });
  const { type, desired } = resource;

  it('is on its device and on no other', () => {
    expect(type.diff(desired, { isThere: true, elsewhere: [] }, [])).toBeUndefined();
    const found = { isThere: true, elsewhere: ['127.0.0.1/24 eth0'] };
    expect(type.diff(desired, found, [])?.fields).toEqual([{ name: 'also', from: '127.0.0.1/24 eth0', to: undefined }]);
    expect(type.apply(desired, found, []).script?.text).toContain('ip address del 127.0.0.1/24 dev eth0');
    expect(type.diff(desired, undefined, [])).toMatchObject({ action: 'create' });
  });

  it('may be there already when its turn comes, but nowhere that the plan did not say', () => {
    const there = { isThere: true, elsewhere: ['127.0.0.1/24 eth0'] };
    expect(type.covers?.(desired, { isThere: false, elsewhere: there.elsewhere }, there)).toBe(true);
    expect(type.covers?.(desired, undefined, there)).toBe(false);
  });

  it('is told from the same address elsewhere', () => {
    const [found] = observe([resource, loopbackVip({ address: '127.0.0.2', device: 'lo' })]);
    // This machine's own has a network of 8 bits, and is no virtual address.
    expect(found).toEqual({ state: 'known', value: { isThere: false, elsewhere: ['127.0.0.1/8 lo'] } });
  });
});
