import { didYouMean, type FarmView, type HostView, type RoleContext } from 'farmctl';
import { allAllowed, type Refuse, type RefuseAt } from './allowed.ts';
import { covers, rangeOf, waysBetween } from './networks.ts';
import type { MountWish, Variables } from './variables.ts';

/** A mount of a client, with the server that it found. */
export interface Mount {
  readonly wish: MountWish;
  readonly path: string;
  readonly server: HostView;
  /** Address of the server on the network that is used. */
  readonly address: string;
}

/** Refuses two paths that are the same or of which one lies below the other. */
export function refuseNested(what: string, paths: readonly string[], refuseAt: RefuseAt, hint?: string): void {
  for (const [index, path] of paths.entries()) {
    if (paths.indexOf(path) < index) refuseAt(index)(`${what} ${path} is there twice.`);
    const outer = paths.find((other) => path.startsWith(`${other}/`));
    if (outer !== undefined) refuseAt(index)(`${what} ${path} lies below ${outer}, which is one too.`, hint);
  }
}

/** Refuses names and numbers that two of `ids` claim. */
export function checkIds(ids: Variables['ids'], reject: Reject): void {
  for (const key of ['name', 'uid', 'gid'] as const) {
    const values = ids.map((one) => one[key]);
    const twice = values.findIndex((value, index) => values.indexOf(value) < index);
    if (twice !== -1) reject(['ids', twice, key], `Two of ids have the ${key} ${values[twice]}.`);
  }
}

type Context = RoleContext<Variables>;
type Reject = Context['reject'];

type Servers = ReturnType<typeof serversOf>;

function serversOf(farm: FarmView) {
  return farm.hosts('nfs/server');
}

function serverOf(servers: Servers, wish: MountWish, host: HostView, refuse: Refuse): Servers[number] {
  const names = servers.map((one) => one.host.name);
  const named = servers.find((one) => one.host.name === wish.server);
  if (wish.server !== undefined && named === undefined)
    return refuse(
      `There is no NFS server "${wish.server}".${didYouMean(wish.server, names)}`,
      `There is ${names.join(', ') || 'none'}.`,
    );
  const able = servers.filter((one) => one.offer.exports.some(({ path }) => path === wish.export));
  const found = named ?? able[0];
  if (found === undefined || !able.includes(found)) {
    const exports = servers.flatMap((one) => one.offer.exports.map(({ path }) => `${path} of ${one.host.name}`));
    const who = wish.server ?? 'No server';
    const detail =
      wish.server === undefined ? `${who} exports ${wish.export}.` : `${who} does not export ${wish.export}.`;
    return refuse(detail, `There is ${exports.join(', ') || 'no export: give the server nfs.exports'}.`);
  }
  if (named === undefined && able.length > 1)
    return refuse(`${able.map((one) => one.host.name).join(' and ')} export ${wish.export}.`, 'Name one as "server".');
  if (found.host.name === host.name)
    return refuse(
      `${host.name} would mount its own export ${wish.export}, which may lock up a host without memory.`,
      'Use the directory itself there.',
    );
  return found;
}

function resolve({ farm, host, variables, reject }: Context, wish: MountWish, refuse: Refuse): Mount {
  const found = serverOf(serversOf(farm), wish, host, refuse);
  const server = found.host;
  const { offer } = found;
  for (const [index, { name, uid, gid }] of variables.ids.entries()) {
    const there = offer.ids.find((one) => one.name === name);
    if (there !== undefined && (there.uid !== uid || there.gid !== gid))
      reject(
        ['ids', index],
        `"${name}" is ${uid}:${gid} here and ${there.uid}:${there.gid} on ${server.name}.`,
        'Set nfs.ids once, for the whole farm.',
      );
  }
  if (!offer.versions.includes(wish.version))
    refuse(`${server.name} answers ${offer.versions.join(' and ')}, not version ${wish.version}.`);
  if (wish.soft && wish.access === 'rw')
    refuse(
      `The mount of ${wish.export} is soft and may be written to: data would be lost where the server is silent.`,
      'Take out "soft", or mount it with "access: ro".',
    );
  const ways = waysBetween(server, host, offer.listen);
  const way = wish.network === undefined ? ways[0] : ways.find(({ network }) => network === wish.network);
  if (way === undefined) {
    const common = ways.map(({ network }) => network).join(', ') || 'none';
    return refuse(
      `${host.name} does not reach ${server.name}${wish.network === undefined ? '' : ` by the network "${wish.network}"`}.`,
      `Networks that both are in and that it listens on: ${common}.`,
    );
  }
  const address = rangeOf(way.client);
  const allowed = allAllowed({ server, offer, farm }, () => refuse).find(
    (one) => one.path === wish.export && covers(one.range, address),
  );
  if (allowed === undefined)
    refuse(`${server.name} does not export ${wish.export} to ${host.name} (${way.client}).`, 'Add it to its clients.');
  if (allowed?.access === 'ro' && wish.access === 'rw')
    refuse(`${server.name} exports ${wish.export} to ${host.name} read-only.`, 'Mount it with "access: ro".');
  return { wish, path: wish.path ?? wish.export, server, address: way.server };
}

/** What a client mounts, each with its server, or the first mistake in it. Pure. */
export function mountsOf(context: Context): readonly Mount[] {
  const { variables, reject } = context;
  const { mounts, ids } = variables;
  const refuseAt: RefuseAt = (index) => (detail, hint) => reject(['mounts', index], detail, hint);
  checkIds(ids, reject);
  const all = mounts.map((wish, index) => resolve(context, wish, refuseAt(index)));
  const paths = all.map(({ path }) => path);
  refuseNested('The mount point', paths, refuseAt, 'Mount them side by side.');
  return all;
}
