import { createHash, randomBytes } from 'node:crypto';

/** SHA-256 of the bytes (a string is taken as UTF-8), in lower-case hexadecimal. */
export function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

/** SHA-256 of all pieces one after the other, in lower-case hexadecimal. */
export function sha256OfAll(pieces: Iterable<string | Uint8Array>): string {
  const hash = createHash('sha256');
  for (const piece of pieces) hash.update(piece);
  return hash.digest('hex');
}

/** `bytes` random bytes in hexadecimal. */
export function randomHex(bytes: number): string {
  return randomBytes(bytes).toString('hex');
}
