import {
  type Check,
  commandCheck,
  directory,
  dropIn,
  file,
  httpCheck,
  joinScripts,
  kernelModule,
  packages,
  type Resource,
  type RoleContext,
  service,
  sh,
  symlink,
  sysctl,
  tcpCheck,
  unitFile,
} from 'farmctl';
import { firewallMarks } from './firewall-marks.ts';
import { ipvsTable } from './ipvs-table.ts';
import { listed, netmask, rows } from './listed.ts';
import { CONFIG_PATH, MAINTENANCE_PATH, MARKS_PATH } from './paths.ts';
import { drainScript, filledScript, validateScript } from './scripts.ts';
import { directedServers, fallbackEnd, isQuiescent, METHOD_WORDS, type VirtualServer } from './services.ts';
import { type Sync, syncOf } from './sync.ts';
import { settingsOf, type Variables } from './variables.ts';

type Context = RoleContext<Variables>;

const LDIRECTORD = 'ldirectord.service';
const BOOT_UNIT = 'farmctl-lvs.service';
const MARKS_UNIT = 'farmctl-lvs-marks.service';

/** `-f 7` is `7`, `-t 10.77.0.100:80` the address and the port. */
const section = ({ key }: VirtualServer): string => key.slice(3);

/** What the template of ldirectord.cf is given for one entry. */
function block(server: VirtualServer): Readonly<Record<string, unknown>> {
  const { service: wanted, check, reals } = server;
  const { persistence, fallback, method, mark } = wanted;
  const isNegotiated = ['http', 'https', 'dns', 'mysql'].includes(check.type);
  const at = (address: string, its: number) => (its === 0 ? address : `${address}:${its}`);
  return {
    section: section(server),
    protocol: mark === undefined ? wanted.protocol : 'fwm',
    scheduler: wanted.scheduler,
    reals: reals.map((one) => ({
      end: at(one.address, one.port),
      method: METHOD_WORDS[method],
      weight: one.weight,
      host: one.host,
    })),
    persistence: persistence?.seconds ?? false,
    netmask: persistence === undefined || persistence.prefix === 32 ? false : netmask(persistence.prefix),
    quiescent: isQuiescent(server) ? 'yes' : 'no',
    fallback: fallback === undefined ? false : `${fallbackEnd(server)} ${METHOD_WORDS[fallback.method]}`,
    checkType: isNegotiated ? 'negotiate' : check.type === 'tcp' ? 'connect' : check.type,
    // A marked service has no port by which ldirectord could tell what is served.
    service: isNegotiated ? check.type : 'none',
    checkPort: check.port ?? false,
    interval: check.interval,
    timeout: check.timeout,
    failures: check.failures,
    request: check.request,
    expect: check.expect,
    host: check.host,
    isWeb: check.type === 'http' || check.type === 'https',
    httpMethod: check.method,
    user: check.user,
    password: check.password ?? false,
    database: check.database,
    command: check.command,
  };
}

function configuration({ render }: Context, servers: readonly VirtualServer[]): Resource {
  const hasPassword = servers.some(({ check }) => check.password !== undefined);
  return file({
    path: CONFIG_PATH,
    content: render('ldirectord.cf.hbs', {
      // One process looks after one entry: a dead server of one does not hold up the checks of the others.
      fork: servers.length > 1 ? 'yes' : 'no',
      forks: servers.length > 1,
      interval: Math.min(...servers.map(({ check }) => check.interval)),
      maintenance: MAINTENANCE_PATH,
      blocks: servers.map(block),
    }),
    mode: hasPassword ? '0600' : '0644',
  });
}

/** Modules that the kernel would load when it first needs them: there before, a director does not fail in the middle. */
function modules(servers: readonly VirtualServer[]): readonly string[] {
  const schedulers = [...new Set(servers.map((one) => `ip_vs_${one.service.scheduler}`))].sort();
  return ['ip_vs', ...schedulers];
}

function kernelSettings({ farm, variables }: Context, servers: readonly VirtualServer[]): Resource[] {
  const own: Record<string, string> = {
    expire_nodest_conn: '1',
    expire_quiescent_template: '1',
    ...settingsOf(variables),
  };
  const settings = Object.entries(own).map(([key, value]) => sysctl({ key: `net.ipv4.vs.${key}`, value }));
  const translated = servers.filter(({ service: one }) => one.method === 'nat');
  if (translated.length === 0) return settings;
  const devices = [...new Set(translated.map(({ vip }) => farm.network(vip.network).device))].sort();
  return [
    ...settings,
    sysctl({ key: 'net.ipv4.ip_forward', value: '1' }),
    // Else the director tells a real server of its own network to go around it.
    ...['all', ...devices].map((one) => sysctl({ key: `net/ipv4/conf/${one}/send_redirects`, value: '0' })),
  ];
}

function packageNames(servers: readonly VirtualServer[]): readonly string[] {
  const types = new Set(servers.map(({ check }) => check.type));
  return [
    ...['kmod', 'ipvsadm', 'ldirectord'],
    ...(types.has('https') ? ['liblwp-protocol-https-perl'] : []),
    ...(types.has('mysql') ? ['libdbd-mysql-perl'] : []),
    ...(servers.some(({ service: one }) => one.mark !== undefined) ? ['nftables'] : []),
  ];
}

function marks({ render }: Context, servers: readonly VirtualServer[]): Resource[] {
  const marked = servers.filter(({ service: one }) => one.mark !== undefined);
  if (marked.length === 0) return [];
  const rules = marked.map(({ service: one, vip }) => ({
    address: vip.address,
    protocol: one.protocol,
    ports: one.ports,
    mark: one.mark ?? 0,
  }));
  return [
    service({
      unit: MARKS_UNIT,
      enabled: true,
      active: true,
      config: [
        unitFile({ unit: MARKS_UNIT, content: render('marks.service.hbs', { path: MARKS_PATH }) }),
        file({ path: MARKS_PATH, content: render('marks.nft.hbs', { rules }) }),
      ],
      validate: sh`nft -c -f ${MARKS_PATH}`,
      checkers: ['/usr/sbin/nft'],
      verify: sh`nft list table ip farmctl_lvs >/dev/null`,
    }),
    firewallMarks({ rules }),
  ];
}

function timeoutsOf({ timeouts }: Variables): string {
  return [timeouts.tcp, timeouts.tcpFin, timeouts.udp].join(' ');
}

function daemonsOf(sync: Sync | undefined): readonly string[] {
  return sync === undefined ? [] : ['backup', 'master'].map((role) => `${role} ${sync.device} ${sync.id}`);
}

/** Seconds in which ldirectord lists a server that answers again: a round, and one answer. */
function patienceOf(servers: readonly VirtualServer[]): number {
  return Math.max(...servers.map(({ check }) => check.interval + 2));
}

/** The director: the kernel's table, filled by ldirectord, on both of a pair all the time. */
export function directorResources(context: Context): Resource[] {
  const { variables, render } = context;
  const servers = directedServers(context);
  const sync = syncOf(context);
  const timeouts = timeoutsOf(variables);
  const wanted = listed(servers);
  return [
    // Made of a script of old, it would be started at every boot, and its table be another one.
    symlink({ path: '/etc/systemd/system/ipvsadm.service', target: '/dev/null' }),
    packages(packageNames(servers)),
    ...modules(servers).map((name) => kernelModule({ name })),
    ...kernelSettings(context, servers),
    service({
      unit: BOOT_UNIT,
      enabled: true,
      active: true,
      config: [
        unitFile({ unit: BOOT_UNIT, content: render('director.service.hbs', { timeouts, sync: sync ?? false }) }),
      ],
    }),
    ...marks(context, servers),
    directory({ path: MAINTENANCE_PATH }),
    service({
      unit: LDIRECTORD,
      enabled: true,
      active: true,
      config: [
        configuration(context, servers),
        dropIn({ unit: LDIRECTORD, content: render('ldirectord.drop-in.hbs', { after: BOOT_UNIT }) }),
      ],
      validate: validateScript,
      checkers: ['/usr/sbin/ldirectord'],
      reload: drainScript(rows(servers), variables.drainSeconds),
      verify: filledScript(wanted),
    }),
    ipvsTable({ services: wanted, patience: patienceOf(servers), timeouts, daemons: [...daemonsOf(sync)] }),
  ];
}

/** What a client finds at the virtual addresses, asked once for a pair, from where farmctl runs; and the table. */
export function directorChecks(context: Context): Check[] {
  const servers = directedServers(context);
  const table = commandCheck({ name: 'table', script: tableCheck(servers) });
  const first = servers.filter(({ vip }) => vip.pair[0] === context.host.name);
  return [
    table,
    ...first.flatMap(({ service: one, vip, port, check }): Check[] => {
      const isWeb = check.type === 'http' || check.type === 'https';
      const how = one.verify ?? (one.protocol === 'udp' ? 'none' : isWeb ? 'http' : 'tcp');
      const name = `${one.name} at ${vip.address}:${port}`;
      const common = { name, address: vip.address, port, from: 'controller' as const };
      if (how === 'tcp') return [tcpCheck(common)];
      if (how === 'none') return [];
      return [
        httpCheck({
          ...common,
          path: isWeb ? check.request : '/',
          expectStatus: 200,
          ...(check.type === 'https' ? { tls: true } : {}),
          ...(check.host === '' ? {} : { serverName: check.host }),
        }),
      ];
    }),
  ];
}

/** Good if every service is listed with its scheduler, and each has somebody to answer. */
function tableCheck(servers: readonly VirtualServer[]) {
  return joinScripts([
    sh`systemctl is-active -q ${LDIRECTORD} || { echo 'ldirectord is not running'; exit 1; }
table=$(ipvsadm -Sn) || exit 1
bad=0`,
    ...servers.flatMap((one) => [
      sh`case $table in *${`-A ${one.key} -s ${one.service.scheduler}`}*) ;; *) bad=1; echo ${`service ${one.service.name} is not listed with the scheduler ${one.service.scheduler}`} ;; esac`,
      ...(one.reals.length === 0
        ? []
        : [
            sh`case $table in *${`-a ${one.key} -r `}*) ;; *) bad=1; echo ${`service ${one.service.name} has no real server`} ;; esac`,
          ]),
    ]),
    sh`exit $bad`,
  ]);
}
