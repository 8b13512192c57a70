import { didYouMean } from '../lib/closest.ts';
import { formatAddress } from '../model/address.ts';
import { alsoAt, type Checking, report } from './checking.ts';
import { isMap } from './merge.ts';
import { addressMistake, type CheckedNetwork, HOST_KEYS, writtenAddress } from './networks.ts';

/** One entry under a tier's `hosts`. */
export interface HostEntry {
  readonly tier: string;
  /** The `hosts` map and the key in it: `app1`, `app[1:3]`. */
  readonly map: Record<string, unknown>;
  readonly key: string;
  readonly written: Record<string, unknown>;
}

/** The first address of an entry in a network; a range counts from there. */
export interface FirstAddress {
  readonly network: CheckedNetwork;
  readonly first: number;
}

/** Names and addresses that are taken, over the whole farm. */
export interface Taken {
  readonly hosts: Map<string, HostEntry>;
  readonly addresses: Map<number, { readonly host: string; readonly map: object; readonly key: string }>;
}

/** The addresses of an entry by network; keys that mean nothing, and an entry without any address, are reported. */
export function readAddresses(
  checking: Checking,
  networks: ReadonlyMap<string, CheckedNetwork>,
  entry: HostEntry,
): readonly FirstAddress[] {
  const { written, key: host, tier } = entry;
  const found: FirstAddress[] = [];
  const writtenNetworks = isMap(checking.document['networks']) ? checking.document['networks'] : {};
  let isAddressed = isMap(written['ssh']) && typeof written['ssh']['address'] === 'string';
  for (const key of Object.keys(written)) {
    if (HOST_KEYS.includes(key) || checking.roles.has(key)) continue;
    // An unknown key was most likely meant as an address: that none is there would be said twice.
    isAddressed = true;
    const network = networks.get(key);
    const first = writtenAddress(written[key]);
    if (network !== undefined && first !== undefined) found.push({ network, first });
    if (Object.hasOwn(writtenNetworks, key)) continue;
    const suggestion = didYouMean(key, [...Object.keys(writtenNetworks), ...HOST_KEYS, ...checking.roles.keys()]);
    const detail = `Host ${host} in tier ${tier} has no setting "${key}".${suggestion}`;
    const names = Object.keys(writtenNetworks).join(', ');
    const hint = names === '' ? 'The inventory has no "networks" yet.' : `The networks are ${names}.`;
    const rest = suggestion === '' ? { hint } : {};
    report(checking, 'inventory/unknown-key', 'Unknown key', detail, { key: [written, key] }, rest);
  }
  if (!isAddressed) {
    const detail = `Host ${host} in tier ${tier} has no address.`;
    const [network = 'web'] = Object.keys(writtenNetworks);
    const hint = `Name the network and the address: ${host}: { ${network}: 10.77.0.21 }.`;
    report(checking, 'inventory/missing-key', 'Missing key', detail, { key: [entry.map, host] }, { hint });
  }
  return found;
}

/** Takes a host's name, or reports who has it. */
export function takeName(checking: Checking, taken: Taken, entry: HostEntry, name: string): boolean {
  const earlier = taken.hosts.get(name);
  if (earlier === undefined) {
    taken.hosts.set(name, entry);
    return true;
  }
  const detail =
    earlier.tier === entry.tier
      ? `Host ${name} is written twice in tier ${entry.tier}.`
      : `Host ${name} is in tier ${earlier.tier} and in tier ${entry.tier}: a host is in one tier.`;
  const also = alsoAt('first here', earlier.map, earlier.key);
  report(checking, 'inventory/duplicate-host', 'Duplicate host', detail, { key: [entry.map, entry.key] }, also);
  return false;
}

/**
 * Takes the addresses of the host that stands at `index` of its entry's range. Reports those that are taken or cannot
 * be used. Returns them as text, by network.
 */
export function takeAddresses(
  checking: Checking,
  taken: Taken,
  entry: HostEntry,
  addresses: readonly FirstAddress[],
  name: string,
  index: number,
): ReadonlyMap<string, string> {
  const own = new Map<string, string>();
  for (const { network, first } of addresses) {
    const address = first + index;
    const { written } = entry;
    const earlier = taken.addresses.get(address);
    // In a range that runs out of its network the first such host says it for all.
    const isReported = index > 0 && addressMistake(network, address - 1) !== undefined;
    const mistake = isReported ? undefined : addressMistake(network, address);
    if (mistake !== undefined) {
      const detail = `Host ${name}: ${mistake.detail}`;
      const hint = mistake.hint === undefined ? {} : { hint: mistake.hint };
      report(
        checking,
        'inventory/address-outside',
        'Address outside its network',
        detail,
        { value: [written, network.name] },
        hint,
      );
    } else if (earlier !== undefined && !isReported) {
      const detail = `Hosts ${earlier.host} and ${name} both have the address ${formatAddress(address)}.`;
      const also = alsoAt('first here', earlier.map, earlier.key);
      report(
        checking,
        'inventory/duplicate-address',
        'Duplicate address',
        detail,
        { value: [written, network.name] },
        also,
      );
    }
    if (earlier === undefined) taken.addresses.set(address, { host: name, map: written, key: network.name });
    own.set(network.name, formatAddress(address));
  }
  return own;
}
