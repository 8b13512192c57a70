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
  /** How OpenSSH's own client is asked for it: `ssh -G` was asked for the same, so both find the same. */
  readonly asked: AskedOfSsh;
}

/** The word on ssh's command line, and what is stated beside it. */
export interface AskedOfSsh {
  readonly destination: string;
  /** Instead of what the configuration has. */
  readonly hostName?: string;
  readonly port?: number;
  readonly user?: string;
  /** Instead of the configuration's way there; empty: none. */
  readonly jump?: readonly string[];
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

interface Resolved {
  readonly name: string;
  readonly address: string;
  readonly settings: SshSettings;
  readonly config: SshConfig;
  readonly destination: string;
  /** The address is not the configuration's. */
  readonly isAddressStated: boolean;
}

function endpointOf({ name, address, settings, config, destination, isAddressStated }: Resolved): Endpoint {
  const port = settings.port ?? config.port;
  const user = settings.user ?? config.user;
  const label = `${name === address ? '' : `${name} (`}${address}:${port}, user ${user}${name === address ? '' : ')'}`;
  const { jump } = settings;
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
    jump: jump ?? config.proxyJump,
    usesConfig: settings.sshConfig !== false,
    asked: {
      destination,
      ...(isAddressStated && { hostName: address }),
      ...(settings.port !== undefined && { port: settings.port }),
      ...(settings.user !== undefined && { user: settings.user }),
      ...(jump !== undefined && { jump }),
    },
  };
}

/** A destination that no configuration names, to tell entries for a host from those for everybody. */
const NOBODY = 'nobody.invalid';

/**
 * Joins the inventory's word with the user's ssh configuration: the inventory wins wherever it states something. ssh is
 * asked about the host's name, as one types it; only where no entry is for that name is it asked
 * about the address.
 * @throws TransportError if the configuration cannot be read
 */
export async function resolveTarget(
  { name, address, settings }: SshTarget,
  lookup: SshConfigLookup,
): Promise<Endpoint> {
  const stated = { name, settings, destination: name, isAddressStated: true };
  const { port, user } = settings;
  const ask = (destination: string, hostName?: string) => lookup(destination, { hostName, port, user });
  if (settings.sshConfig === false) {
    return endpointOf({ ...stated, address: settings.address ?? address, config: defaultConfig() });
  }
  if (settings.address !== undefined) {
    return endpointOf({ ...stated, address: settings.address, config: await ask(name, settings.address) });
  }
  const byName = await ask(name);
  if (byName.hostName !== undefined) {
    return endpointOf({ ...stated, address: byName.hostName, config: byName, isAddressStated: false });
  }
  const isNamed = !isDeepStrictEqual(byName, await ask(NOBODY));
  if (isNamed) return endpointOf({ ...stated, address, config: await ask(name, address) });
  const config = await ask(address);
  const found = config.hostName ?? address;
  return endpointOf({ name, settings, address: found, config, destination: address, isAddressStated: false });
}

/** A jump host that is not in the inventory. */
export async function resolveHop(hop: HopSpec, usesConfig: boolean, lookup: SshConfigLookup): Promise<Endpoint> {
  const config = usesConfig ? await lookup(hop.host, hop) : defaultConfig();
  const settings: SshSettings = {
    ...(hop.user !== undefined && { user: hop.user }),
    ...(hop.port !== undefined && { port: hop.port }),
    sshConfig: usesConfig,
  };
  const address = config.hostName ?? hop.host;
  return endpointOf({ name: hop.host, address, settings, config, destination: hop.host, isAddressStated: false });
}
