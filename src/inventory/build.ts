import { problem } from '../model/diagnostic.ts';
import type { Farm, Host, Tier } from '../model/farm.ts';
import { readRoles } from './assignments.ts';
import { type Checking, report } from './checking.ts';
import { connectionLevel } from './connection.ts';
import type { Taken } from './host-addresses.ts';
import { readHostEntry, type TierFrame } from './hosts.ts';
import { isMap } from './merge.ts';
import { nameMistake } from './names.ts';
import { type CheckedNetwork, readNetworks } from './networks.ts';
import { keyPlace } from './origin.ts';
import type { LevelMap } from './settings.ts';
import { reportUnused, tierVariables } from './variables.ts';
import { readVips } from './vips.ts';

/** What comes from beside the document. */
export interface BuildOptions {
  readonly options: ReadonlyMap<string, LevelMap>;
  readonly brokenRoles: ReadonlySet<string>;
  /** What `~` stands for in paths. */
  readonly home: string | undefined;
  /** False: variables are taken as they are written. */
  readonly checksValues: boolean;
}

/**
 * Makes the farm from a document whose types the schema has checked. Parts that are wrong are passed over, so that what
 * is wrong elsewhere is found in the same go; the farm is of use only where no error was reported.
 */
export function buildFarm(checking: Checking, options: BuildOptions): Farm {
  const { document } = checking;
  const networks = readNetworks(checking);
  const tiers = new Map<string, Tier>();
  const hosts = new Map<string, Host>();
  const taken: Taken = { hosts: new Map(), addresses: new Map() };
  const outer = {
    farm: isMap(document['variables']) ? document['variables'] : {},
    options: options.options,
    brokenRoles: options.brokenRoles,
    checksValues: options.checksValues,
  };
  const farmConnection = connectionLevel('farm', document, options.home);
  const os = text(document['os']);
  const written = isMap(document['tiers']) ? document['tiers'] : {};
  const present = new Set<string>();
  for (const [name, entry] of Object.entries(written)) {
    checkTierName(checking, written, name);
    if (!isMap(entry)) continue;
    const { roles, variables } = readRoles(checking, name, entry['roles']);
    for (const one of roles) present.add(one.role);
    const maps = [...variables];
    for (const [role, map] of Object.entries(isMap(entry['variables']) ? entry['variables'] : {})) {
      if (isMap(map)) maps.push({ role, written: map });
    }
    const tierRoles = new Set(roles.map((one) => one.role));
    reportUnused(checking, tierRoles, entry['variables'], `tier ${name} does not have it`);
    const frame: TierFrame = {
      name,
      roles,
      variables: tierVariables(checking, outer, name, maps),
      connections: [farmConnection, connectionLevel('tier', entry, options.home)],
      os: text(entry['os']) || os,
      home: options.home,
    };
    const own = readHosts(checking, networks, frame, taken, entry['hosts']);
    for (const host of own) hosts.set(host.name, host);
    const at = keyPlace(written, name) ?? { file: '', line: 1, column: 1 };
    tiers.set(name, { name, roles, hosts: own.map((host) => host.name), at });
  }
  reportUnused(checking, present, document['variables'], 'no tier has it');
  for (const [role, { written }] of options.options) {
    if (present.has(role)) continue;
    const detail = `-e ${role}.${Object.keys(written).join(`, ${role}.`)}: no tier has role ${role}.`;
    checking.diagnostics.push(problem('variables/unused', 'Variables without effect', detail, { severity: 'warning' }));
  }
  const vips = readVips(checking, networks, hosts, taken);
  return {
    name: text(document['farm']),
    domain: text(document['domain']),
    os,
    networks: new Map([...networks].map(([name, { cidr, device }]) => [name, { name, cidr, device }])),
    vips,
    tiers,
    hosts,
  };
}

function readHosts(
  checking: Checking,
  networks: ReadonlyMap<string, CheckedNetwork>,
  frame: TierFrame,
  taken: Taken,
  map: unknown,
): Host[] {
  if (!isMap(map)) return [];
  const hosts: Host[] = [];
  const withoutOs: string[] = [];
  for (const key of Object.keys(map)) {
    const found = readHostEntry(checking, networks, frame, taken, map, key);
    for (const host of found) hosts.push(host);
    const entry = map[key];
    if (frame.os === '' && isMap(entry) && entry['os'] === undefined) withoutOs.push(key);
  }
  const [first] = withoutOs;
  if (first !== undefined) {
    const detail = `Host ${first} in tier ${frame.name} has no "os", and neither has its tier or the farm.`;
    const hint = 'Write os: debian-12 at the top of the inventory.';
    report(checking, 'inventory/missing-key', 'Missing key', detail, { key: [map, first] }, { hint });
  }
  return hosts;
}

function checkTierName(checking: Checking, written: object, name: string): void {
  const wrong = nameMistake(name);
  if (wrong === undefined) return;
  const hint = wrong.hint === undefined ? {} : { hint: wrong.hint };
  report(
    checking,
    'inventory/bad-name',
    'Wrong name',
    `The tier name "${name}" ${wrong.reason}.`,
    { key: [written, name] },
    hint,
  );
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
