import { isDeepStrictEqual } from 'node:util';
import type { BecomeSettings, SshSettings } from '../model/farm.ts';
import { defaultConfig, expandPath, type SshConfig, type SshConfigLookup } from './ssh-config.ts';
import { TransportError } from './transport.ts';

/** What the inventory says about reaching one host. */
export interface SshTarget {
  readonly name: string;
  /** The host's first address; used where neither `settings` nor the ssh configuration has another. */
  readonly address: string;
  readonly settings: SshSettings;
  readonly become: BecomeSettings;
}

/** One sshd to log in at, with everything that decides how. */
export interface Endpoint {
  /** `app1 (10.77.0.21:22, user operator)`, for messages. */
  readonly label: string;
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly user: string;
  /** Stated by the inventory or on the command line: tried before everything else. */
  readonly privateKey: string | undefined;
  readonly config: SshConfig;
  readonly pinned: readonly string[];
  readonly acceptNew: boolean;
  /** The hops before it, the first one first. */
  readonly jump: readonly string[];
  /** False: the user's ssh configuration is not asked, for its hops neither. */
  readonly usesConfig: boolean;
}

/** One hop as people write it: `[user@]host[:port]`, also as an ssh:// address; IPv6 in brackets. */
export interface HopSpec {
  readonly host: string;
  readonly user?: string;
  readonly port?: number;
}

/** @throws TransportError if it cannot be read */
export function parseHop(text: string): HopSpec {
  const match = /^(?:ssh:\/\/)?(?:([^@\s]+)@)?(?:\[([0-9a-fA-F:.]+)\]|([^:@[\]\s/]+))(?::(\d{1,5}))?\/?$/.exec(
    text.trim(),
  );
  const [, user, bracketed, plain, port] = match ?? [];
  const host = bracketed ?? plain;
  if (host === undefined || host.startsWith('-') || Number(port ?? 22) > 65_535) {
    throw new TransportError('unreachable', `"${text}" is not a jump host.`, 'Write it as [user@]host[:port].');
  }
  return { host, ...(user !== undefined && { user }), ...(port !== undefined && { port: Number(port) }) };
}

function refuseUnsupported(label: string, config: SshConfig): void {
  if (config.proxyCommand !== undefined) {
    throw new TransportError(
      'unsupported',
      `The ssh configuration reaches ${label} with a ProxyCommand, which is not supported yet.`,
      'Use ProxyJump, or state the jump hosts in the inventory (ssh: jump).',
    );
  }
  const [certificate] = config.certificateFiles;
  if (certificate !== undefined) {
    throw new TransportError(
      'unsupported',
      `The ssh configuration logs in at ${label} with the certificate ${certificate}, which is not supported yet.`,
      'Give a plain key with --private-key, or set ssh_config: false for this host.',
    );
  }
}

function endpointOf(name: string, address: string, settings: SshSettings, config: SshConfig): Endpoint {
  const port = settings.port ?? config.port;
  const user = settings.user ?? config.user;
  const label = `${name === address ? '' : `${name} (`}${address}:${port}, user ${user}${name === address ? '' : ')'}`;
  const jump = settings.jump ?? config.proxyJump;
  if (settings.jump === undefined) refuseUnsupported(label, config);
  return {
    label,
    name,
    address,
    port,
    user,
    privateKey: settings.privateKey === undefined ? undefined : expandPath(settings.privateKey, {}),
    config,
    pinned: settings.hostKeys ?? [],
    acceptNew: settings.acceptNew ?? config.acceptNew,
    jump,
    usesConfig: settings.sshConfig !== false,
  };
}

/** A destination that no configuration names, to tell entries for a host from those for everybody. */
const NOBODY = 'nobody.invalid';

/**
 * Joins the inventory's word with the user's ssh configuration: the inventory wins wherever it states something. ssh is
 * asked about the host's name, as one types it; only where no entry is for that name is it asked
 * about the address.
 * @throws TransportError for what only OpenSSH's own client can do
 */
export async function resolveTarget(
  { name, address, settings }: SshTarget,
  lookup: SshConfigLookup,
): Promise<Endpoint> {
  if (settings.sshConfig === false) return endpointOf(name, settings.address ?? address, settings, defaultConfig());
  if (settings.address !== undefined) {
    return endpointOf(name, settings.address, settings, await lookup(name, settings.address));
  }
  const byName = await lookup(name);
  if (byName.hostName !== undefined) return endpointOf(name, byName.hostName, settings, byName);
  const isNamed = !isDeepStrictEqual(byName, await lookup(NOBODY));
  const config = isNamed ? await lookup(name, address) : await lookup(address);
  return endpointOf(name, config.hostName ?? address, settings, config);
}

/** A jump host that is not in the inventory. */
export async function resolveHop(hop: HopSpec, usesConfig: boolean, lookup: SshConfigLookup): Promise<Endpoint> {
  const config = usesConfig ? await lookup(hop.host) : defaultConfig();
  const settings: SshSettings = {
    ...(hop.user !== undefined && { user: hop.user }),
    ...(hop.port !== undefined && { port: hop.port }),
    sshConfig: usesConfig,
  };
  return endpointOf(hop.host, config.hostName ?? hop.host, settings, config);
}
