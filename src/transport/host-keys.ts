import type { Endpoint } from './endpoint.ts';
import { fingerprint, type HostKeyPolicy, type HostKeyVerdict, isHostKnown, judgeHostKey } from './host-key.ts';
import { findKnown, type KnownHostLine, type KnownHosts, keyTypeOf, knownName, withKnown } from './known-hosts.ts';
import { appendKnownHost, readKnownHosts } from './known-hosts-file.ts';

/** A key that nobody knew, as it is told to the user. */
export interface NewHostKey {
  /** `app1 (10.77.0.21:22, user operator)`. */
  readonly label: string;
  /** `ssh-ed25519`. */
  readonly keyType: string;
  /** `SHA256:…`. */
  readonly fingerprint: string;
  /** The known_hosts file that it is, or would be, written to. */
  readonly file: string;
}

/** The host keys that one run knows, and learns. */
export interface HostKeys {
  policy(endpoint: Endpoint): Promise<HostKeyPolicy>;
  /** The verdict on a key; a new one that is accepted is written down. */
  judge(endpoint: Endpoint, blob: Buffer): Promise<HostKeyVerdict>;
  /** All lines about the endpoint, those of its name on any port too. */
  lines(endpoint: Endpoint): Promise<readonly KnownHostLine[]>;
  /** Writes a key down that the user accepted. */
  accept(endpoint: Endpoint, blob: Buffer): Promise<void>;
  /** Whether anything speaks for some key of the host, before it shows one. */
  isKnown(endpoint: Endpoint): Promise<boolean>;
  /** The key as one to accept; undefined for one that is known or refused whatever the user says, or has no file. */
  asNew(endpoint: Endpoint, blob: Buffer): Promise<NewHostKey | undefined>;
}

/**
 * @param ownFile instead of the files that the ssh configuration names
 * @param onNew hears of each key that accept-new wrote down
 */
export function hostKeysOf(ownFile: string | undefined, onNew: ((key: NewHostKey) => void) | undefined): HostKeys {
  const knownByFiles = new Map<string, Promise<KnownHosts>>();
  const filesOf = ({ config }: Endpoint) => (ownFile === undefined ? config.knownHostsFiles : [ownFile]);
  const fileFor = ({ config }: Endpoint) => ownFile ?? config.userKnownHostsFile;

  function known(endpoint: Endpoint): Promise<KnownHosts> {
    const files = filesOf(endpoint);
    const key = files.join('\n');
    const reading = knownByFiles.get(key) ?? readKnownHosts(files);
    knownByFiles.set(key, reading);
    return reading;
  }

  async function policy(endpoint: Endpoint): Promise<HostKeyPolicy> {
    const { hostKeyAlias } = endpoint.config;
    return {
      label: endpoint.label,
      name: hostKeyAlias ?? endpoint.address,
      port: endpoint.port,
      isAlias: hostKeyAlias !== undefined,
      known: await known(endpoint),
      pinned: endpoint.pinned,
      acceptNew: endpoint.acceptNew,
    };
  }

  /** Undefined where there is no file to write it to. */
  function describe(endpoint: Endpoint, blob: Buffer): NewHostKey | undefined {
    const file = fileFor(endpoint);
    if (file === undefined) return undefined;
    return { label: endpoint.label, keyType: keyTypeOf(blob) ?? 'unknown', fingerprint: fingerprint(blob), file };
  }

  async function write(endpoint: Endpoint, name: string, blob: Buffer): Promise<void> {
    const described = describe(endpoint, blob);
    if (described === undefined) return;
    const { file, keyType } = described;
    const line = { marker: undefined, names: name, keyType, key: blob.toString('base64'), at: file };
    const before = await known(endpoint);
    knownByFiles.set(filesOf(endpoint).join('\n'), Promise.resolve(withKnown(before, line)));
    await appendKnownHost(file, { name, keyType, blob, isHashed: endpoint.config.hashKnownHosts });
  }

  /** The verdict where the user accepts new keys. */
  async function judgeAccepting(endpoint: Endpoint, blob: Buffer): Promise<HostKeyVerdict> {
    return judgeHostKey({ ...(await policy(endpoint)), acceptNew: true }, blob);
  }

  return {
    policy,
    isKnown: async (endpoint) => isHostKnown(await policy(endpoint)),
    async asNew(endpoint, blob) {
      const { verdict } = await judgeAccepting(endpoint, blob);
      return verdict === 'new' ? describe(endpoint, blob) : undefined;
    },
    async judge(endpoint, blob) {
      // Asked anew: another host of this run may have brought the same key meanwhile.
      const verdict = judgeHostKey(await policy(endpoint), blob);
      if (verdict.verdict !== 'new') return verdict;
      await write(endpoint, verdict.name, blob);
      const described = describe(endpoint, blob);
      if (described !== undefined) onNew?.(described);
      return verdict;
    },
    async accept(endpoint, blob) {
      const verdict = await judgeAccepting(endpoint, blob);
      if (verdict.verdict === 'new') await write(endpoint, verdict.name, blob);
    },
    async lines(endpoint) {
      const { name, port, isAlias, known: all } = await policy(endpoint);
      const names = new Set([knownName(name, isAlias ? 22 : port), knownName(name, 22)]);
      return [...names].flatMap((one) => findKnown(all, one));
    },
  };
}
