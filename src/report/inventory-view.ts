import type { Farm, Host, RoleAssignment } from '../model/farm.ts';
import { toJson } from './json.ts';
import type { Style } from './style.ts';
import { columns, count } from './text.ts';

export interface InventoryView {
  readonly farm: Farm;
  /** The selected hosts; tiers without one are left out. */
  readonly hosts: readonly string[];
  /** Full names of the parts that a host has. */
  readonly partsOf: (host: string) => readonly string[];
}

/** The farm as a tree: networks, virtual addresses, tiers with their roles, hosts with their addresses. */
export function renderInventory({ farm, hosts, partsOf }: InventoryView, style: Style): string {
  const tiers = [...Map.groupBy(selected(farm, hosts), (host) => host.tier)];
  const sum = `${count(hosts.length, 'host')} in ${count(tiers.length, 'tier')}`;
  const lines = [`${style.bold(farm.name)}  ${farm.domain}, ${farm.os}: ${sum}`];
  const sections = [
    section('networks', columns([...farm.networks.values()].map(({ name, cidr, device }) => [name, cidr, device]))),
    section(
      'virtual addresses',
      columns([...farm.vips.values()].map((vip) => [vip.name, vip.address, vip.pair.join(', ')])),
    ),
    ...tiers.map(([name, ofTier]) => tierSection(name, ofTier, farm, partsOf, style)),
  ].filter((one) => one !== undefined);
  for (const [index, { title, entries }] of sections.entries()) {
    const isLast = index === sections.length - 1;
    lines.push(`${isLast ? '└─' : '├─'} ${title}`);
    const stem = isLast ? '   ' : '│  ';
    lines.push(...entries.map((entry, at) => `${stem}${at === entries.length - 1 ? '└─' : '├─'} ${entry}`));
  }
  return `${lines.join('\n')}\n`;
}

interface Section {
  readonly title: string;
  readonly entries: readonly string[];
}

function section(title: string, entries: readonly string[]): Section | undefined {
  return entries.length === 0 ? undefined : { title, entries };
}

function tierSection(
  name: string,
  hosts: readonly Host[],
  farm: Farm,
  partsOf: InventoryView['partsOf'],
  style: Style,
): Section {
  const roles = farm.tiers.get(name)?.roles ?? [];
  const listed = roles.map(assignmentName);
  const rows = hosts.map((host) => {
    const addresses = [...host.addresses].map(([network, address]) => `${network} ${address}`).join('  ');
    // Only where the role decided the side itself, or the host has roles of its own, is there something new to say.
    const parts = partsOf(host.name).filter((part) => !listed.includes(part));
    return [host.name, addresses, [...parts, ...(host.retired ? ['retired'] : [])].join(', ')];
  });
  const title = `${style.bold(name)} (${count(hosts.length, 'host')})  ${style.cyan(listed.join(', '))}`;
  return { title, entries: columns(rows) };
}

const assignmentName = ({ role, part }: RoleAssignment) => part ?? role;

function selected(farm: Farm, hosts: readonly string[]): readonly Host[] {
  const wanted = new Set(hosts);
  return [...farm.hosts.values()].filter((host) => wanted.has(host.name));
}

/** The farm as JSON, secrets masked. */
export function inventoryJson({ farm, hosts, partsOf }: InventoryView): string {
  return toJson({
    kind: 'inventory',
    formatVersion: 1,
    farm: farm.name,
    domain: farm.domain,
    os: farm.os,
    networks: farm.networks,
    vips: [...farm.vips.values()].map(({ at: _, ...vip }) => vip),
    tiers: [...farm.tiers.values()].map((tier) => ({
      name: tier.name,
      roles: tier.roles.map(assignmentName),
      hosts: tier.hosts,
    })),
    hosts: selected(farm, hosts).map((host) => ({
      name: host.name,
      tier: host.tier,
      os: host.os,
      addresses: host.addresses,
      parts: partsOf(host.name),
      variables: host.variables,
      ssh: host.ssh,
      become: host.become,
      retired: host.retired,
    })),
  });
}
