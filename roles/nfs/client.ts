import {
  type Check,
  commandCheck,
  packages,
  type Resource,
  type RoleContext,
  type Script,
  sh,
  unitFile,
} from 'farmctl';
import { accounts } from './accounts.ts';
import { mountOptions } from './mount-options.ts';
import { type Mount, mountsOf } from './mounts.ts';
import { nfsMount } from './nfs-mount.ts';
import { liesIn } from './paths.ts';
import { unitNameOf } from './unit-name.ts';
import type { Variables } from './variables.ts';
import { withoutNfs3 } from './without-nfs3.ts';

type Context = RoleContext<Variables>;

function mountResources({ render, variables }: Context, { wish, path, server, address }: Mount): readonly Resource[] {
  const unit = unitNameOf(path);
  const source = `${address}:${wish.export}`;
  const options = [...mountOptions(wish)];
  const data = { path, source, options, server: server.name, seconds: variables.mountTimeoutSeconds };
  return [
    unitFile({ unit: `${unit}.mount`, content: render('mount.hbs', data) }),
    unitFile({ unit: `${unit}.automount`, content: render('automount.hbs', data) }),
    nfsMount({ path, source, options }),
  ];
}

/** What the exports of this host are; undefined where it is no server. */
function ownExports({ farm, host }: Context): readonly string[] | undefined {
  const own = farm.hosts('nfs/server').find((found) => found.host.name === host.name);
  return own?.offer.exports.map(({ path }) => path);
}

/** The kernel exports what it has mounted by NFS only with an fsid, and clients of an export see no mounts in it. */
function refuseMountsInExports(mounts: readonly Mount[], exports: readonly string[], { reject }: Context): void {
  for (const [index, { path }] of mounts.entries()) {
    const near = exports.find((own) => liesIn(path, own) || liesIn(own, path));
    if (near !== undefined)
      reject(
        ['mounts', index],
        `The mount point ${path} and the export ${near} of this host overlap.`,
        'Mount it elsewhere.',
      );
  }
}

export function clientResources(context: Context): readonly Resource[] {
  const mounts = mountsOf(context);
  const exports = ownExports(context);
  refuseMountsInExports(mounts, exports ?? [], context);
  // A host that is a server too has them from there already: both sides have the same variables.
  const isServer = exports !== undefined;
  return [
    ...(isServer ? [] : withoutNfs3),
    packages(['nfs-common']),
    ...(isServer ? [] : accounts(context.variables.ids)),
    ...mounts.flatMap((mount) => mountResources(context, mount)),
  ];
}

/** Good if the server answers through the mount in time. A look at a hard mount ends only by SIGKILL. */
function answersScript(path: string): Script {
  return sh`type=$(timeout -s KILL 8 stat -f -c %T -- ${`${path}/.`}) ||
  { printf '%s does not answer within 8 s\n' ${path} >&2; exit 1; }
[ "$type" = nfs ] || { printf '%s is not on NFS, but on %s\n' ${path} "$type" >&2; exit 1; }`;
}

export function clientChecks(context: Context): readonly Check[] {
  return mountsOf(context).map(({ path }) => commandCheck({ name: `mount ${path}`, script: answersScript(path) }));
}
