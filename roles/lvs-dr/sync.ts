import type { RoleContext, Vip } from 'farmctl';
import type { DirectorOffer } from './offers.ts';
import { ownVips } from './services.ts';
import type { Variables } from './variables.ts';

/** How a pair tells its connections. */
export interface Sync {
  readonly id: number;
  readonly device: string;
}

type Given = Pick<DirectorOffer, 'syncId' | 'syncNetwork'>;

function place(given: Given, [first]: readonly Vip[]): { readonly id: number; readonly network: string } {
  const last = Number(first?.address.split('.')[3] ?? 1);
  return { id: given.syncId ?? (last === 0 ? 255 : last), network: given.syncNetwork ?? first?.network ?? '' };
}

/** Undefined where connections are not told. Refuses a number that another pair on the same network has. */
export function syncOf({ farm, host, variables, reject }: RoleContext<Variables>): Sync | undefined {
  if (!variables.sync) return undefined;
  const vips = ownVips(farm, host.name);
  const own = place({ syncId: variables.syncId, syncNetwork: variables.syncNetwork }, vips);
  const partners = new Set(vips.flatMap(({ pair }) => pair));
  for (const { host: other, offer } of farm.hosts('lvs-dr/director')) {
    const theirs = place(offer, ownVips(farm, other.name));
    const isSame = theirs.id === own.id && theirs.network === own.network;
    if (partners.has(other.name) && !isSame)
      reject(
        'syncId',
        `${host.name} and ${other.name} are a pair and would not hear each other: numbers ${own.id} and ${theirs.id}, networks ${own.network} and ${theirs.network}.`,
        'Give both the same "syncId" and "syncNetwork".',
      );
    if (!partners.has(other.name) && offer.sync && isSame)
      reject(
        'syncId',
        `${host.name} and ${other.name} tell their connections under the same number, ${own.id}, on the network ${own.network}, and are no pair.`,
        'Give each pair a "syncId" of its own.',
      );
  }
  // The kernel sends from the device's own address: without one it could not.
  host.address(own.network);
  return { id: own.id, device: farm.network(own.network).device };
}
