import { didYouMean } from '../lib/closest.ts';
import { contains, formatAddress } from '../model/address.ts';
import type { Host, Vip } from '../model/farm.ts';
import { alsoAt, type Checking, report } from './checking.ts';
import type { Taken } from './host-addresses.ts';
import { isMap } from './merge.ts';
import { nameMistake } from './names.ts';
import { addressMistake, type CheckedNetwork, writtenAddress } from './networks.ts';
import { keyPlace } from './origin.ts';

/** The virtual addresses; those that no network holds, that are taken, or whose pair is none, are reported. */
export function readVips(
  checking: Checking,
  networks: ReadonlyMap<string, CheckedNetwork>,
  hosts: ReadonlyMap<string, Host>,
  taken: Taken,
): ReadonlyMap<string, Vip> {
  const { vips: written } = checking.document;
  const vips = new Map<string, Vip>();
  if (!isMap(written)) return vips;
  const addresses = new Map<number, string>();
  for (const [name, entry] of Object.entries(written)) {
    const wrong = nameMistake(name);
    if (wrong !== undefined) {
      const hint = wrong.hint === undefined ? {} : { hint: wrong.hint };
      report(
        checking,
        'inventory/bad-name',
        'Wrong name',
        `The VIP name "${name}" ${wrong.reason}.`,
        { key: [written, name] },
        hint,
      );
    }
    if (!isMap(entry)) continue;
    const address = writtenAddress(entry['address']);
    const network = address === undefined ? undefined : networkOf(checking, networks, name, entry, address);
    if (address !== undefined) {
      checkTaken(checking, taken, name, entry, address);
      const earlier = addresses.get(address);
      if (earlier !== undefined) {
        const detail = `VIPs ${earlier} and ${name} both have the address ${formatAddress(address)}.`;
        const other = written[earlier];
        const also = isMap(other) ? alsoAt('first here', other, 'address') : {};
        report(
          checking,
          'inventory/duplicate-address',
          'Duplicate address',
          detail,
          { value: [entry, 'address'] },
          also,
        );
      }
      addresses.set(address, name);
    }
    const pair = readPair(checking, hosts, network, name, entry['pair']);
    const at = keyPlace(written, name);
    if (address === undefined || network === undefined || pair === undefined || at === undefined) continue;
    vips.set(name, { name, address: formatAddress(address), network: network.name, pair, at });
  }
  return vips;
}

function networkOf(
  checking: Checking,
  networks: ReadonlyMap<string, CheckedNetwork>,
  name: string,
  entry: Record<string, unknown>,
  address: number,
): CheckedNetwork | undefined {
  const network = [...networks.values()].find((one) => contains(one.range, address));
  const where = { value: [entry, 'address'] } as const;
  if (network === undefined) {
    if (networks.size === 0 && checking.document['networks'] !== undefined) return undefined;
    const known = [...networks.values()].map((one) => `${one.name} (${one.cidr})`).join(', ');
    const detail = `VIP ${name}: no network of the farm holds ${formatAddress(address)}.`;
    const hint = known === '' ? 'Write the network under "networks".' : `The networks are ${known}.`;
    report(checking, 'inventory/address-outside', 'Address outside its network', detail, where, { hint });
    return undefined;
  }
  const mistake = addressMistake(network, address);
  if (mistake !== undefined) {
    const detail = `VIP ${name}: ${mistake.detail}`;
    report(checking, 'inventory/address-outside', 'Address outside its network', detail, where);
  }
  return network;
}

function checkTaken(checking: Checking, taken: Taken, name: string, entry: Record<string, unknown>, address: number) {
  const owner = taken.addresses.get(address);
  if (owner === undefined) return;
  const detail = `VIP ${name} has the address ${formatAddress(address)}, which is host ${owner.host}'s own.`;
  const also = alsoAt('the host', owner.map, owner.key);
  report(checking, 'inventory/duplicate-address', 'Duplicate address', detail, { value: [entry, 'address'] }, also);
}

function readPair(
  checking: Checking,
  hosts: ReadonlyMap<string, Host>,
  network: CheckedNetwork | undefined,
  vip: string,
  written: unknown,
): readonly [string, string] | undefined {
  if (!Array.isArray(written)) return undefined;
  const names: unknown[] = written;
  for (const [index, name] of names.entries()) {
    if (typeof name !== 'string') continue;
    const where = { value: [names, index] } as const;
    const host = hosts.get(name);
    const wrong = (detail: string, hint?: string) =>
      report(
        checking,
        'inventory/pair',
        'Wrong pair',
        `VIP ${vip}: ${detail}`,
        where,
        hint === undefined ? {} : { hint },
      );
    if (names.indexOf(name) < index) wrong(`its pair names host ${name} twice.`, 'A pair is two different hosts.');
    else if (host === undefined) {
      const free = [...hosts.keys()].filter((one) => !names.includes(one));
      wrong(`there is no host "${name}".${didYouMean(name, free)}`);
    } else if (host.retired) wrong(`host ${name} is retired.`, 'Name the host that takes its place.');
    else if (network !== undefined && host.addresses.size > 0 && !host.addresses.has(network.name)) {
      wrong(`host ${name} has no address in network ${network.name}, where the VIP lives.`);
    }
  }
  const [first, second] = names;
  return typeof first === 'string' && typeof second === 'string' && names.length === 2 ? [first, second] : undefined;
}
