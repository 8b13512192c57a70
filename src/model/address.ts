/** A network in numbers: `base` is its first address, `last` its last one, both unsigned 32 bit. */
export interface Cidr {
  readonly base: number;
  readonly last: number;
  readonly prefix: number;
}

/** A parsed value, or the reason why it is none: a clause that follows the value in a sentence. */
export type Parsed<T> = { readonly value: T } | { readonly reason: string };

/** Reads `10.77.0.21` as an unsigned number. IPv6 is refused with a reason of its own. */
export function parseAddress(text: string): Parsed<number> {
  if (text.includes(':'))
    return { reason: 'is an IPv6 address, which farmctl does not support yet: write an IPv4 one' };
  if (text.includes('/')) return { reason: 'has a prefix length: write the address alone' };
  const parts = text.split('.');
  if (parts.length !== 4) return { reason: 'is not an IPv4 address such as 10.77.0.21' };
  let value = 0;
  for (const part of parts) {
    if (!/^\d{1,3}$/.test(part)) return { reason: 'is not an IPv4 address such as 10.77.0.21' };
    if (part.length > 1 && part.startsWith('0')) return { reason: `has a leading zero in "${part}"` };
    const octet = Number(part);
    if (octet > 255) return { reason: `has a part above 255: "${part}"` };
    value = value * 256 + octet;
  }
  return { value };
}

/** The text of an address given as an unsigned number. */
export function formatAddress(value: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.');
}

/** Reads `10.77.0.0/24`; bits behind the prefix must be zero. */
export function parseCidr(text: string): Parsed<Cidr> {
  if (text.includes(':'))
    return { reason: 'is an IPv6 network, which farmctl does not support yet: write an IPv4 one' };
  const [addressText = '', prefixText, ...more] = text.split('/');
  if (prefixText === undefined) return { reason: 'has no prefix length: write it as 10.77.0.0/24' };
  if (more.length > 0 || !/^\d{1,2}$/.test(prefixText)) return { reason: 'is not a network such as 10.77.0.0/24' };
  const prefix = Number(prefixText);
  if (prefix < 1 || prefix > 32) return { reason: 'has a prefix length that is not from 1 to 32' };
  const address = parseAddress(addressText);
  if ('reason' in address) return address;
  const size = 2 ** (32 - prefix);
  const base = Math.floor(address.value / size) * size;
  if (base !== address.value) {
    return { reason: `has bits set behind its prefix: the network is ${formatAddress(base)}/${prefix}` };
  }
  return { value: { base, last: base + size - 1, prefix } };
}

/** True if the network holds the address, its network and broadcast addresses included. */
export function contains(network: Cidr, address: number): boolean {
  return address >= network.base && address <= network.last;
}

/** Why no host may have this address of the network, or undefined. Networks of one or two addresses have no such. */
export function reservedAddress(network: Cidr, address: number): 'network' | 'broadcast' | undefined {
  if (network.prefix > 30) return undefined;
  if (address === network.base) return 'network';
  return address === network.last ? 'broadcast' : undefined;
}
