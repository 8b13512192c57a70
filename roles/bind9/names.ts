/** Why a text is no host name in the zone, or undefined: letters, digits, hyphens; labels up to 63. */
export function hostNameMistake(name: string): string | undefined {
  return nameMistake(name, /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/);
}

/** As for host names, and labels may begin with an underscore, as those of SRV and TXT records do. */
export function ownerNameMistake(name: string): string | undefined {
  return nameMistake(name, /^_?[a-z0-9]([a-z0-9_-]*[a-z0-9])?$/);
}

function nameMistake(name: string, pattern: RegExp): string | undefined {
  const bare = name.endsWith('.') ? name.slice(0, -1) : name;
  if (bare === '') return 'is empty';
  if (bare.length > 253) return 'is longer than 253 characters';
  for (const label of bare.split('.')) {
    if (label === '') return 'has an empty label (two dots in a row, or one at its beginning)';
    if (label.length > 63) return `has a label of ${label.length} characters, and 63 is the limit`;
    if (!pattern.test(label)) return `has the label "${label}", which is none of a host name`;
  }
  return undefined;
}

/** A name as it stands in a record: absolute, in small letters. `@` is the zone itself. */
export function absoluteName(name: string, zone: string): string {
  const small = name.toLowerCase();
  if (small === '@') return `${zone}.`;
  return small.endsWith('.') ? small : `${small}.${zone}.`;
}

/** True if the absolute name is the zone or lies in it. */
export function isInZone(name: string, zone: string): boolean {
  return name === `${zone}.` || name.endsWith(`.${zone}.`);
}

/** The absolute name under which an address is looked up backwards. */
export function reverseName(address: string): string {
  return `${address.split('.').reverse().join('.')}.in-addr.arpa.`;
}

/** The octets of the reverse zone that an address of this network lies in: a whole /24, /16 or /8, the smallest that fits. */
export function reverseZone(address: string, prefix: number): string {
  const octets = prefix > 16 ? 3 : prefix > 8 ? 2 : 1;
  return `${address.split('.').slice(0, octets).reverse().join('.')}.in-addr.arpa`;
}
