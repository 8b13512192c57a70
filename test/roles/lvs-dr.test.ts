import { describe, expect, it } from 'vitest';
import { fileText, mistakes, outline, rehearse } from './harness.ts';

const environment = { LVS: 'hidden-word' };

interface Farm {
  /** Services as YAML in flow style. */
  readonly services: string;
  readonly more?: string;
  readonly app?: string;
  readonly appRoles?: string;
  readonly lb?: string;
  readonly vips?: string;
  readonly tiers?: string;
}

const WWW = '{ name: www, vip: www, ports: [80], serves: apache-app }';

/** Two directors, two app servers and two media servers on two networks. */
function inventory({ services, more = '', app = '', appRoles, lb = '', vips = '', tiers = '' }: Farm): string {
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
    roles: [lvs-dr/director]
    hosts: { lb1: { web: 10.77.0.11, db: 10.77.1.11${lb} }, lb2: { web: 10.77.0.12, db: 10.77.1.12 } }
  app:
    roles: [${appRoles ?? 'lvs-dr/real, apache-app'}]
    hosts: { app1: { web: 10.77.0.21${app} }, app2: { web: 10.77.0.22 } }
  media:
    roles: [{ lvs-dr/real: { weight: 3, weights: { media-tls: 5 } } }, apache-media]
    hosts: { media1: { web: 10.77.0.31, db: 10.77.1.31 }, media2: { web: 10.77.0.32, db: 10.77.1.32 } }
  ${tiers}
`;
}

const MEDIA = `{ name: media, vip: media, ports: [80], serves: apache-media, scheduler: wlc },
  { name: media-tls, vip: media, ports: [443], serves: apache-media, check: { type: tcp }, persistence: { prefix: 24 } }`;

const CONFIG = '/etc/ha.d/ldirectord.cf';

const part = async (host: string, farm: Farm) =>
  (await rehearse(inventory(farm), { environment })).part(host, host.startsWith('lb') ? 'lvs-dr/director' : 'lvs-dr/real');

const PLAIN: Farm = { services: `${WWW}, ${MEDIA.replaceAll('443', '8443')}`, more: '' };

describe('lvs-dr', () => {
  it('sets up a director', async () => {
    const { resources, checks } = await part('lb1', { services: `${WWW}, { name: media, vip: media, ports: [80], serves: apache-media, scheduler: wlc }, { name: media-tls, vip: media, ports: [443], serves: media-tls-role }`.replace(', { name: media-tls, vip: media, ports: [443], serves: media-tls-role }', ', { name: media-tls, vip: media, ports: [8080], serves: apache-media, method: nat, persistence: { prefix: 24 } }') });
    expect(outline(resources)).toMatchInlineSnapshot(`
      "symlink /etc/systemd/system/ipvsadm.service
      packages ipvsadm kmod ldirectord
      kernelModule ip_vs
      kernelModule ip_vs_wlc
      kernelModule ip_vs_wrr
      sysctl net.ipv4.vs.expire_nodest_conn
      sysctl net.ipv4.vs.expire_quiescent_template
      sysctl net.ipv4.ip_forward
      sysctl net/ipv4/conf/all/send_redirects
      sysctl net/ipv4/conf/eth0/send_redirects
      service farmctl-lvs.service
        unitFile farmctl-lvs.service
      directory /etc/ha.d/maintenance
      service ldirectord.service
        file /etc/ha.d/ldirectord.cf
        dropIn ldirectord.service farmctl
      ipvs-table all services
      "
    `);
    expect(fileText(resources, CONFIG)).toMatchInlineSnapshot(`
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
      	checkport=80
      	checkinterval=2
      	checktimeout=3
      	negotiatetimeout=3
      	failurecount=1
      	request="/healthz"
      	httpmethod=GET
      	virtualhost="www.farm.example"
      virtual=10.77.0.101:80
      	real=10.77.0.31:80 gate 3
      	real=10.77.0.32:80 gate 3
      	protocol=tcp
      	scheduler=wlc
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
      	virtualhost="static.farm.example"
      virtual=10.77.0.101:8080
      	real=10.77.0.31:80 masq 5
      	real=10.77.0.32:80 masq 5
      	protocol=tcp
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
      	virtualhost="static.farm.example"
      "
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
    expect(checks.map(({ name }) => name)).toMatchInlineSnapshot(`
      [
        "table",
        "www at 10.77.0.100:80",
        "media at 10.77.0.101:80",
        "media-tls at 10.77.0.101:8080",
      ]
    `);
    expect(resources.at(-1)?.desired).toMatchInlineSnapshot(`
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
                "weight": 3,
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
                "weight": 3,
              },
            ],
            "fallback": "",
            "key": "-t 10.77.0.101:80",
            "name": "media",
            "persistence": "",
            "quiescent": false,
            "scheduler": "wlc",
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
                  "10.77.0.101:8080",
                  "",
                  "",
                ],
                "destination": "10.77.0.31:80",
                "method": "-m",
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
                  "10.77.0.101:8080",
                  "",
                  "",
                ],
                "destination": "10.77.0.32:80",
                "method": "-m",
                "name": "media2",
                "weight": 5,
              },
            ],
            "fallback": "",
            "key": "-t 10.77.0.101:8080",
            "name": "media-tls",
            "persistence": "300 255.255.255.0",
            "quiescent": false,
            "scheduler": "wrr",
            "timeout": 3,
          },
        ],
        "timeouts": "900 120 300",
      }
    `);
  });
});

void PLAIN;
void mistakes;
