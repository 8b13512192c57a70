import type { Facts } from '../model/facts.ts';
import { hostList } from './host-list.ts';
import type { Style } from './style.ts';
import { columns, count, printableLine } from './text.ts';

/** A line per host, and which of them want a reboot. */
export function renderFacts(
  hosts: ReadonlyArray<{ readonly host: string; readonly facts: Facts }>,
  style: Style,
): string {
  if (hosts.length === 0) return '';
  const rows = hosts.map(({ host, facts }) => [
    host,
    printableLine(facts.os),
    printableLine(facts.kernel),
    String(facts.cpus),
    `${facts.memoryMiB} MiB`,
    Object.entries(facts.addresses)
      .map(([device, addresses]) => printableLine(`${device} ${addresses.join(' ')}`))
      .join(', '),
  ]);
  const [head = '', ...lines] = columns([['host', 'system', 'kernel', 'cpus', 'memory', 'addresses'], ...rows]);
  const wanting = hosts.filter(({ facts }) => facts.rebootWanted).map(({ host }) => host);
  const verb = wanting.length === 1 ? 'wants' : 'want';
  const note =
    wanting.length === 0
      ? 'No host wants a reboot.'
      : style.yellow(`${count(wanting.length, 'host')} ${verb} a reboot: ${hostList(wanting)}.`);
  return `${[style.bold(head), ...lines, '', note].join('\n')}\n`;
}
