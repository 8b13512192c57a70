/** How a host is made. `container`: systemd-nspawn on an overlay. `vm`: User Mode Linux, with a kernel and a disk of its own. */
export type HostKind = 'container' | 'vm';

/** Hosts, by name, whose kind does not follow from their roles. */
export type ChosenKinds = { readonly [kind in HostKind]?: readonly string[] };

/** One address of a lab host: on the network's bridge, behind the device that the inventory names. */
export interface LabAddress {
  readonly network: string;
  readonly address: string;
  /** Length of the network's prefix, 24 for `10.77.0.0/24`. */
  readonly prefix: number;
  readonly device: string;
}

/** A host as the lab makes it. */
export interface LabHost {
  readonly name: string;
  readonly kind: HostKind;
  /** `debian-12`. */
  readonly os: string;
  /** Further names that it answers to in known_hosts and the ssh configuration: `app1.farm.example`, `app1.db`. */
  readonly aliases: readonly string[];
  /** The first is the host's own. */
  readonly addresses: readonly LabAddress[];
  /** Where its sshd listens. */
  readonly sshPort: number;
}

/** A network of the lab: one bridge that holds `address`, which no host of the inventory has. */
export interface LabNetwork {
  readonly name: string;
  readonly cidr: string;
  readonly address: string;
  readonly prefix: number;
}

/** What the lab makes of an inventory. */
export interface LabLayout {
  readonly networks: readonly LabNetwork[];
  readonly hosts: readonly LabHost[];
}

/** How much of a farm's software a host has at its first boot; each degree lies on the one before. */
export const DEGREES = ['blank', 'deps', 'warm'] as const;

/**
 * `blank`: a minimal system with sshd. `deps`: what the roles' packages depend on is installed, they are not.
 * `warm`: all of it is installed, and no service of it enabled.
 */
export type Degree = (typeof DEGREES)[number];

/** @returns the address by which the host is reached. */
export function firstAddress(host: LabHost): LabAddress {
  const first = host.addresses[0];
  if (first === undefined) throw new Error(`lab host ${host.name} has no address: the layout must give it one`);
  return first;
}
