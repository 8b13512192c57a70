import {
  type Check,
  commandCheck,
  directory,
  file,
  ownedDirectory,
  packages,
  type Resource,
  type RoleContext,
  type Script,
  service,
  sh,
  tcpCheck,
  text,
  type VariablePath,
} from 'farmctl';
import { accounts, isOwner, isOwningGroup } from './accounts.ts';
import { type Allowed, allAllowed, type RefuseAt, tableOptions, writtenOptions } from './allowed.ts';
import { exportTable, tableScript } from './export-table.ts';
import { checkIds, refuseNested } from './mounts.ts';
import { serverOffer } from './offers.ts';
import { liesIn } from './paths.ts';
import type { Variables } from './variables.ts';
import { withoutNfs3 } from './without-nfs3.ts';

type Context = RoleContext<Variables>;

const SETTINGS = '/etc/nfs.conf.d/farmctl.conf';
const VERSIONS = ['4.0', '4.1', '4.2'] as const;

/** Trees that make the host what it is, or hold the state of the server or of farmctl. What holds one is not shared either. */
const NOT_SHARED = [
  ...[
    '/bin',
    '/boot',
    '/dev',
    '/etc',
    '/lib',
    '/lib32',
    '/lib64',
    '/libx32',
    '/proc',
    '/root',
    '/run',
    '/sbin',
    '/sys',
  ],
  ...['/usr/bin', '/usr/lib', '/usr/sbin', '/var/lib/dpkg', '/var/lib/farmctl', '/var/lib/nfs', '/var/run'],
];

function checkOwners({ variables: { exports, ids }, reject }: Context): void {
  const names = ids.map(({ name }) => name).join(', ') || 'nobody';
  const check = (at: VariablePath, path: string, who: string, isKnown: boolean) => {
    if (!isKnown)
      reject(
        at,
        `${path} is to belong to the ${who}, which is neither in ids nor on every Debian.`,
        `There is ${names} in ids. A number will do as well.`,
      );
  };
  for (const [index, { path, owner, group }] of exports.entries()) {
    check(['exports', index, 'owner'], path, `user "${owner}"`, isOwner(ids, owner));
    check(['exports', index, 'group'], path, `group "${group}"`, isOwningGroup(ids, group));
  }
}

const refuseExport =
  ({ reject }: Context): RefuseAt =>
  (index) =>
  (detail, hint) =>
    reject(['exports', index], detail, hint);

function check(context: Context): void {
  const { variables, host, reject } = context;
  const { exports, ids, graceSeconds, leaseSeconds, listen } = variables;
  checkIds(ids, reject);
  const paths = exports.map(({ path }) => path);
  refuseNested('The export', paths, refuseExport(context), 'Export them side by side.');
  const odd = paths.findIndex((path) => NOT_SHARED.some((tree) => liesIn(path, tree) || liesIn(tree, path)));
  if (odd !== -1)
    reject(
      ['exports', odd, 'path'],
      `${paths[odd]} belongs to the host itself.`,
      'Take a directory such as /srv/nfs/web.',
    );
  checkOwners(context);
  if (graceSeconds < leaseSeconds)
    reject(
      'graceSeconds',
      `graceSeconds, ${graceSeconds}, is less than leaseSeconds, ${leaseSeconds}: clients could not get their locks back.`,
      `Take ${leaseSeconds} or more.`,
    );
  const own = host.addresses.map(({ network }) => network.name);
  const stray = listen.findIndex((name) => !own.includes(name));
  if (stray !== -1)
    reject(['listen', stray], `${host.name} is not in the network "${listen[stray]}".`, `It is in ${own.join(', ')}.`);
}

function allowed(context: Context): readonly Allowed[] {
  const { host, variables, farm } = context;
  const offer = serverOffer({ host, variables });
  return allAllowed({ server: host, offer, farm }, refuseExport(context));
}

function tableLines(all: readonly Allowed[]): readonly string[] {
  return all.map((one) => `${one.path}\t${one.client}(${tableOptions(one)})`).toSorted();
}

/**
 * exportfs has no way to only check, and a line that it cannot read takes away all that follow in its file. So it makes a table of
 * its own from the new files, in the private mount namespace, and that table has to be the one that is wanted: a host
 * that cannot be resolved or a blank before a parenthesis is no error to it.
 */
function validateScript(lines: readonly string[]): Script {
  return sh`mount -t tmpfs -o mode=0755 nfs /var/lib/nfs || exit 1
: >/var/lib/nfs/etab
: >/var/lib/nfs/rmtab
exportfs -ra || { echo 'exportfs refuses the exports' >&2; exit 1; }
${tableScript(lines)}`;
}

/** The threads are told to the running kernel; their number is read from the file, since the old one may be back. */
const RELOAD = sh`exportfs -ra || exit 1
threads=$(nfsconf --get nfsd threads) || exit 1
[ "$(cat /proc/fs/nfsd/threads)" = "$threads" ] || rpc.nfsd "$threads"`;

function verifyScript({ threads, versions }: Variables, lines: readonly string[]): Script {
  const answered = VERSIONS.map((one) => `${versions.includes(one) ? '+' : '-'}${one}`);
  return sh`${tableScript(lines)}
now=$(cat /proc/fs/nfsd/threads) || exit 1
[ "$now" = ${threads} ] || { printf 'nfsd has %s threads\n' "$now" >&2; exit 1; }
now=$(cat /proc/fs/nfsd/versions) || exit 1
for one in ${answered}; do
  case " $now " in *" $one "*) ;; *) printf 'nfsd answers other versions: %s\n' "$now" >&2; exit 1 ;; esac
done
systemctl is-active -q nfs-mountd.service || { echo 'rpc.mountd does not run' >&2; exit 1; }`;
}

/** All but the number of threads is read only at a start. */
function needsRestart(contents: ReadonlyMap<string, string>): unknown {
  const lines = (contents.get(SETTINGS) ?? '').split('\n');
  return lines.filter((line) => line !== '' && !/^(#|threads=)/.test(line));
}

function settings({ variables, host, render }: Context) {
  const { threads, versions, listen, graceSeconds, leaseSeconds } = variables;
  return render('nfs.conf.hbs', {
    ...{ threads, graceSeconds, leaseSeconds },
    addresses: listen.map((network) => host.address(network)),
    versions: VERSIONS.map((name) => ({ name, answered: versions.includes(name) ? 'y' : 'n' })),
  });
}

export function serverResources(context: Context): readonly Resource[] {
  check(context);
  const { variables, render } = context;
  const all = allowed(context);
  const lines = tableLines(all);
  const rows = all.map((one) => ({ path: one.path, client: one.client, options: writtenOptions(one) }));
  return [
    ...withoutNfs3,
    packages(['nfs-kernel-server']),
    ...accounts(variables.ids),
    ...variables.exports.flatMap(({ path, directories, owner, group, mode }) =>
      [path, ...directories.map((name) => `${path}/${name}`)].map((one) =>
        directory({ path: one, owner, group, mode }),
      ),
    ),
    service({ unit: 'nfs-blkmap.service', enabled: false, active: false, config: [] }),
    service({
      unit: 'nfs-server.service',
      enabled: true,
      active: true,
      config: [
        file({ path: '/etc/exports', content: text('# Managed by farmctl: exports are in /etc/exports.d.\n') }),
        ownedDirectory({
          path: '/etc/exports.d',
          entries: [file({ path: '/etc/exports.d/farmctl.exports', content: render('exports.hbs', { rows }) })],
        }),
        ownedDirectory({
          path: '/etc/nfs.conf.d',
          entries: [file({ path: SETTINGS, content: settings(context) })],
        }),
      ],
      validate: validateScript(lines),
      checkers: ['/usr/sbin/exportfs'],
      reload: RELOAD,
      restartWhen: needsRestart,
      verify: verifyScript(variables, lines),
    }),
    exportTable({ lines: [...lines], threads: variables.threads }),
  ];
}

export function serverChecks(context: Context): readonly Check[] {
  const { host, variables } = context;
  const networks = variables.listen.length > 0 ? variables.listen : host.addresses.map(({ network }) => network.name);
  return [
    ...networks.map((name) => tcpCheck({ name: `port ${name}`, address: host.address(name), port: 2049 })),
    commandCheck({ name: 'exports', script: verifyScript(variables, tableLines(allowed(context))) }),
  ];
}
