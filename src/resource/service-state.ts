import type { ProbeRecord } from './define.ts';

/** What a unit says of itself, what its stamp says, and the inodes and change times of its set. */
export interface ServiceState {
  readonly loadState: string;
  readonly activeState: string;
  /** `enabled`, `disabled`, `static`, `masked`… */
  readonly unitFileState: string;
  readonly needDaemonReload: boolean;
  readonly invocation: string;
  /** When the process was last started, in microseconds since 1970; undefined if it never was. */
  readonly startedUs: bigint | undefined;
  /** A transaction was interrupted on this host: the set may be half old, half new. */
  readonly interrupted: boolean;
  readonly stamp: Stamp | undefined;
  /** How the unit was before farmctl's first transaction; neither where that brought it. */
  readonly before: { readonly active: boolean; readonly enabled: boolean };
  /** `INODE CTIME` lines of the set's files as they are. */
  readonly inodes: string;
}

/** What the running process has loaded. */
export interface Stamp {
  readonly reload: string;
  readonly restart: string;
  readonly invocation: string;
  readonly inodes: string;
}

function parseStamp(text: string): Stamp | undefined {
  const [reload, restart, invocation, ...inodes] = text.split('\n');
  if (!reload?.startsWith('reload ') || !restart?.startsWith('restart ') || !invocation?.startsWith('invocation '))
    return;
  return {
    reload: reload.slice(7),
    restart: restart.slice(8),
    invocation: invocation.slice(11),
    inodes: inodes.join('\n').trim(),
  };
}

/** `Sat 2026-11-21 08:52:00.123456 UTC` as microseconds. */
function parseTimestamp(text: string): bigint | undefined {
  const match = /(\d{4}-\d{2}-\d{2}) (\d{2}:\d{2}:\d{2})(?:\.(\d{1,6}))?/.exec(text);
  if (match === null) return undefined;
  const seconds = Date.parse(`${match[1]}T${match[2]}Z`) / 1000;
  if (Number.isNaN(seconds)) return undefined;
  return BigInt(seconds) * 1_000_000n + BigInt((match[3] ?? '0').padEnd(6, '0'));
}

/** The newest change time of the set, in microseconds, rounded up: a file of the same microsecond counts as newer. */
function newestUs(inodes: string): bigint | undefined {
  let newest: bigint | undefined;
  for (const line of inodes.split('\n')) {
    const match = /^\d+ (\d+)(?:\.(\d{1,9}))?$/.exec(line);
    if (match === null) continue;
    const nanoseconds = BigInt((match[2] ?? '').padEnd(9, '0') || '0');
    const us = BigInt(match[1] ?? '0') * 1_000_000n + (nanoseconds + 999n) / 1000n;
    if (newest === undefined || us > newest) newest = us;
  }
  return newest;
}

/** Reads the fields that the probe of a service prints. */
export function parseServiceState(record: ProbeRecord): ServiceState {
  const shown = new Map<string, string>();
  for (const line of record.text('show').split('\n')) {
    const at = line.indexOf('=');
    if (at > 0) shown.set(line.slice(0, at), line.slice(at + 1));
  }
  return {
    loadState: shown.get('LoadState') ?? '',
    activeState: shown.get('ActiveState') ?? '',
    unitFileState: shown.get('UnitFileState') ?? '',
    needDaemonReload: shown.get('NeedDaemonReload') === 'yes',
    invocation: shown.get('InvocationID') ?? '',
    startedUs: parseTimestamp(shown.get('ActiveEnterTimestamp') ?? ''),
    interrupted: record.text('journal') === 'yes',
    stamp: parseStamp(record.text('stamp')),
    before: {
      active: record.text('before').startsWith('active '),
      enabled: record.text('before').endsWith(' enabled'),
    },
    inodes: record.text('inodes').trim(),
  };
}

export function isActive(state: ServiceState): boolean {
  return state.activeState === 'active' || state.activeState === 'reloading' || state.activeState === 'refreshing';
}

/**
 * What the running process owes for changes that it has not loaded, whoever made them. Not for changes that are yet to
 * be made.
 * @param restartDigest of the restart-relevant content of the set as it is
 */
export function owed(state: ServiceState, restartDigest: string): 'nothing' | 'reload' | 'restart' {
  if (!isActive(state)) return 'nothing';
  const newest = newestUs(state.inodes);
  const isNewer = newest === undefined || (state.startedUs !== undefined && state.startedUs > newest);
  const { stamp } = state;
  if (stamp === undefined) return isNewer ? 'nothing' : 'reload';
  if (stamp.inodes === state.inodes) return 'nothing';
  const restarted = stamp.invocation !== state.invocation;
  if (restarted && isNewer) return 'nothing';
  return restarted || stamp.restart !== restartDigest ? 'restart' : 'reload';
}

/**
 * True if nothing but this happened to a unit: systemd has read its units again, for another one's sake. What it now
 * says of a unit file that lay there unread (not loadable, masked, to be read once more) is no news: the file is as it
 * was. A unit that it reads as before and that has to be read anew is somebody's doing.
 * @param mayMove a VIP may have brought the process here, or taken it away
 */
export function isSameButForUnits(before: ServiceState, after: ServiceState, mayMove: boolean): boolean {
  const { stamp } = before;
  const isSameProcess =
    after.activeState === before.activeState &&
    after.invocation === before.invocation &&
    after.startedUs === before.startedUs;
  return (
    (!after.needDaemonReload || before.needDaemonReload || after.loadState !== before.loadState) &&
    (isSameProcess || mayMove) &&
    after.interrupted === before.interrupted &&
    after.inodes === before.inodes &&
    after.stamp?.reload === stamp?.reload &&
    after.stamp?.restart === stamp?.restart &&
    after.stamp?.invocation === stamp?.invocation &&
    after.stamp?.inodes === stamp?.inodes
  );
}
