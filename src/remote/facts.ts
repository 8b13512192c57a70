import type { Facts } from '../model/facts.ts';
import { Script } from './sh.ts';

/** Prints the fields that an inventory is held against: the system and its addresses. */
export const SYSTEM_SCRIPT = new Script(String.raw`ID= VERSION_ID=
while IFS='=' read -r k v; do
  v=${'${v#\\"}'} v=${'${v%\\"}'}
  case $k in ID) ID=$v ;; VERSION_ID) VERSION_ID=$v ;; esac
done </etc/os-release
field os "$ID-$VERSION_ID"
field addresses "$(ip -4 -o address show 2>/dev/null)"`);

/** Prints all fields: what the host says of itself. */
export const FACTS_SCRIPT = new Script(String.raw`${SYSTEM_SCRIPT.text}
read -r kernel </proc/sys/kernel/osrelease
field kernel "$kernel"
read -r nodename </proc/sys/kernel/hostname
field nodename "$nodename"
field cpus "$(nproc)"
while read -r k v _; do [ "$k" != MemTotal: ] || field memory "$v"; done </proc/meminfo
newest= several=
for k in /boot/vmlinuz-*; do
  [ -e "$k" ] || continue
  [ -z "$newest" ] || several=yes
  newest=$newest${'${k#/boot/vmlinuz-}'}'
'
done
[ -z "$several" ] || newest=$(printf %s "$newest" | sort -V | tail -n 1)
field newest "$newest"
[ ! -e /run/reboot-required ] || field reboot yes`);

/** Device name to its IPv4 addresses with prefix length, from `ip -4 -o address show`. */
export function parseAddresses(text: string): Readonly<Record<string, readonly string[]>> {
  const found: Record<string, string[]> = {};
  for (const line of text.split('\n')) {
    const match = /^\d+:\s+(\S+)\s+inet (\S+)/.exec(line);
    if (match === null) continue;
    const [, device = '', address = ''] = match;
    found[device] = [...(found[device] ?? []), address];
  }
  return found;
}

/** What of the facts an inventory says too. */
export type System = Pick<Facts, 'os' | 'addresses'>;

interface Fields {
  has(name: string): boolean;
  text(name: string): string;
}

/** Reads the record of SYSTEM_SCRIPT. */
export function parseSystem(record: Fields): System {
  return { os: record.text('os'), addresses: parseAddresses(record.text('addresses')) };
}

/** Reads the record of FACTS_SCRIPT. */
export function parseFacts(record: Fields): Facts {
  const kernel = record.text('kernel');
  const newest = record.text('newest').trim();
  return {
    ...parseSystem(record),
    kernel,
    cpus: Number(record.text('cpus')) || 0,
    memoryMiB: Math.round((Number(record.text('memory')) || 0) / 1024),
    nodename: record.text('nodename'),
    rebootWanted: record.has('reboot') || (newest !== '' && newest !== kernel),
  };
}
