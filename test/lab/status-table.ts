import type { HostStatus } from './hosts.ts';

function condition(one: HostStatus): string {
  const cut = one.cut.length === 0 ? [] : [`cut off ${one.cut.join(' and ')}`];
  const slow = one.slow.length === 0 ? [] : [`slow into ${one.slow.join(' and ')}`];
  return [one.state, ...cut, ...slow].join(', ');
}

/** @returns a line for each host: name, state, what it is, addresses */
export function statusTable(status: readonly HostStatus[]): string {
  const rows = status.map((one) => [
    one.name,
    condition(one),
    `${one.kind} ${one.degree}`,
    one.addresses.map((address) => `${address.network} ${address.address}`).join('  '),
  ]);
  const widths = [0, 1, 2].map((column) => Math.max(0, ...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) => `${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}\n`).join('');
}
