import { type Cidr, contains, formatAddress, parseAddress, parseCidr, reservedAddress } from '../model/address.ts';
import type { Network } from '../model/farm.ts';
import type { RoleDeclarations } from '../model/role-declaration.ts';
import { alsoAt, type Checking, report, type Where } from './checking.ts';
import { isMap } from './merge.ts';
import { nameMistake } from './names.ts';

/** A network with its numbers, for checks. */
export interface CheckedNetwork extends Network {
  readonly range: Cidr;
}

/** The words of a host's entry that are neither networks nor roles. */
export const HOST_KEYS: readonly string[] = ['ssh', 'become', 'retired', 'os'];

/** The networks that are right in themselves; overlaps and unusable names are reported. */
export function readNetworks(checking: Checking): ReadonlyMap<string, CheckedNetwork> {
  const { networks: written } = checking.document;
  const networks = new Map<string, CheckedNetwork>();
  if (!isMap(written)) return networks;
  for (const [name, entry] of Object.entries(written)) {
    checkName(checking, name, { key: [written, name] }, checking.roles);
    if (!isMap(entry) || typeof entry['cidr'] !== 'string') continue;
    const { cidr, device } = entry;
    const range = parseCidr(cidr);
    if ('reason' in range) continue;
    networks.set(name, { name, cidr, device: typeof device === 'string' ? device : '', range: range.value });
  }
  const sorted = [...networks.values()].sort((a, b) => a.range.base - b.range.base);
  for (const [index, network] of sorted.entries()) {
    const before = sorted[index - 1];
    if (before === undefined || before.range.last < network.range.base) continue;
    const keys = Object.keys(written);
    const [first, second] = [before.name, network.name].sort((a, b) => keys.indexOf(a) - keys.indexOf(b));
    if (first === undefined || second === undefined) continue;
    const detail = `Networks ${before.name} (${before.cidr}) and ${network.name} (${network.cidr}) have addresses in common.`;
    const hint = 'Every address of the farm must be in one network only.';
    const rest = { hint, ...alsoAt('the other network', written, first) };
    report(
      checking,
      'inventory/overlapping-networks',
      'Overlapping networks',
      detail,
      { key: [written, second] },
      rest,
    );
  }
  return networks;
}

function checkName(checking: Checking, name: string, where: Where, roles: RoleDeclarations): void {
  const wrong = nameMistake(name);
  if (wrong !== undefined) {
    const hint = wrong.hint === undefined ? {} : { hint: wrong.hint };
    report(checking, 'inventory/bad-name', 'Wrong name', `The network name "${name}" ${wrong.reason}.`, where, hint);
  } else if (HOST_KEYS.includes(name) || roles.has(name)) {
    const other = roles.has(name) ? 'a role' : 'a setting of a host';
    const detail = `The network "${name}" has the name of ${other}: a host's entry could mean either.`;
    report(checking, 'inventory/bad-name', 'Wrong name', detail, where, { hint: 'Give the network another name.' });
  }
}

/** Why an address cannot be used in a network, or undefined: a sentence, and what to do. */
export function addressMistake(
  network: CheckedNetwork,
  address: number,
): { detail: string; hint?: string } | undefined {
  const text = formatAddress(address);
  const { base, last } = network.range;
  if (!contains(network.range, address)) {
    const hint = `Its addresses go from ${formatAddress(base + 1)} to ${formatAddress(last - 1)}.`;
    const detail = `the address ${text} is outside of network ${network.name} (${network.cidr}).`;
    return network.range.prefix > 30 ? { detail } : { detail, hint };
  }
  const reserved = reservedAddress(network.range, address);
  if (reserved === undefined) return undefined;
  return { detail: `${text} is the ${reserved} address of network ${network.name} (${network.cidr}).` };
}

/** The number of a written address, if it is one: what is wrong with it the schema has reported. */
export function writtenAddress(value: unknown): number | undefined {
  if (typeof value !== 'string') return undefined;
  const parsed = parseAddress(value);
  return 'value' in parsed ? parsed.value : undefined;
}
