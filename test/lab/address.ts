import { type Cidr, formatAddress, parseCidr } from '../../src/model/address.ts';

function cidr(text: string): Cidr | undefined {
  const parsed = parseCidr(text.includes('/') ? text : `${text}/32`);
  return 'value' in parsed ? parsed.value : undefined;
}

/** True where all of the first network lies in the second. False where one of them is not IPv4. */
export function inNetwork(inner: string, outer: string): boolean {
  const one = cidr(inner);
  const other = cidr(outer);
  return one !== undefined && other !== undefined && one.base >= other.base && one.last <= other.last;
}

/**
 * An address of the network that is not taken: the highest free one, as hosts are usually counted from below.
 * @returns undefined where there is none
 */
export function freeAddress(network: string, taken: ReadonlySet<string>): string | undefined {
  const range = cidr(network);
  if (range === undefined) return undefined;
  for (let value = range.last - 1; value > range.base; value--) {
    const address = formatAddress(value);
    if (!taken.has(address)) return address;
  }
  return undefined;
}
