import { parseSerial } from './serial.ts';

export type RecordType = 'A' | 'CNAME' | 'MX' | 'NS' | 'PTR' | 'SRV' | 'TXT';

/** One resource record. */
export interface ZoneRecord {
  /** Absolute, in small letters, with the dot at its end. */
  readonly owner: string;
  /** Seconds. */
  readonly ttl: number;
  readonly type: RecordType;
  /** As `named-compilezone -s full` prints it. */
  readonly data: string;
}

/** What the SOA record holds besides the serial. Times in seconds. */
export interface Authority {
  /** Absolute names. */
  readonly primary: string;
  readonly hostmaster: string;
  readonly refresh: number;
  readonly retry: number;
  readonly expire: number;
  readonly minimum: number;
}

/** A zone's records and their authority, without a serial. */
export interface Zone {
  /** Without the dot at its end. */
  readonly name: string;
  readonly ttl: number;
  readonly authority: Authority;
  readonly records: readonly ZoneRecord[];
}

const HEAD = '; Managed by farmctl: what is changed here is lost at the next apply.\n';
const SOA = /^(\S+ +\d+ +IN +SOA +\S+ +\S+ +)(\d+)( .*)$/m;

/** A record of any type, as it is sorted. */
type Line = Pick<ZoneRecord, 'owner' | 'data'> & { readonly type: string };

function apexFirst(name: string): (a: Line, b: Line) => number {
  const rank = ({ owner, type }: Line) => (owner === `${name}.` ? (type === 'NS' ? 0 : 1) : 2);
  // By labels from the right, numbers by value: a network's addresses stand in their order.
  const key = ({ owner }: Line) =>
    owner
      .split('.')
      .reverse()
      .map((label) => label.replaceAll(/\d+/g, (digits) => digits.padStart(10, '0')))
      .join(' ');
  return (a, b) => rank(a) - rank(b) || compare(key(a), key(b)) || compare(a.type, b.type) || compare(a.data, b.data);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** The zone file in farmctl's normal form: one record a line, all names absolute, serial 0. */
export function zoneText(zone: Zone): string {
  const { authority, ttl } = zone;
  const { primary, hostmaster, refresh, retry, expire, minimum } = authority;
  const lines = [...zone.records]
    .sort(apexFirst(zone.name))
    .map((one) => `${one.owner} ${one.ttl} IN ${one.type} ${one.data}`);
  const soa = `${zone.name}. ${ttl} IN SOA ${primary} ${hostmaster} 0 ${refresh} ${retry} ${expire} ${minimum}`;
  return `${HEAD}${[soa, ...lines].join('\n')}\n`;
}

/** What `named-compilezone -F text -s full` prints, written and sorted as the normal form is, so that they compare. */
export function readable(compiled: string, name: string): string {
  const lines = compiled.split('\n').flatMap((line) => {
    const match = RECORD.exec(line);
    if (match === null) return [];
    const [, owner = '', ttl = '', type = '', data = ''] = match;
    return [{ owner: owner.toLowerCase(), ttl, type, data }];
  });
  const isAuthority = ({ type }: Line) => type === 'SOA';
  const rest = lines.filter((one) => !isAuthority(one)).sort(apexFirst(name));
  return [...lines.filter(isAuthority), ...rest]
    .map(({ owner, ttl, type, data }) => `${owner} ${ttl} IN ${type} ${data}\n`)
    .join('');
}

/** The same text with that serial in its SOA record. */
export function withSerial(text: string, serial: number): string {
  return text.replace(SOA, (_line, before: string, _old: string, after: string) => `${before}${serial}${after}`);
}

/** Records in a form that can be compared, and the serial of the SOA record. */
export interface Canonical {
  /** Sorted; the SOA record without its serial. */
  readonly records: readonly string[];
  readonly serial: number | undefined;
}

/** One record a line, as both forms have it. */
const RECORD = /^([^\s;]\S*)\s+(\d+)\s+IN\s+(\S+)\s+(.*\S)\s*$/;
const WITH_NAMES: readonly string[] = ['CNAME', 'MX', 'NS', 'PTR', 'SOA', 'SRV'];

/** Reads farmctl's normal form, or what `named-compilezone -F text -s full` prints. */
export function canonical(text: string): Canonical {
  const records = new Set<string>();
  let serial: number | undefined;
  for (const line of text.split('\n')) {
    const match = RECORD.exec(line);
    if (match === null) continue;
    const [, owner = '', ttl = '', type = '', found = ''] = match;
    let data = WITH_NAMES.includes(type) ? found.toLowerCase().replaceAll(/\s+/g, ' ') : found;
    if (type === 'SOA') {
      const words = data.split(' ');
      serial = parseSerial(words[2] ?? '');
      data = words.toSpliced(2, 1).join(' ');
    }
    records.add(`${owner.toLowerCase()} ${Number(ttl)} ${type} ${data}`);
  }
  return { records: [...records].sort(), serial };
}

/** True if both hold the same records, whatever their order and serial. */
export function hasSameRecords(a: Canonical, b: Canonical): boolean {
  return a.records.length === b.records.length && a.records.every((one, index) => one === b.records[index]);
}

/** A text as the strings of a TXT record: up to 255 bytes each, what is not printable ASCII as \DDD. */
export function txtData(value: string): string {
  const strings: string[] = [];
  let current = '';
  let size = 0;
  for (const byte of new TextEncoder().encode(value)) {
    if (size === 255) {
      strings.push(current);
      current = '';
      size = 0;
    }
    const character = String.fromCharCode(byte);
    if (byte < 32 || byte > 126) current += `\\${String(byte).padStart(3, '0')}`;
    else current += character === '"' || character === '\\' ? `\\${character}` : character;
    size++;
  }
  strings.push(current);
  return strings.map((one) => `"${one}"`).join(' ');
}
