import { sha256 } from '../lib/digest.ts';
import type { Script } from '../remote/sh.ts';
import type { FileOperation } from './change.ts';
import type { Resource } from './define.ts';

/** A unit with its configuration: one resource, one transaction on the host. */
export interface ServiceDesired {
  /** `named.service`. */
  readonly unit: string;
  readonly enabled: boolean;
  /** `with-vip`: heartbeat starts and stops it; where it runs it gets its changes, and where it does not it owes nothing. */
  readonly active: boolean | 'with-vip';
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
  /** Proof that the process runs on the new set; where absent, that the unit is active. Exit status 0 is good. */
  readonly verify?: Script;
}

/** Where units and drop-ins lie. */
export const UNITS = '/etc/systemd/system/';

/**
 * The set's files in full, as if nothing were there: what the digests and the stamp's paths come from. Not its
 * directories: their change time moves with everything that is made and removed in them.
 */
function wholeSet(desired: ServiceDesired): readonly FileOperation[] {
  const all = desired.config.flatMap((member) => member.type.apply(member.desired, undefined, []).files ?? []);
  return all.filter((one) => one.kind !== 'directory');
}

/** The paths of the whole set, sorted: what the stamp covers. */
export function setPaths(desired: ServiceDesired): readonly string[] {
  const paths = desired.config.flatMap((member) => member.type.paths?.(member.desired) ?? []);
  return [...new Set([...wholeSet(desired).map((one) => one.path), ...paths])].sort();
}

/**
 * Contents by path as they shall be. For content that holds a secret its digest stands: a placeholder is another one in
 * every run.
 */
export function wantedContents(desired: ServiceDesired): ReadonlyMap<string, string> {
  const contents = new Map<string, string>();
  for (const one of wholeSet(desired)) {
    if (one.kind === 'file')
      contents.set(one.path, one.content.sensitive ? one.content.digest : (one.content.template ?? one.content.digest));
    if (one.kind === 'symlink') contents.set(one.path, `-> ${one.target}`);
  }
  return contents;
}

/** Digest of what only a restart reaches. Units and drop-ins of the set always belong to it. */
export function restartProjection(desired: ServiceDesired, contents: ReadonlyMap<string, string>): string {
  const units = [...contents].filter(([path]) => path.startsWith(UNITS)).sort();
  return sha256(JSON.stringify([units, desired.restartWhen?.(contents) ?? null]));
}
