import { createHash } from 'node:crypto';
import type { ServerHostKeyAlgorithm } from 'ssh2';
import { findKnown, type KnownHostLine, type KnownHosts, keyTypeOf, knownName } from './known-hosts.ts';
import { TransportError } from './transport.ts';

/** What is known of one host before it shows its key. */
export interface HostKeyPolicy {
  /** The host as messages name it. */
  readonly label: string;
  /** The name that known_hosts files have it under: the address connected to, or its HostKeyAlias. */
  readonly name: string;
  readonly port: number;
  /** True: the name is an alias, which stands without a port. */
  readonly isAlias: boolean;
  readonly known: KnownHosts;
  /** Keys from the inventory, `ssh-ed25519 AAAA…`. Where there are any, they alone count. */
  readonly pinned: readonly string[];
  readonly acceptNew: boolean;
}

/** `new`: accepted by the policy accept-new, and to be written down under `name`. */
export type HostKeyVerdict =
  | { readonly verdict: 'known' }
  | { readonly verdict: 'new'; readonly name: string; readonly keyType: string }
  | { readonly verdict: 'refused'; readonly error: TransportError };

/** `SHA256:…` as ssh-keygen -l prints it. */
export function fingerprint(blob: Uint8Array): string {
  return `SHA256:${createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')}`;
}

function printedKey(keyType: string, key: string): string {
  return `${keyType} ${fingerprint(Buffer.from(key, 'base64'))}`;
}

/** Kinds of key that replace each other: all ECDSA curves are one. */
function family(keyType: string): string {
  return keyType.startsWith('ecdsa-sha2-') ? 'ecdsa' : keyType;
}

interface Candidates {
  readonly name: string;
  readonly lines: readonly KnownHostLine[];
  /** Lines of the plain name for a host on another port: they count only if they match. */
  readonly fallback: readonly KnownHostLine[];
}

function candidates({ name, port, isAlias, known }: HostKeyPolicy): Candidates {
  const full = knownName(name, isAlias ? 22 : port);
  const lines = findKnown(known, full);
  const bare = knownName(name, 22);
  return { name: full, lines, fallback: bare === full ? [] : findKnown(known, bare) };
}

/**
 * Whether a pin, a line or an authority speaks for some key of the host. A revoked key does not, nor does a key of the
 * plain name for a host on another port: that one counts only if the host shows it.
 */
export function isHostKnown(policy: HostKeyPolicy): boolean {
  const { lines, fallback } = candidates(policy);
  const isAuthority = ({ marker }: KnownHostLine) => marker === 'cert-authority';
  return policy.pinned.length > 0 || lines.some(({ marker }) => marker !== 'revoked') || fallback.some(isAuthority);
}

function parsePin(pin: string): { keyType: string; key: string } {
  const [keyType = '', key = ''] = pin.trim().split(/[ \t]+/);
  return { keyType, key: Buffer.from(key, 'base64').toString('base64') };
}

/**
 * The order in which to ask for host keys: kinds that are known for the host first, or a host known by one kind would
 * be "unknown" when its server prefers another. SHA-1 signatures are never asked for.
 */
export function hostKeyAlgorithms(policy: HostKeyPolicy): ServerHostKeyAlgorithm[] {
  const { lines, fallback } = candidates(policy);
  const types = new Set(
    policy.pinned.length > 0
      ? policy.pinned.map((pin) => parsePin(pin).keyType)
      : [...lines, ...fallback].filter((line) => line.marker === undefined).map((line) => line.keyType),
  );
  const all: readonly [string, ServerHostKeyAlgorithm][] = [
    ['ssh-ed25519', 'ssh-ed25519'],
    ['ecdsa-sha2-nistp256', 'ecdsa-sha2-nistp256'],
    ['ecdsa-sha2-nistp384', 'ecdsa-sha2-nistp384'],
    ['ecdsa-sha2-nistp521', 'ecdsa-sha2-nistp521'],
    ['ssh-rsa', 'rsa-sha2-512'],
    ['ssh-rsa', 'rsa-sha2-256'],
  ];
  const isKnown = ([type]: readonly [string, string]) => types.has(type);
  return [...all.filter(isKnown), ...all.filter((one) => !isKnown(one))].map(([, algorithm]) => algorithm);
}

function refused(
  failure: 'host-key-unknown' | 'host-key-changed' | 'host-key-revoked' | 'unsupported',
  message: string,
  hint: string,
): HostKeyVerdict {
  return { verdict: 'refused', error: new TransportError(failure, message, hint) };
}

function revoked(policy: HostKeyPolicy, offered: string, line: KnownHostLine): HostKeyVerdict {
  return refused(
    'host-key-revoked',
    `${policy.label} shows a host key that is revoked: ${offered}, marked @revoked at ${line.at}.`,
    'Whoever holds a revoked key may not be that host: do not go on. Give the host new keys and make them known.',
  );
}

function changed(policy: HostKeyPolicy, name: string, offered: string, line: KnownHostLine): HostKeyVerdict {
  const file = line.at.replace(/:\d+$/, '');
  return refused(
    'host-key-changed',
    `The host key of ${policy.label} has changed: it shows ${offered}, but ${line.at} says ${printedKey(line.keyType, line.key)}. Somebody may be in between, or the host was installed anew.`,
    `If you know why it changed, forget the old key with: ssh-keygen -R '${name}' -f '${file}'; then pin the new one or run once with --accept-new.`,
  );
}

/** Compares the key with the inventory's. */
function judgePinned(policy: HostKeyPolicy, keyType: string, key: string): HostKeyVerdict {
  const pins = policy.pinned.map(parsePin);
  if (pins.some((pin) => pin.keyType === keyType && pin.key === key)) return { verdict: 'known' };
  const listed = pins.map((pin) => printedKey(pin.keyType, pin.key)).join(', ');
  return refused(
    'host-key-changed',
    `The host key of ${policy.label} is not the one that the inventory pins: it shows ${printedKey(keyType, key)}, pinned is ${listed}. Somebody may be in between, or the host was installed anew.`,
    'If you know why it changed, compare the fingerprint on the host’s console and correct the pinned key in the inventory.',
  );
}

/**
 * Decides on the key that a host shows. Revoked keys are refused whatever else is known; pinned keys come before
 * known_hosts; what is unknown is refused unless the policy is accept-new; what changed is always refused.
 */
export function judgeHostKey(policy: HostKeyPolicy, blob: Uint8Array): HostKeyVerdict {
  const key = Buffer.from(blob).toString('base64');
  const keyType = keyTypeOf(blob) ?? 'unknown';
  const offered = printedKey(keyType, key);
  const { name, lines, fallback } = candidates(policy);
  const isSame = (line: KnownHostLine) => line.key === key;

  const revokedLine = [...lines, ...fallback].find((line) => line.marker === 'revoked' && isSame(line));
  if (revokedLine !== undefined) return revoked(policy, offered, revokedLine);
  if (policy.pinned.length > 0) return judgePinned(policy, keyType, key);

  const plain = lines.filter((line) => line.marker === undefined);
  if (plain.some(isSame)) return { verdict: 'known' };
  const other = plain.find((line) => family(line.keyType) === family(keyType));
  if (other !== undefined) return changed(policy, name, offered, other);
  // As OpenSSH: a host that is known without its port is that host.
  if (fallback.some((line) => line.marker === undefined && isSame(line))) return { verdict: 'known' };

  const authority = lines.find((line) => line.marker === 'cert-authority');
  if (authority !== undefined) {
    return refused(
      'unsupported',
      `${policy.label} is known by a certificate authority only (${authority.at}), and host certificates cannot be checked yet. It shows ${offered}.`,
      `Pin its key in the inventory (ssh: host_keys: ["${keyType} …"]) after comparing the fingerprint on the host’s console.`,
    );
  }
  const [first] = plain;
  if (first !== undefined) {
    // Known by another kind of key: with accept-new an impostor could leave out the known kind; OpenSSH thinks so too.
    const error = `${policy.label} does not show the kind of host key that is known: it shows ${offered}, but ${first.at} says ${printedKey(first.keyType, first.key)}.`;
    const hint = 'Compare the fingerprint on the host’s console, then pin it in the inventory (ssh: host_keys).';
    return refused(policy.acceptNew ? 'host-key-changed' : 'host-key-unknown', error, hint);
  }
  if (policy.acceptNew) return { verdict: 'new', name, keyType };
  const error = new TransportError(
    'host-key-unknown',
    `The host key of ${policy.label} is not known: it shows ${offered}, and neither the inventory nor known_hosts has a key of ${name}.`,
    `Compare that fingerprint with the host’s console (ssh-keygen -lf /etc/ssh/ssh_host_*_key.pub there), then pin the key in the inventory (ssh: host_keys: ["${keyType} ${key.length < 200 ? key : '…'}"]) or run once with --accept-new.`,
    { hostKey: { shown: `${policy.label}: ${offered}`, pin: `${keyType} ${key}` } },
  );
  return { verdict: 'refused', error };
}
