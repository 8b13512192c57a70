import type { Script } from '../../remote/sh.ts';
import type { Resource } from '../define.ts';

/** A unit with its configuration: one resource, one transaction on the host. */
export interface ServiceDesired {
  /** `named.service`. */
  readonly unit: string;
  readonly enabled: boolean;
  readonly active: boolean;
  /** Everything that the process reads at its start: files, symlinks, owned directories, drop-ins, keys. */
  readonly config: readonly Resource[];
  /** The service's own checker. It finds the new set at the real paths, with /run and /var/log as scratch. */
  readonly validate?: Script;
  /** Programs that `validate` needs, absolute paths: where one is missing the set is validated at apply only. */
  readonly checkers?: readonly string[];
  /** How a running process takes the new set; `systemctl reload` where absent. */
  readonly reload?: Script | 'restart';
  /**
   * What of the set a reload does not reach: a value made from the contents by path. A restart is owed when it
   * differs from that of the running process. Where absent, a reload is always enough.
   */
  readonly restartWhen?: (contents: ReadonlyMap<string, string>) => unknown;
  /** Proof that the process runs on the new set; `systemctl is-active` where absent. Exit status 0 is good. */
  readonly verify?: Script;
}
