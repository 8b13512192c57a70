import type { HostView } from 'farmctl';

/** A range of IPv4 addresses as unsigned numbers, both ends included. */
export interface Range {
  readonly first: number;
  readonly last: number;
}

function numberOf(address: string): number {
  return address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
}

/** The addresses of `10.77.0.0/24`, or of `10.77.0.21` alone; bits behind the prefix do not count. */
export function rangeOf(network: string): Range {
  const [address = '', prefix = '32'] = network.split('/');
  const size = 2 ** (32 - Number(prefix));
  const first = Math.floor(numberOf(address) / size) * size;
  return { first, last: first + size - 1 };
}

/** Two of them that have an address in common, if there are such; the one that begins first comes first. */
export function overlapOf<R extends { readonly range: Range }>(all: readonly R[]): readonly [R, R] | undefined {
  // Sorted like this, a range that reaches into any later one reaches into the next one.
  const sorted = all.toSorted((a, b) => a.range.first - b.range.first);
  for (const [index, other] of sorted.entries()) {
    const before = sorted[index - 1];
    if (before !== undefined && other.range.first <= before.range.last) return [before, other];
  }
  return undefined;
}

/** True if all of the inner one lies in the outer one. */
export function covers(outer: Range, inner: Range): boolean {
  return outer.first <= inner.first && inner.last <= outer.last;
}

/** A way between a server and a client: a network that both are in, and their addresses there. */
interface Way {
  readonly network: string;
  readonly server: string;
  readonly client: string;
}

/** The networks that both hosts are in and that the server listens on, in the client's order. */
export function waysBetween(server: HostView, client: HostView, listen: readonly string[]): readonly Way[] {
  return client.addresses.flatMap(({ network, address }) => {
    const there = server.addresses.find((one) => one.network.name === network.name);
    if (there === undefined || (listen.length > 0 && !listen.includes(network.name))) return [];
    return [{ network: network.name, server: there.address, client: address }];
  });
}
