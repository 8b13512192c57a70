import { type Static, t } from 'farmctl';
import { absoluteName, hostNameMistake, isInZone, ownerNameMistake } from './names.ts';
import { type RecordType, txtData, type ZoneRecord } from './zone-text.ts';

/** One record as it is written in the inventory. */
export const recordSchema = t.object(
  {
    name: t.string({
      minLength: 1,
      description:
        'The name it belongs to: within the zone, or absolute with a dot at its end. `@` is the zone itself.',
    }),
    type: t.enum(['A', 'CNAME', 'MX', 'NS', 'SRV', 'TXT'], { description: 'What kind of record it is.' }),
    value: t.string({
      description:
        'An IPv4 address (A), a text (TXT), else a host name: within the zone, or absolute with a dot at its end.',
    }),
    ttl: t.optional(
      t.integer({ minimum: 0, maximum: 2_147_483_647, description: 'Seconds; that of the zone if absent.' }),
    ),
    priority: t.optional(t.integer({ minimum: 0, maximum: 65_535, description: 'Of MX (10) and SRV (0).' })),
    weight: t.optional(t.integer({ minimum: 0, maximum: 65_535, description: 'Of SRV (0).' })),
    port: t.optional(t.integer({ minimum: 0, maximum: 65_535, description: 'Of SRV, where it is needed.' })),
  },
  { description: 'A record of a zone.' },
);

export type WrittenRecord = Static<typeof recordSchema>;

/** Tells the user what is wrong; never returns. */
export type Refuse = (detail: string, hint?: string) => never;

const ADDRESS = /^((25[0-5]|2[0-4]\d|1?\d?\d)(\.(?!$)|$)){4}$/;

/** True for an IPv4 address without leading zeros. */
export function isAddress(text: string): boolean {
  return ADDRESS.test(text) && text.split('.').every((octet) => String(Number(octet)) === octet);
}

/**
 * The records of a zone as its file holds them. Refuses names and values that the zone could not be loaded with, each at
 * its index.
 */
export function readRecords(
  zone: string,
  ttl: number,
  written: readonly WrittenRecord[],
  refuseAt: (index: number) => Refuse,
): ZoneRecord[] {
  return written.map((one, index) => {
    const refuse = refuseAt(index);
    const owner = readOwner(zone, one, refuse);
    return { owner, ttl: one.ttl ?? ttl, type: one.type, data: readData(zone, one, refuse) };
  });
}

function readOwner(zone: string, { name, type }: WrittenRecord, refuse: Refuse): string {
  const owner = absoluteName(name, zone);
  const bare = owner.startsWith('*.') ? owner.slice(2) : owner;
  const mistake = ['SRV', 'TXT', 'CNAME'].includes(type) ? ownerNameMistake(bare) : hostNameMistake(bare);
  if (mistake !== undefined) return refuse(`The name "${name}" of the ${type} record ${mistake}.`);
  if (!isInZone(owner, zone))
    return refuse(
      `The ${type} record "${name}" does not lie in the zone ${zone}.`,
      'Leave the dot at its end out for a name within the zone, or give it a zone of its own in "zones".',
    );
  return owner;
}

function readData(zone: string, record: WrittenRecord, refuse: Refuse): string {
  const { name, type, value, priority, weight, port } = record;
  const stray = (['priority', 'weight', 'port'] as const).find(
    (key) => record[key] !== undefined && type !== 'SRV' && !(type === 'MX' && key === 'priority'),
  );
  if (stray !== undefined) return refuse(`The ${type} record "${name}" has a ${stray}, which it cannot have.`);
  if (type === 'TXT') {
    if (value === '') return refuse(`The TXT record "${name}" is empty.`);
    return txtData(value);
  }
  if (type === 'A') {
    if (isAddress(value)) return value;
    const hint = value.includes(':') ? 'IPv6 addresses are not supported yet.' : undefined;
    return refuse(`The value "${value}" of the A record "${name}" is no IPv4 address.`, hint);
  }
  const target = absoluteName(value, zone);
  const mistake = hostNameMistake(target);
  if (mistake !== undefined) return refuse(`The value "${value}" of the ${type} record "${name}" ${mistake}.`);
  switch (type) {
    case 'MX':
      return `${priority ?? 10} ${target}`;
    case 'SRV':
      if (port === undefined) return refuse(`The SRV record "${name}" has no port.`);
      return `${priority ?? 0} ${weight ?? 0} ${port} ${target}`;
    default:
      return target;
  }
}

const POINTING: readonly RecordType[] = ['CNAME', 'MX', 'NS', 'SRV'];

/** Refuses what a zone must not hold, all records taken together. */
export function checkRecords(zone: string, records: readonly ZoneRecord[], refuse: Refuse): void {
  const owners = Map.groupBy(records, (one) => one.owner);
  for (const [owner, own] of owners) {
    const alias = own.find((one) => one.type === 'CNAME');
    if (alias !== undefined && (own.length > 1 || owner === `${zone}.`))
      refuse(
        `${owner} has a CNAME record and others beside it in the zone ${zone}.`,
        'A CNAME record stands alone: give the name another record, or take the others away.',
      );
    for (const [type, set] of Map.groupBy(own, (one) => one.type)) {
      const twice = set.find((one, index) => set.findIndex((other) => other.data === one.data) < index);
      if (twice !== undefined) refuse(`${owner} has the ${type} record ${twice.data} twice in the zone ${zone}.`);
      if (set.some((one) => one.ttl !== set[0]?.ttl))
        refuse(
          `${owner} has ${type} records with different TTLs in the zone ${zone}.`,
          'All records of a name and type have one TTL.',
        );
    }
  }
  for (const { owner, type, data } of records) {
    if (!POINTING.includes(type)) continue;
    const target = data.split(' ').at(-1) ?? '';
    if (!isInZone(target, zone) || isDelegated(target, zone, owners)) continue;
    const found = owners.get(target) ?? wildcard(target, owners);
    if (found === undefined)
      refuse(
        `The ${type} record of ${owner} points to ${target}, which the zone does not have.`,
        'A name without a dot at its end lies within the zone: write the dot if it is meant to be absolute.',
      );
    else if (type !== 'CNAME' && !found.some((one) => one.type === 'A'))
      refuse(
        `The ${type} record of ${owner} points to ${target}, which has no address.`,
        'Point it to a name that has an A record.',
      );
  }
}

function parents(name: string): string[] {
  const labels = name.split('.');
  return labels.map((_, index) => labels.slice(index).join('.'));
}

function wildcard(
  target: string,
  owners: ReadonlyMap<string, readonly ZoneRecord[]>,
): readonly ZoneRecord[] | undefined {
  for (const parent of parents(target).slice(1)) {
    const found = owners.get(`*.${parent}`);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** True if another server answers for the name: an NS record stands between it and the zone. */
function isDelegated(target: string, zone: string, owners: ReadonlyMap<string, readonly ZoneRecord[]>): boolean {
  return parents(target).some(
    (name) =>
      name !== `${zone}.` && isInZone(name, zone) && owners.get(name)?.some((one) => one.type === 'NS') === true,
  );
}
