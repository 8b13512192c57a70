const MODULUS = 2 ** 32;

/** True if `a` comes after `b` in the circle of 32-bit serials (RFC 1982): what a secondary goes by. */
export function isNewer(a: number, b: number): boolean {
  const ahead = (a - b + MODULUS) % MODULUS;
  return ahead > 0 && ahead < MODULUS / 2;
}

/** The newest of the serials; undefined if there is none. */
export function newest(serials: readonly (number | undefined)[]): number | undefined {
  let found: number | undefined;
  for (const serial of serials)
    if (serial !== undefined && (found === undefined || isNewer(serial, found))) found = serial;
  return found;
}

/** The serial that every server takes as newer than this one. The first is 1, and 0 is left out: some tools refuse it. */
export function following(serial: number | undefined): number {
  if (serial === undefined || serial === MODULUS - 1) return 1;
  return serial + 1;
}

/** A serial as text, or undefined if the text is none. */
export function parseSerial(text: string): number | undefined {
  if (!/^\d{1,10}$/.test(text)) return undefined;
  const serial = Number(text);
  return serial < MODULUS ? serial : undefined;
}
