import type { FarmView, HostView } from 'farmctl';
import { hostNameMistake, reverseName, reverseZone } from './names.ts';
import { checkRecords, type Refuse, readRecords } from './records.ts';
import type { Variables } from './variables.ts';
import type { Authority, Zone, ZoneRecord } from './zone-text.ts';

/** The variables that records come from: a refusal points at one of them, or at what lies inside it. */
export type Refusals = (variable: 'records' | 'zones' | 'soa', ...inside: readonly (string | number)[]) => Refuse;

/** Everything of the farm that has an address, by its name within the farm's domain. */
function names(farm: FarmView): { readonly name: string; readonly address: string; readonly prefix: number }[] {
  const found = [];
  const prefix = (cidr: string) => Number(cidr.split('/')[1]);
  for (const host of farm.allHosts)
    for (const [index, { network, address }] of host.addresses.entries()) {
      // An underscore, which the name of a network may have, is none of a host name.
      const name = index === 0 ? host.name : `${host.name}.${network.name.replaceAll('_', '-')}`;
      found.push({ name, address, prefix: prefix(network.cidr) });
    }
  for (const { name, address, network } of farm.vips)
    found.push({ name: name.replaceAll('_', '-'), address, prefix: prefix(farm.network(network).cidr) });
  return found;
}

function authorityOf(farm: FarmView, { soa }: Variables, primary: HostView, refuse: Refuse): Authority {
  const { hostmaster, ...times } = soa;
  const [user = '', domain = farm.domain] = hostmaster.split('@');
  const mailbox = `${user.replaceAll('.', '\\.')}.${domain}.`.toLowerCase();
  const mistake = hostNameMistake(mailbox.replaceAll('\\.', '-').replaceAll(/[_+]/g, '-'));
  if (mistake !== undefined) refuse(`The hostmaster "${hostmaster}" ${mistake}.`, 'Write it as a mail address.');
  return { primary: `${primary.fqdn}.`, hostmaster: mailbox, ...times };
}

/**
 * All zones of the farm, sorted by name: its own, the reverse ones of its networks where something has an address, and
 * those that the variables add. Name servers are all hosts with the role.
 */
export function farmZones(
  farm: FarmView,
  variables: Variables,
  primary: HostView,
  servers: readonly HostView[],
  refusals: Refusals,
): readonly Zone[] {
  const { ttl } = variables;
  const authority = authorityOf(farm, variables, primary, refusals('soa', 'hostmaster'));
  const all = names(farm);
  const zones: Zone[] = [];
  const make = (name: string, records: readonly ZoneRecord[], refuse: Refuse, zoneTtl = ttl): void => {
    if (zones.some((one) => one.name === name)) refuse(`The zone ${name} is there twice.`);
    const own = servers.map(
      (one): ZoneRecord => ({ owner: `${name}.`, ttl: zoneTtl, type: 'NS', data: `${one.fqdn}.` }),
    );
    const whole = [...own, ...records];
    checkRecords(name, whole, refuse);
    zones.push({ name, ttl: zoneTtl, authority, records: whole });
  };

  const addresses = all.map(
    ({ name, address }): ZoneRecord => ({ owner: `${name}.${farm.domain}.`, ttl, type: 'A', data: address }),
  );
  make(
    farm.domain,
    [...addresses, ...readRecords(farm.domain, ttl, variables.records, (index) => refusals('records', index))],
    refusals('records'),
  );
  for (const [name, inside] of Map.groupBy(all, (one) => reverseZone(one.address, one.prefix))) {
    const pointers = inside.map(
      ({ address, name: target }): ZoneRecord => ({
        owner: reverseName(address),
        ttl,
        type: 'PTR',
        data: `${target}.${farm.domain}.`,
      }),
    );
    make(name, pointers, refusals('records'));
  }
  for (const [index, one] of variables.zones.entries()) {
    const name = one.name.toLowerCase();
    const zoneTtl = one.ttl ?? ttl;
    const mistake = hostNameMistake(name);
    if (mistake !== undefined) refusals('zones', index, 'name')(`The zone "${one.name}" ${mistake}.`);
    const records = readRecords(name, zoneTtl, one.records, (number) => refusals('zones', index, 'records', number));
    make(name, records, refusals('zones', index), zoneTtl);
  }
  return zones.sort((a, b) => (a.name < b.name ? -1 : 1));
}
