import type { Facts } from '../model/facts.ts';
import { Script } from './sh.ts';

/** Prints one record `facts 0`: what the host says of itself. */
export const FACTS_SCRIPT = new Script(String.raw`record 0
ID= VERSION_ID=
while IFS='=' read -r k v; do
  v=${'${v#\\"}'} v=${'${v%\\"}'}
  case $k in ID) ID=$v ;; VERSION_ID) VERSION_ID=$v ;; esac
done </etc/os-release
field os "$ID-$VERSION_ID"
read -r kernel </proc/sys/kernel/osrelease
field kernel "$kernel"
read -r nodename </proc/sys/kernel/hostname
field nodename "$nodename"
field cpus "$(nproc)"
while read -r k v _; do [ "$k" != MemTotal: ] || field memory "$v"; done </proc/meminfo
field addresses "$(ip -4 -o address show 2>/dev/null)"
newest= several=
for k in /boot/vmlinuz-*; do
  [ -e "$k" ] || continue
  [ -z "$newest" ] || several=yes
  newest=$newest${'${k#/boot/vmlinuz-}'}'
'
done
[ -z "$several" ] || newest=$(printf %s "$newest" | sort -V | tail -n 1)
field newest "$newest"
[ ! -e /run/reboot-required ] || field reboot yes
end_record`);

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

/** Reads the record of FACTS_SCRIPT. */
export function parseFacts(record: { has(name: string): boolean; text(name: string): string }): Facts {
  const kernel = record.text('kernel');
  const newest = record.text('newest').trim();
  return {
    os: record.text('os'),
    kernel,
    cpus: Number(record.text('cpus')) || 0,
    memoryMiB: Math.round((Number(record.text('memory')) || 0) / 1024),
    nodename: record.text('nodename'),
    addresses: parseAddresses(record.text('addresses')),
    rebootWanted: record.has('reboot') || (newest !== '' && newest !== kernel),
  };
}
