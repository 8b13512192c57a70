import {
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { sha256 } from '../lib/digest.ts';
import { errorCode } from '../transport/error-code.ts';

/** Hexadecimal digits of SHA-256, which stand before the bytes. */
const DIGEST_LENGTH = 64;

/** What `keepBytes` put there, where it is whole, this user's, and nobody else may write it; otherwise undefined. */
export function keptBytes(path: string): Buffer | undefined {
  const file = readOwn(path);
  if (file === undefined) return undefined;
  const bytes = file.subarray(DIGEST_LENGTH);
  return file.toString('latin1', 0, DIGEST_LENGTH) === sha256(bytes) ? bytes : undefined;
}

function readOwn(path: string): Buffer | undefined {
  let file: number | undefined;
  try {
    file = openSync(path, 'r');
    const { uid, mode } = fstatSync(file);
    return uid === process.geteuid?.() && (mode & 0o022) === 0 ? readFileSync(file) : undefined;
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
    return undefined;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

/**
 * Puts bytes that can be made again into the user's own folder. Where that cannot be done they are not kept.
 * @param outdates says of other names in that folder which are of no use any more
 */
export function keepBytes(folder: string, name: string, bytes: Uint8Array, outdates: (other: string) => boolean): void {
  const beside = join(folder, `${name}.${process.pid}.new`);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    try {
      writeFileSync(beside, Buffer.concat([Buffer.from(sha256(bytes)), bytes]), { mode: 0o600 });
      renameSync(beside, join(folder, name));
    } catch (error) {
      rmSync(beside, { force: true });
      throw error;
    }
    for (const other of readdirSync(folder)) if (outdates(other)) rmSync(join(folder, other), { force: true });
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
  }
}
