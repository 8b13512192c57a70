import { formatAddress } from '../model/address.ts';
import type { Place } from '../model/diagnostic.ts';
import type { Host, RoleAssignment, Setting, SshSettings } from '../model/farm.ts';
import { type Checking, report } from './checking.ts';
import { type Connection, type ConnectionLevel, connectionLevel, stackConnection } from './connection.ts';
import { type HostEntry, readAddresses, type Taken, takeAddresses, takeName } from './host-addresses.ts';
import { isMap } from './merge.ts';
import { expandHostNames } from './names.ts';
import { type CheckedNetwork, writtenAddress } from './networks.ts';
import { keyPlace } from './origin.ts';
import { reportUnused, type TierVariables } from './variables.ts';

/** What the hosts of a tier have in common. */
export interface TierFrame {
  readonly name: string;
  readonly roles: readonly RoleAssignment[];
  readonly variables: TierVariables;
  /** Of the farm and of the tier. */
  readonly connections: readonly ConnectionLevel[];
  readonly os: string;
  readonly home: string | undefined;
  /** Shared by the hosts that add nothing of their own; made when the first of them comes. */
  plain?: HostValues;
}

/** What a host's roles are told, and how it is reached. */
interface HostValues {
  readonly settings: ReadonlyMap<string, ReadonlyMap<string, readonly Setting[]>>;
  readonly variables: ReadonlyMap<string, Readonly<Record<string, unknown>>>;
  readonly connection: Connection;
}

/** The hosts of one entry of `hosts`: one, or as many as its range counts. */
export function readHostEntry(
  checking: Checking,
  networks: ReadonlyMap<string, CheckedNetwork>,
  tier: TierFrame,
  taken: Taken,
  map: Record<string, unknown>,
  key: string,
): Host[] {
  const expanded = expandHostNames(key);
  if ('reason' in expanded) {
    const hint = expanded.hint === undefined ? {} : { hint: expanded.hint };
    const detail = `The host name "${key}" ${expanded.reason}.`;
    report(checking, 'inventory/bad-name', 'Wrong name', detail, { key: [map, key] }, hint);
  }
  const written = map[key];
  if (!isMap(written)) return [];
  const entry: HostEntry = { tier: tier.name, map, key, written };
  const addresses = readAddresses(checking, networks, entry);
  const values = entryValues(checking, tier, entry);
  const names = 'names' in expanded ? expanded.names : [];
  if (names.length > 1) checkSharedAddress(checking, entry);
  const at: Place = keyPlace(map, key) ?? { file: '', line: 1, column: 1 };
  const { retired, os } = written;
  const hosts: Host[] = [];
  for (const [index, name] of names.entries()) {
    if (!takeName(checking, taken, entry, name)) continue;
    hosts.push({
      name,
      tier: tier.name,
      addresses: takeAddresses(checking, taken, entry, addresses, name, index),
      roles: tier.roles,
      settings: values.settings,
      variables: values.variables,
      ssh: countAlong(values.connection.ssh, index),
      become: values.connection.become,
      retired: retired === true,
      os: typeof os === 'string' ? os : tier.os,
      at,
    });
  }
  return hosts;
}

/** The values of an entry's hosts; those of the tier where the entry says nothing of its own. */
function entryValues(checking: Checking, tier: TierFrame, { written, key }: HostEntry): HostValues {
  const names = Object.keys(written);
  const hasOwn = names.some((name) => name === 'ssh' || name === 'become' || checking.roles.has(name));
  if (!hasOwn) {
    tier.plain ??= makeValues(tier, {});
    return tier.plain;
  }
  const present = new Set(tier.roles.map((one) => one.role));
  reportUnused(checking, present, written, `host ${key} does not have it`);
  return makeValues(tier, written);
}

function makeValues(tier: TierFrame, written: Record<string, unknown>): HostValues {
  const settings = new Map<string, ReadonlyMap<string, readonly Setting[]>>();
  const variables = new Map<string, Readonly<Record<string, unknown>>>();
  for (const assignment of tier.roles) {
    if (variables.has(assignment.role)) continue;
    const own = written[assignment.role];
    const values = tier.variables.forHost(assignment, isMap(own) ? own : undefined);
    settings.set(assignment.role, values.settings);
    variables.set(assignment.role, values.variables);
  }
  const connection = stackConnection([...tier.connections, connectionLevel('host', written, tier.home)]);
  settings.set('ssh', connection.sshSettings);
  settings.set('become', connection.becomeSettings);
  return { settings, variables, connection };
}

/** `ssh.address` of a range counts along like the addresses do, so it must be one that can be counted. */
function checkSharedAddress(checking: Checking, { written, key }: HostEntry): void {
  const { ssh } = written;
  if (!isMap(ssh) || typeof ssh['address'] !== 'string' || writtenAddress(ssh['address']) !== undefined) return;
  const detail = `All hosts of ${key} would be reached at "${ssh['address']}".`;
  const hint = 'Write an IPv4 address, which counts along, or write the hosts one by one.';
  report(checking, 'inventory/wrong-value', 'Wrong value', detail, { value: [ssh, 'address'] }, { hint });
}

function countAlong(ssh: SshSettings, index: number): SshSettings {
  const first = index === 0 ? undefined : writtenAddress(ssh.address);
  return first === undefined ? ssh : { ...ssh, address: formatAddress(first + index) };
}
