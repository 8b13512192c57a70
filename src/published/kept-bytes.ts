import {
  closeSync,
  fstatSync,
  lstatSync,
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

/** After so long a file is made anew, or of no use: another version's, say. */
const KEPT_MS = 30 * 24 * 60 * 60 * 1000;

/** Puts bytes that can be made again into the user's own folder. Where that cannot be done they are not kept. */
export function keepBytes(folder: string, name: string, bytes: Uint8Array): void {
  const beside = join(folder, `${name}.${process.pid}.new`);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    rmSync(beside, { force: true });
    try {
      writeFileSync(beside, Buffer.concat([Buffer.from(sha256(bytes)), bytes]), { mode: 0o600, flag: 'wx' });
      renameSync(beside, join(folder, name));
    } catch (error) {
      rmSync(beside, { force: true });
      throw error;
    }
    for (const other of readdirSync(folder)) {
      const path = join(folder, other);
      if (Date.now() - lstatSync(path).mtimeMs > KEPT_MS) rmSync(path, { force: true });
    }
  } catch (error) {
    if (errorCode(error) === undefined) throw error;
  }
}
