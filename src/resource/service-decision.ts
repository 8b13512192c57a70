import type { DaemonReload, ProcessAction } from '../remote/transaction.ts';
import type { Difference, FileOperation } from './change.ts';
import type { Member } from './define.ts';
import { restartProjection, type ServiceDesired, UNITS, wantedContents } from './service-set.ts';
import { isActive, owed, type ServiceState } from './service-state.ts';

/** Unit file states in which `enable` has no meaning: something else decides. */
const FIXED_STATES = ['static', 'generated', 'indirect', 'alias', 'transient', 'linked'];

/** What differs of one member of the set. */
export interface MemberDifference {
  readonly title: string;
  readonly differs: Difference;
}

/** What is to be done with a service: its files, its unit and its process. */
export interface Decision {
  readonly operations: readonly FileOperation[];
  readonly memberDifferences: readonly MemberDifference[];
  readonly process: ProcessAction;
  /** What is done with a process that a VIP brings here before the change is made. */
  readonly processWithVip: ProcessAction;
  readonly owes: 'nothing' | 'reload' | 'restart';
  readonly enable: boolean | undefined;
  readonly unmask: boolean;
  readonly daemonReload: DaemonReload;
  readonly restartDigest: string;
  readonly foundRestartDigest: string;
  readonly reasons: readonly string[];
}

/** Stands for a content that is not what is wanted and that nobody can tell. */
const NOT_KNOWN = '(not known)';

/** Contents as found: desired where equal, the old text where a member differs and its text is known. */
function foundContents(
  wanted: ReadonlyMap<string, string>,
  differences: readonly MemberDifference[],
  operations: readonly FileOperation[],
): Map<string, string> {
  const found = new Map(wanted);
  for (const {
    differs: { texts, action },
  } of differences)
    for (const text of texts) {
      if (text.before !== undefined) found.set(text.path, text.before);
      else if (action === 'create') found.delete(text.path);
      else found.set(text.path, NOT_KNOWN);
    }
  // Symlinks, bytes and names that nobody declared have no text: what was there is not what is wanted.
  const told = new Set(differences.flatMap(({ differs }) => differs.texts.map((text) => text.path)));
  for (const { kind, path } of operations) if (kind !== 'directory' && !told.has(path)) found.set(path, NOT_KNOWN);
  return found;
}

/** What the process started on, if its stamp says so; a process newer than the stamp started on what was found. */
function runningRestartDigest({ stamp, invocation }: ServiceState, owes: Decision['owes']): string | undefined {
  return owes === 'nothing' && stamp?.invocation !== invocation ? undefined : stamp?.restart;
}

function daemonReloadOf(
  unit: string,
  observed: ServiceState | undefined,
  operations: readonly FileOperation[],
): DaemonReload {
  const units = operations.filter(({ path }) => path.startsWith(UNITS));
  if (observed?.interrupted === true || observed?.needDaemonReload === true) return 'always';
  if (units.length === 0) return 'never';
  const isOfUnit = ({ path }: FileOperation) => path === `${UNITS}${unit}` || path.startsWith(`${UNITS}${unit}.d/`);
  return observed === undefined && units.every(isOfUnit) ? 'if-undone' : 'always';
}

/** Compares the whole service with what was found. Pure: the same answer for the plan and for the script. */
export function decide(
  desired: ServiceDesired,
  observed: ServiceState | undefined,
  members: readonly Member[],
): Decision {
  const operations: FileOperation[] = [];
  const memberDifferences: MemberDifference[] = [];
  for (const { resource, observed: seen, unwanted } of members) {
    const value = seen.state === 'known' ? seen.value : undefined;
    const title = resource.type.title?.(resource.desired) ?? resource.id;
    if (unwanted) {
      const removal = resource.type.remove(resource.desired, value, []);
      if (removal.kind !== 'remove') continue;
      memberDifferences.push({ title, differs: removal.difference });
      for (const one of removal.effect.files ?? [])
        operations.push(one.kind === 'absent' ? { kind: 'restore', path: one.path } : one);
      continue;
    }
    const differs = resource.type.diff(resource.desired, value, []);
    if (differs === undefined) continue;
    memberDifferences.push({ title, differs });
    operations.push(...(resource.type.apply(resource.desired, value, []).files ?? []));
  }
  const wanted = wantedContents(desired);
  const restartDigest = restartProjection(desired, wanted);
  const foundRestartDigest = restartProjection(desired, foundContents(wanted, memberDifferences, operations));
  const changed = operations.length > 0;
  const active = observed !== undefined && isActive(observed);
  const owes = observed === undefined ? 'nothing' : owed(observed, foundRestartDigest);
  const interrupted = observed?.interrupted ?? false;
  const daemonReload = daemonReloadOf(desired.unit, observed, operations);
  const reasons: string[] = [];
  let process: ProcessAction = 'none';
  let processWithVip: ProcessAction = 'none';
  if (desired.active === true && !active) process = 'start';
  else if (desired.active === false && active) process = 'stop';
  else if (active && (changed || owes !== 'nothing' || interrupted || observed?.needDaemonReload === true)) {
    const running = runningRestartDigest(observed, owes) ?? foundRestartDigest;
    const projectionDiffers = running !== restartDigest;
    process = desired.reload === 'restart' || owes === 'restart' || projectionDiffers ? 'restart' : 'reload';
    if (owes !== 'nothing' && !changed)
      reasons.push('The files were written, or touched, after the running process has loaded them.');
    if (owes === 'restart' && observed?.stamp !== undefined && observed.stamp.invocation !== observed.invocation)
      reasons.push(
        'Others started the running process since farmctl did, so nobody knows what it has loaded of them: it is restarted.',
      );
    if (process === 'restart' && projectionDiffers)
      reasons.push('A reload does not reach what changed: it is restarted.');
    if (interrupted)
      reasons.push('An earlier run was interrupted in the middle of this set; it goes forward from here.');
  }
  // A set that is not there yet runs nowhere.
  if (desired.active === 'with-vip' && !active && changed && observed?.stamp !== undefined) {
    processWithVip = desired.reload === 'restart' || foundRestartDigest !== restartDigest ? 'restart' : 'reload';
    reasons.push(`Where the VIP is by then, it is ${processWithVip}ed.`);
  }
  const state = observed?.unitFileState ?? '';
  const masked = observed?.loadState === 'masked' || state.startsWith('masked');
  const isEnabled = state.startsWith('enabled');
  const enable =
    !masked && (FIXED_STATES.includes(state) || isEnabled === desired.enabled) ? undefined : desired.enabled;
  return {
    operations,
    memberDifferences,
    process,
    processWithVip,
    owes,
    enable: enable === false && observed === undefined ? undefined : enable,
    unmask: masked,
    daemonReload,
    restartDigest,
    foundRestartDigest,
    reasons,
  };
}
