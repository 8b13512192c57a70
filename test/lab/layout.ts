import { parseCidr } from '../../src/model/address.ts';
import { FarmError, problem } from '../../src/model/diagnostic.ts';
import type { Farm, Host } from '../../src/model/farm.ts';
import { freeAddress } from './address.ts';
import type { ChosenKinds, HostKind, LabAddress, LabHost, LabLayout, LabNetwork } from './host.ts';
import { needsOwnKernel } from './own-kernel.ts';

const SSH_PORT = 22;

function refused(detail: string, hint: string): FarmError {
  return new FarmError(problem('lab/inventory', 'An inventory that the lab cannot build', detail, { hint }));
}

/** @returns the length of a network's prefix */
function prefixOf(cidr: string): number {
  const parsed = parseCidr(cidr);
  if ('reason' in parsed) throw refused(`The network ${cidr} ${parsed.reason}.`, 'Correct it in the inventory.');
  return parsed.value.prefix;
}

/**
 * What the lab makes of a farm: a bridge for every network, a VM for every host with a role that needs a kernel of its
 * own and a container for every other; retired ones included, for an apply still has to reach them.
 * @param kinds what is chosen otherwise
 * @throws FarmError lab/inventory
 */
export function layoutOf(farm: Farm, kinds: ChosenKinds = {}): LabLayout {
  for (const name of [...(kinds.vm ?? []), ...(kinds.container ?? [])]) {
    if (farm.hosts.has(name)) continue;
    throw refused(`It has no host "${name}".`, `Its hosts are ${[...farm.hosts.keys()].join(', ')}.`);
  }
  const hosts = [...farm.hosts.values()].map((host) => labHost(farm, host, kindOf(host, kinds)));
  const taken = new Set(hosts.flatMap((host) => host.addresses.map((one) => one.address)));
  for (const vip of farm.vips.values()) taken.add(vip.address);
  const networks = [...farm.networks.values()].map((network): LabNetwork => {
    const address = freeAddress(network.cidr, taken);
    if (address === undefined) {
      throw refused(
        `Network ${network.name} (${network.cidr}) has no free address, and the lab needs one for itself.`,
        'Give it a shorter prefix.',
      );
    }
    return { name: network.name, cidr: network.cidr, address, prefix: prefixOf(network.cidr) };
  });
  return { networks, hosts };
}

function kindOf(host: Host, kinds: ChosenKinds): HostKind {
  if (kinds.container?.includes(host.name)) return 'container';
  return kinds.vm?.includes(host.name) || needsOwnKernel(host) ? 'vm' : 'container';
}

function labHost(farm: Farm, host: Host, kind: HostKind): LabHost {
  const addresses: LabAddress[] = [];
  for (const [name, address] of host.addresses) {
    const network = farm.networks.get(name);
    if (network === undefined) continue;
    if (!/^[A-Za-z][A-Za-z0-9_-]{0,14}$/.test(network.device)) {
      throw refused(
        `The lab cannot make the device "${network.device}" of network ${name}.`,
        'It makes plain Ethernet devices with names of at most 15 letters, digits, _ and -.',
      );
    }
    const rival = addresses.find((one) => one.device === network.device);
    if (rival !== undefined) {
      throw refused(
        `Host ${host.name} has the networks ${rival.network} and ${name} on one device, ${network.device}.`,
        'The lab makes a device for each network: give them two names.',
      );
    }
    addresses.push({ network: name, address, prefix: prefixOf(network.cidr), device: network.device });
  }
  if (addresses.length === 0) {
    throw refused(`Host ${host.name} has no address in a network of the inventory.`, 'Give it one.');
  }
  const byNetwork = addresses.map((one) => `${host.name}.${one.network}`);
  return {
    name: host.name,
    kind,
    os: host.os,
    aliases: [`${host.name}.${farm.domain}`, ...byNetwork],
    addresses,
    sshPort: host.ssh.port ?? SSH_PORT,
  };
}
