/** What a host says of itself. */
export interface Facts {
  /** `/etc/os-release` ID and VERSION_ID: `debian-12`. */
  readonly os: string;
  readonly kernel: string;
  readonly cpus: number;
  readonly memoryMiB: number;
  readonly nodename: string;
  /** Device name to its IPv4 addresses with prefix length. */
  readonly addresses: Readonly<Record<string, readonly string[]>>;
  /** True if a package asked for a reboot or the running kernel is not the newest installed. */
  readonly rebootWanted: boolean;
}
