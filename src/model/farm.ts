import type { Place } from './diagnostic.ts';

/** An IPv4 network of the farm. `device` is its network device on every host: inventory data, verified by the probe. */
export interface Network {
  readonly name: string;
  /** `10.77.0.0/24`. */
  readonly cidr: string;
  readonly device: string;
}

/** A virtual address that moves between the two hosts of a pair. */
export interface Vip {
  readonly name: string;
  readonly address: string;
  readonly network: string;
  readonly pair: readonly [string, string];
  readonly at: Place;
}

/** How a host is reached. What is absent is left to the user's ssh configuration and the defaults. */
export interface SshSettings {
  /** The address or name to connect to; the host's first address where absent. */
  readonly address?: string;
  readonly port?: number;
  readonly user?: string;
  readonly privateKey?: string;
  /** `[user@]host[:port]`, the first hop first. */
  readonly jump?: readonly string[];
  /** Pinned host keys, `ssh-ed25519 AAAA…`. */
  readonly hostKeys?: readonly string[];
  readonly acceptNew?: boolean;
  /** False: do not ask ssh_config. */
  readonly sshConfig?: boolean;
}

/** As whom the commands run. */
export interface BecomeSettings {
  /** Absent: become root with sudo exactly when the ssh user is not root. */
  readonly enabled?: boolean;
  readonly user?: string;
  readonly password?: import('./secret.ts').Secret;
}

/** From the outermost to the innermost; the innermost that says something wins. */
export type Level = 'default' | 'farm' | 'tier' | 'host' | 'option';

/** One level's word on one variable of a role. */
export interface Setting {
  readonly level: Level;
  /** JSON values, with `Secret` where the inventory says `!file` or `!env`. */
  readonly value: unknown;
  /** Of the variable. Absent for defaults and for `-e`. */
  readonly at?: Place;
  /** Where an entry inside the value stands, by keys and indices; undefined where nothing on that way was written. */
  readonly placeInside?: (path: readonly (string | number)[]) => Place | undefined;
}

/** A role that a tier gives to its hosts. `part`, by its full name, is set where the tier says it; else `partOf` decides. */
export interface RoleAssignment {
  readonly role: string;
  readonly part?: string;
  readonly at: Place;
}

export interface Host {
  readonly name: string;
  readonly tier: string;
  /** Address by network name, in the order of the inventory: the first is the host's own. */
  readonly addresses: ReadonlyMap<string, string>;
  readonly roles: readonly RoleAssignment[];
  /** Per role, per variable: every level that says something, the winner first. Defaults are included;
   * `ssh` and `become` stand here like roles. */
  readonly settings: ReadonlyMap<string, ReadonlyMap<string, readonly Setting[]>>;
  /** Per role: the winning values, validated by the role's schema and with defaults filled in. */
  readonly variables: ReadonlyMap<string, Readonly<Record<string, unknown>>>;
  readonly ssh: SshSettings;
  readonly become: BecomeSettings;
  /** True: the others forget it, and an apply takes off it what the manifest lists. */
  readonly retired: boolean;
  readonly os: string;
  readonly at: Place;
}

export interface Tier {
  readonly name: string;
  readonly roles: readonly RoleAssignment[];
  /** Names, in the order of the inventory. */
  readonly hosts: readonly string[];
  readonly at: Place;
}

/** The validated, typed, immutable model of a farm. */
export interface Farm {
  readonly name: string;
  readonly domain: string;
  /** `debian-12`. */
  readonly os: string;
  readonly networks: ReadonlyMap<string, Network>;
  readonly vips: ReadonlyMap<string, Vip>;
  readonly tiers: ReadonlyMap<string, Tier>;
  /** All hosts, retired ones included, in the order of the inventory. */
  readonly hosts: ReadonlyMap<string, Host>;
}
