import type { FarmView, HostView } from 'farmctl';
import { covers, overlapOf, type Range, rangeOf, waysBetween } from './networks.ts';
import type { ServerOffer } from './offers.ts';
import type { Identity, Share, ShareClient } from './variables.ts';

/** One client of one export, as the export table has it. */
export interface Allowed {
  readonly path: string;
  /** `10.77.0.0/24`; a single address as /32, since a name or a bare address would be looked up in the DNS. */
  readonly client: string;
  /** The addresses of `client`. */
  readonly range: Range;
  readonly access: 'rw' | 'ro';
  readonly squash: 'root' | 'all' | 'none';
  readonly sync: boolean;
  readonly privilegedPorts: boolean;
  readonly uid: number;
  readonly gid: number;
}

/** Reports a mistake; the sentence and what to do about it. */
export type Refuse = (detail: string, hint?: string) => never;

/** Makes a `Refuse` that points at one entry of a list. */
export type RefuseAt = (index: number) => Refuse;

interface Place {
  readonly server: HostView;
  readonly offer: ServerOffer;
  readonly farm: FarmView;
}

const NOBODY = 65_534;

function identity(ids: readonly Identity[], name: string | undefined, path: string, refuse: Refuse) {
  if (name === undefined) return { uid: NOBODY, gid: NOBODY };
  const found = ids.find((one) => one.name === name);
  if (found !== undefined) return { uid: found.uid, gid: found.gid };
  const known = ids.map((one) => one.name).join(', ');
  return refuse(`${path} counts requests as those of "${name}", who is not in ids.`, `There is ${known || 'nobody'}.`);
}

function sharedNetworks({ server, offer }: Place): readonly { readonly name: string; readonly cidr: string }[] {
  const { listen } = offer;
  return server.addresses.map((one) => one.network).filter(({ name }) => listen.length === 0 || listen.includes(name));
}

function addressesOf(place: Place, client: HostView, path: string, refuse: Refuse): readonly string[] {
  const ways = waysBetween(place.server, client, place.offer.listen);
  if (ways.length > 0) return ways.map((way) => `${way.client}/32`);
  const networks = sharedNetworks(place).map(({ name }) => name);
  const where = `${place.server.name} serves in ${networks.join(', ') || 'no network'}`;
  return refuse(`${path} is for ${client.name}, which is in no network of the server: ${where}.`);
}

/** The addresses that one entry of `clients` stands for. */
function clientsOf(place: Place, one: ShareClient, path: string, refuse: Refuse): readonly string[] {
  const { farm, server } = place;
  const { network, tier, host, cidr } = one;
  const networks = sharedNetworks(place);
  const names = networks.map(({ name }) => name).join(', ');
  if ([network, tier, host, cidr].filter((given) => given !== undefined).length !== 1)
    return refuse(`A client of ${path} is not named in exactly one way.`, 'Give one of network, tier, host and cidr.');
  if (network !== undefined) {
    const found = networks.find(({ name }) => name === network);
    return found === undefined
      ? refuse(`${path} is for the network "${network}", in which ${server.name} does not serve.`, `Take ${names}.`)
      : [found.cidr];
  }
  if (cidr !== undefined)
    return networks.some((known) => covers(rangeOf(known.cidr), rangeOf(cidr)))
      ? [cidr]
      : refuse(`${path} is for ${cidr}, which lies in no network of ${server.name}.`, `It serves in ${names}.`);
  const hosts = farm.allHosts.filter((known) => known.name === host || known.tier === tier);
  if (hosts.length === 0)
    return refuse(
      `${path} is for the ${host === undefined ? `tier "${tier}"` : `host "${host}"`}, which is not there.`,
    );
  return hosts.filter(({ name }) => name !== server.name).flatMap((known) => addressesOf(place, known, path, refuse));
}

/** What the hosts of the farm that mount this export need. */
function fromMounts(
  place: Place,
  share: Share,
  refuse: Refuse,
): readonly Pick<Allowed, 'client' | 'range' | 'access'>[] {
  const { farm, server } = place;
  return farm.hosts('nfs/client').flatMap(({ host, offer }) => {
    const wishes = offer.mounts.filter(
      (one) => one.export === share.path && (one.server === undefined || one.server === server.name),
    );
    if (wishes.length === 0) return [];
    const writes = share.access === 'rw' && wishes.some((one) => one.access === 'rw');
    const access = writes ? ('rw' as const) : ('ro' as const);
    return addressesOf(place, host, share.path, refuse).map((client) => ({ client, range: rangeOf(client), access }));
  });
}

function allowedOf(place: Place, share: Share, refuse: Refuse): readonly Allowed[] {
  const { path, sync, privilegedPorts, squash } = share;
  const common = { path, sync, privilegedPorts };
  if (share.clients.length === 0) {
    const as = identity(place.offer.ids, share.anonymous, path, refuse);
    return fromMounts(place, share, refuse).map((one) => ({ ...common, squash, ...as, ...one }));
  }
  return share.clients.flatMap((one) => {
    const as = identity(place.offer.ids, one.anonymous ?? share.anonymous, path, refuse);
    return clientsOf(place, one, path, refuse).map((client) => ({
      ...{ ...common, ...as, client, range: rangeOf(client) },
      access: one.access ?? share.access,
      squash: one.squash ?? share.squash,
    }));
  });
}

function makeTable(place: Place, refuseAt: RefuseAt): readonly Allowed[] {
  const all = place.offer.exports.flatMap((share, index) => {
    const refuse = refuseAt(index);
    const allowed = allowedOf(place, share, refuse);
    const [one, other] = overlapOf(allowed) ?? [];
    if (one !== undefined && other !== undefined)
      refuse(
        `${share.path} is for ${one.client} and for ${other.client}, which have addresses in common.`,
        'The server would take either: name each client once.',
      );
    return allowed;
  });
  return all.toSorted((a, b) => compare(a.path, b.path) || compare(a.client, b.client));
}

/** Of each farm, by the server's name. All clients ask for the whole table of their server, and no farm ever changes. */
const tables = new WeakMap<FarmView, Map<string, readonly Allowed[]>>();

/**
 * All that a server gives away, sorted by path and client as the table is compared. Worked out once in a farm. What is
 * wrong with an export is reported at its index.
 */
export function allAllowed(place: Place, refuseAt: RefuseAt): readonly Allowed[] {
  const ofFarm = tables.get(place.farm) ?? new Map<string, readonly Allowed[]>();
  tables.set(place.farm, ofFarm);
  const all = ofFarm.get(place.server.name) ?? makeTable(place, refuseAt);
  ofFarm.set(place.server.name, all);
  return all;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/**
 * The options as the table in /var/lib/nfs/etab holds them, all of them, in its order (nfs-utils 2.6); behind `sec=sys`
 * without `secure`, which stands there only where the kernel's server is loaded.
 */
export function tableOptions({ access, sync, privilegedPorts, squash, uid, gid }: Allowed): string {
  const squashes = `${squash === 'none' ? 'no_root_squash' : 'root_squash'},${squash === 'all' ? 'all_squash' : 'no_all_squash'}`;
  const first = [
    ...[access, sync ? 'sync' : 'async', 'wdelay', 'hide', 'nocrossmnt'],
    ...[privilegedPorts ? 'secure' : 'insecure', squashes, 'no_subtree_check', 'secure_locks', 'acl', 'no_pnfs'],
  ];
  return [...first, `anonuid=${uid}`, `anongid=${gid}`, 'sec=sys', access, squashes].join(',');
}

/** The options as they are written into the file that exportfs reads. */
export function writtenOptions({ access, sync, privilegedPorts, squash, uid, gid }: Allowed): string {
  const squashed = { root: ['root_squash'], all: ['all_squash'], none: ['no_root_squash'] }[squash];
  const anonymous = uid === NOBODY && gid === NOBODY ? [] : [`anonuid=${uid}`, `anongid=${gid}`];
  return [
    ...[access, sync ? 'sync' : 'async', 'no_subtree_check', privilegedPorts ? 'secure' : 'insecure'],
    ...[...squashed, ...anonymous],
  ].join(',');
}
