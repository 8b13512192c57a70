import { createHmac } from 'node:crypto';

/** One line of a known_hosts file. */
export interface KnownHostLine {
  readonly marker: 'revoked' | 'cert-authority' | undefined;
  /** The first field as written: names, patterns, or one hashed name. */
  readonly names: string;
  /** `ssh-ed25519`. */
  readonly keyType: string;
  /** The key's blob in base64. */
  readonly key: string;
  /** `file:line`. */
  readonly at: string;
}

/** The lines of one or more files, those of plain names found by name. */
export interface KnownHosts {
  readonly plain: ReadonlyMap<string, readonly KnownHostLine[]>;
  /** Patterns and hashed names: looked at one by one. */
  readonly others: readonly KnownHostLine[];
}

const MAX_LINE_LENGTH = 65_536;

/** The type that a key's blob itself names: its first string, after a length of four bytes. */
export function keyTypeOf(blob: Uint8Array): string | undefined {
  const bytes = Buffer.from(blob.buffer, blob.byteOffset, blob.byteLength);
  if (bytes.length < 4) return undefined;
  const length = bytes.readUInt32BE(0);
  return length > 0 && length <= 64 && bytes.length > 4 + length ? bytes.toString('latin1', 4, 4 + length) : undefined;
}

function parseLine(text: string, at: string): KnownHostLine | undefined {
  if (text.length > MAX_LINE_LENGTH) return undefined;
  const words = text.split(/[ \t]+/).filter((word) => word !== '');
  let marker: KnownHostLine['marker'];
  if (words[0]?.startsWith('@')) {
    const word = words.shift();
    if (word === '@revoked') marker = 'revoked';
    else if (word === '@cert-authority') marker = 'cert-authority';
    else return undefined;
  }
  const [names, keyType, key] = words;
  if (names === undefined || keyType === undefined || key === undefined) return undefined;
  if (!/^[A-Za-z0-9+/]+={0,2}$/.test(key) || keyTypeOf(Buffer.from(key, 'base64')) !== keyType) return undefined;
  return { marker, names, keyType, key: Buffer.from(key, 'base64').toString('base64'), at };
}

/** Reads the text of known_hosts files. Comments, and lines that OpenSSH would not understand, are passed over. */
export function parseKnownHosts(files: readonly { readonly file: string; readonly text: string }[]): KnownHosts {
  const plain = new Map<string, KnownHostLine[]>();
  const others: KnownHostLine[] = [];
  for (const { file, text } of files) {
    for (const [index, raw] of text.split('\n').entries()) {
      const trimmed = raw.replace(/\r$/, '').trimStart();
      if (trimmed === '' || trimmed.startsWith('#')) continue;
      const line = parseLine(trimmed, `${file}:${index + 1}`);
      if (line === undefined) continue;
      if (/^\||[*?!]/.test(line.names)) {
        others.push(line);
        continue;
      }
      for (const name of line.names.toLowerCase().split(',')) {
        const found = plain.get(name);
        if (found === undefined) plain.set(name, [line]);
        else if (found.at(-1) !== line) found.push(line);
      }
    }
  }
  return { plain, others };
}

/** The name under which a host is known: `app1`, or `[app1]:2222` where the port is not 22. */
export function knownName(host: string, port: number): string {
  const name = host.toLowerCase();
  return port === 22 ? name : `[${name}]:${port}`;
}

/** Matches `*` and `?` without backtracking over more than the last star. */
function matchesGlob(text: string, pattern: string): boolean {
  let at = 0;
  let p = 0;
  let star = -1;
  let resume = 0;
  while (at < text.length) {
    const symbol = pattern[p];
    if (symbol === '*') {
      star = p;
      resume = at;
      p += 1;
    } else if (symbol !== undefined && (symbol === '?' || symbol === text[at])) {
      p += 1;
      at += 1;
    } else if (star !== -1) {
      resume += 1;
      at = resume;
      p = star + 1;
    } else return false;
  }
  while (pattern[p] === '*') p += 1;
  return p === pattern.length;
}

function matchesNames(names: string, name: string): boolean {
  if (names.startsWith('|')) {
    const [, version, salt, hash, ...rest] = names.split('|');
    if (version !== '1' || salt === undefined || hash === undefined || rest.length > 0) return false;
    return createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest('base64') === hash;
  }
  let isMatch = false;
  for (const written of names.toLowerCase().split(',')) {
    const isNegated = written.startsWith('!');
    if (!matchesGlob(name, isNegated ? written.slice(1) : written)) continue;
    if (isNegated) return false;
    isMatch = true;
  }
  return isMatch;
}

/** All lines about a name as `knownName` gives it, of every marker. */
export function findKnown(known: KnownHosts, name: string): readonly KnownHostLine[] {
  return [...(known.plain.get(name) ?? []), ...known.others.filter((line) => matchesNames(line.names, name))];
}

/** The known hosts with one key more. */
export function withKnown(known: KnownHosts, line: KnownHostLine): KnownHosts {
  const plain = new Map(known.plain);
  plain.set(line.names, [...(plain.get(line.names) ?? []), line]);
  return { plain, others: known.others };
}

/** The hashed form of a name, as `ssh-keygen -H` writes it. */
export function hashName(name: string, salt: Uint8Array): string {
  const hash = createHmac('sha1', salt).update(name).digest('base64');
  return `|1|${Buffer.from(salt).toString('base64')}|${hash}`;
}
