import { randomBytes } from 'node:crypto';
import { constants, mkdir, open, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isMissing } from './error-code.ts';
import { hashName, type KnownHosts, parseKnownHosts } from './known-hosts.ts';
import { TransportError } from './transport.ts';

/**
 * Reads known_hosts files; one that is not there holds nothing.
 * @throws TransportError for one that cannot be read: it might revoke a key
 */
export async function readKnownHosts(files: readonly string[]): Promise<KnownHosts> {
  const texts = await Promise.all(
    files.map(async (file) => {
      try {
        return { file, text: await readFile(file, 'utf8') };
      } catch (cause) {
        if (isMissing(cause)) return { file, text: '' };
        throw new TransportError(
          'host-key-unknown',
          `The known host keys in ${file} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`,
          'Make the file readable for you, or pin host keys in the inventory.',
          { cause },
        );
      }
    }),
  );
  return parseKnownHosts(texts);
}

/**
 * Writes a new key down: one append of one line, so that other writers need no lock.
 * @param name as `knownName` gives it
 * @throws TransportError if it cannot be written: a key that is not kept would be "new" for ever
 */
export async function appendKnownHost(
  file: string,
  { name, keyType, blob, isHashed }: { name: string; keyType: string; blob: Uint8Array; isHashed: boolean },
): Promise<void> {
  const names = isHashed ? hashName(name, randomBytes(20)) : name;
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    const handle = await open(file, constants.O_RDWR | constants.O_CREAT | constants.O_APPEND, 0o600);
    try {
      const { size } = await handle.stat();
      const last = Buffer.alloc(1);
      if (size > 0) await handle.read(last, 0, 1, size - 1);
      const gap = size > 0 && last[0] !== 10 ? '\n' : '';
      await handle.write(`${gap}${names} ${keyType} ${Buffer.from(blob).toString('base64')}\n`);
    } finally {
      await handle.close();
    }
  } catch (cause) {
    throw new TransportError(
      'host-key-unknown',
      `The new host key of ${name} cannot be written to ${file}: ${cause instanceof Error ? cause.message : String(cause)}`,
      'Make that file writable for you, or pin the key in the inventory.',
      { cause },
    );
  }
}
