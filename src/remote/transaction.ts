import type { FileOperation } from '../resource/change.ts';
import { type Bodies, besides, cutByNames, directoryOf, finishButFlush, layScript, pathKey } from './file-script.ts';
import { JOURNAL_FUNCTIONS, JOURNAL_UNIT } from './journal-functions.ts';
import { boundedScript, NOT_OVERLAID, overlaidScript } from './overlay.ts';
import { joinScripts, type Script, sh } from './sh.ts';

/** What is to be done with the process after the swap. */
export type ProcessAction = 'none' | 'reload' | 'restart' | 'start' | 'stop';

/**
 * Whether systemd must read its units again, as one of the set changes, or it says so itself. A unit that it does not
 * know yet it reads by itself when it is first asked for it (systemd 246 and later); only if that comes to nothing must
 * it be told to forget it. Reading all units takes as long as ten other commands.
 */
export type DaemonReload = 'never' | 'if-undone' | 'always';

/** The configuration of one service and its process, changed as one. All values are decided when the plan is made. */
export interface Transaction {
  readonly unit: string;
  readonly operations: readonly FileOperation[];
  readonly validate: Script | undefined;
  /** Programs that `validate` needs. */
  readonly checkers: readonly string[];
  readonly process: ProcessAction;
  /** How a running process takes the new set where `process` is `reload`. */
  readonly reload: Script;
  /** Undefined: that the unit is active is all that is known of it. */
  readonly verify: Script | undefined;
  /** Undefined: enabled or disabled as it should be. */
  readonly enable: boolean | undefined;
  /** The unit is masked (by us, until its configuration exists): unmask it after the swap. */
  readonly unmask: boolean;
  readonly wasActive: boolean;
  /** Both are remembered at the first transaction: what the unit is to be again when it is given back. */
  readonly wasEnabled: boolean;
  readonly daemonReload: DaemonReload;
  /** Digests that the stamp shall hold, and the paths of the whole set, sorted. */
  readonly stamp: { readonly reload: string; readonly restart: string; readonly paths: readonly string[] };
  /**
   * Digests of what was found, for a running service that has no stamp yet; `isLoaded` where the process runs on the
   * files as they are. `invocation` is systemd's name of that process.
   */
  readonly found:
    | {
        readonly reload: string;
        readonly restart: string;
        readonly isLoaded: boolean;
        readonly invocation: string;
      }
    | undefined;
  /** An earlier run was interrupted: its journal is still there. */
  readonly interrupted: boolean;
  /** It ends behind the swap: the process has its turn in a transaction of its own, or the files are taken back. */
  readonly goesAhead?: boolean;
}

/** Exit statuses of a transaction's script. */
export const TRANSACTION_STATUS = {
  /** Failed before anything was touched. */
  untouched: 1,
  /** The checker refused the new set; nothing was touched. */
  refused: 65,
  /** Failed after the swap; the old set is back and the process is as it was. */
  rolledBack: 66,
  /** Failed after the swap, and so did putting the old set back. */
  broken: 67,
  /** The new set could not be laid over the real paths for its checker; nothing was touched. */
  notShown: 68,
  /** The checker did not end in time; nothing was touched. */
  checkerHung: 69,
} as const;

const PROCESS_SECONDS = 90;
/** A daemon may wait for its partner before it speaks. */
const VERIFY_SECONDS = 60;
const CHECKER_SECONDS = 30;

function systemctl(words: readonly string[]): Script {
  return sh`timeout -k 5 ${PROCESS_SECONDS} systemctl ${words}`;
}

function processScript(transaction: Transaction, action: ProcessAction, marker: string): Script {
  const { unit } = transaction;
  // What was started often of late may be started again: it is the user who wants it.
  const anew = (verb: string) => {
    const again = sh`systemctl reset-failed -- ${unit} && ${systemctl([verb, '--', unit])}`;
    return sh`{ ${systemctl([verb, '--', unit])} || { [ "$(systemctl show -P Result -- ${unit})" = start-limit-hit ] && ${again}; }; }`;
  };
  switch (action) {
    case 'none':
      return sh`:`;
    case 'reload':
      return boundedScript(transaction.reload, PROCESS_SECONDS, marker);
    case 'restart':
    case 'start':
      return anew(action);
    case 'stop':
      return systemctl(['stop', '--', unit]);
  }
}

/**
 * Puts the process back after the files are. What it has loaded then is told by a stamp, or by none if it is new. A
 * stamp that cannot be written or removed is no failure of the way back: it fits the files no more, and decides nothing.
 */
function backScript(transaction: Transaction, marker: string): Script {
  const { process, stamp } = transaction;
  const restart = sh`${processScript(transaction, 'restart', marker)} && { rm -f -- "$D/stamp" || :; }`;
  if (process === 'none') return sh`:`;
  if (process !== 'reload') return restart;
  return sh`if ${processScript(transaction, 'reload', marker)}; then refresh_stamp ${transaction.unit} ${stamp.paths} || :; else ${restart}; fi`;
}

/** The way back after a failure behind the swap: the old set, then the process as it was. */
function undoScript(transaction: Transaction, marker: string): Script {
  const { unit, wasActive, daemonReload, unmask } = transaction;
  const broken = sh`exit ${TRANSACTION_STATUS.broken}`;
  const lines = [
    // While its unit is still there. A unit that systemd never read cannot be stopped and does not run.
    wasActive ? sh`:` : sh`${systemctl(['stop', '--', unit])} || ! systemctl is-active -q -- ${unit} || ${broken}`,
    sh`[ ! -e "$D/journal" ] || journal_run || ${broken}`,
    daemonReload === 'never' ? sh`:` : sh`${systemctl(['daemon-reload'])} || ${broken}`,
    wasActive
      ? sh`{ ${backScript(transaction, marker)}
} && { sleep 1; systemctl is-active -q -- ${unit}; } || ${broken}`
      : sh`systemctl reset-failed -- ${unit} 2>/dev/null || :`,
    unmask ? sh`systemctl -q mask -- ${unit}` : sh`:`,
    sh`discard`,
    sh`exit ${TRANSACTION_STATUS.rolledBack}`,
  ];
  return joinScripts(lines);
}

/** That the process, where there is one, runs on the new set. From then on `invocation` says which process that is. */
function proofScript({ unit, process, wasActive, verify }: Transaction, marker: string): Script {
  if (process === 'stop' || (process === 'none' && !wasActive)) return sh`invocation_of ${unit}`;
  if (verify === undefined) return sh`is_active ${unit} || undo`;
  return sh`${boundedScript(verify, VERIFY_SECONDS, marker)} || undo
invocation_of ${unit}`;
}

/** Once the new set is not wanted any more: nothing of it lies beside the old one, and what was claimed for it is not ours. */
function discardScript(operations: readonly FileOperation[]): Script {
  const lines = operations.flatMap(({ kind, path }) =>
    kind === 'directory' ? [] : [sh`rm -f -- ${besides(path).fresh}`, sh`unclaim ${pathKey(path)} ${path}`],
  );
  return joinScripts([sh`discard() {`, sh`rm -f -- "$D/journal.new" "$D/before.new" "$D/stamp.new"`, ...lines, sh`}`]);
}

/** Everything gets its name, in the order of the operations, or `undo`. What follows each other is renamed by one command. */
function swapScripts(operations: readonly FileOperation[]): readonly Script[] {
  const scripts: Script[] = [];
  let staged: FileOperation[] = [];
  const close = () => {
    for (const some of cutByNames(staged))
      scripts.push(sh`give_names ${some.map(({ path }) => besides(path).fresh)} || undo`);
    staged = [];
  };
  for (const operation of operations) {
    const { kind, path } = operation;
    const { fresh } = besides(path);
    if (kind === 'file' || kind === 'symlink') {
      staged.push(operation);
      continue;
    }
    close();
    if (kind === 'absent') scripts.push(sh`rm -f -- ${path} || undo`);
    else if (kind === 'directory')
      scripts.push(sh`own_directory ${path} ${operation.mode} ${operation.owner} ${operation.group} || undo`);
    else
      scripts.push(
        sh`if there ${fresh}; then mv -fT -- ${fresh} ${path}; else vanish_ours ${pathKey(path)} ${path}; fi || undo`,
      );
  }
  close();
  return scripts;
}

/** Files that went ahead are taken back; the process has not loaded them. Ends with 1 where that fails. */
export function takeBackScript(unit: string): Script {
  return sh`begin ${unit} || exit 1
[ -e "$D/journal" ] || exit 0
journal_run && ${systemctl(['daemon-reload'])} || exit 1`;
}

/**
 * The transaction as a script for the request that brings its bodies. It is received whole before it writes, ignores
 * hang-ups, and ends with one of TRANSACTION_STATUS or 0.
 * @param marker an unguessable word (the nonce) that ends embedded scripts
 */
export function transactionScript(transaction: Transaction, sent: Bodies, marker: string): Script {
  const { unit, stamp, found } = transaction;
  const operations = transaction.operations.filter((operation) => operation.kind !== 'restoreKept');
  const fail = sh`{ discard; exit ${TRANSACTION_STATUS.untouched}; }`;
  const lines: Script[] = [discardScript(operations), sh`begin ${unit} || ${fail}`];
  const before = `${transaction.wasActive ? 'active' : 'inactive'} ${transaction.wasEnabled ? 'enabled' : 'disabled'}`;
  lines.push(sh`[ -e "$D/before" ] || [ -e "$D/stamp" ] || note before ${before} || ${fail}`);
  const swaps = operations.length > 0;
  const staged = finishButFlush(operations);
  if (swaps) {
    lines.push(sh`journal_open ${JOURNAL_UNIT} ${JOURNAL_FUNCTIONS} || ${fail}`);
    for (const operation of operations) {
      const { path } = operation;
      if (operation.kind !== 'restore' && operation.kind !== 'directory') {
        const key = pathKey(path);
        lines.push(sh`claiming ${key}`, sh`keep ${key} ${path} || ${fail}`);
      }
      lines.push(sh`${layScript(operation, sent)} || { say ${`cannot stage ${path}`}; ${fail}; }`);
    }
    lines.push(sh`${staged.script} || { say 'cannot stage the set'; ${fail}; }`);
    if (transaction.validate !== undefined)
      lines.push(
        sh`${overlaidScript(operations, sent, transaction.validate, CHECKER_SECONDS, marker)} || { r=$?; discard; case $r in ${NOT_OVERLAID}) exit ${TRANSACTION_STATUS.notShown} ;; 124|137) exit ${TRANSACTION_STATUS.checkerHung} ;; *) exit ${TRANSACTION_STATUS.refused} ;; esac; }`,
      );
  }
  if (found !== undefined) {
    const paths = found.isLoaded ? stamp.paths : [];
    // Once newer files lie there, an older stamp tells no more of a process that was restarted since.
    const { reload, restart, invocation } = found;
    const ofThisProcess = sh`grep -qsx ${`invocation ${invocation}`} "$D/stamp"`;
    // A power cut may have left an empty one.
    const ofAnyProcess = sh`{ [ -s "$D/stamp" ] && grep -qs '^invocation ' "$D/stamp"; }`;
    const isTold = transaction.goesAhead && found.isLoaded ? ofThisProcess : ofAnyProcess;
    lines.push(sh`${isTold} || { invocation=${invocation}; note_stamp ${reload} ${restart} ${paths}; } || ${fail}`);
  }
  if (swaps) {
    for (const { kind, path } of operations) {
      const { old } = besides(path);
      const key = pathKey(path);
      if (kind === 'directory') {
        lines.push(sh`mode_now ${key} ${path} ${sh`${path}`.text} || ${fail}`);
        continue;
      }
      lines.push(sh`second_name ${key} ${path} ${old} ${sh`${key} ${path} ${old}`.text} || ${fail}`);
    }
    lines.push(sh`journal_close ${staged.left} || ${fail}`);
  } else lines.push(sh`keep_notes || ${fail}`);
  lines.push(sh`undo() {`, undoScript(transaction, marker), sh`}`);
  lines.push(...swapScripts(operations));
  const changed = operations.filter(({ kind }) => kind !== 'directory').map(({ path }) => directoryOf(path));
  if (changed.length > 0) lines.push(sh`flush_folders ${[...new Set(changed)]} || undo`);
  if (transaction.daemonReload === 'always') lines.push(sh`${systemctl(['daemon-reload'])} || undo`);
  if (transaction.goesAhead) return joinScripts(lines);
  if (transaction.unmask) lines.push(sh`systemctl -q unmask -- ${unit} || undo`);
  if (transaction.enable === false) lines.push(sh`${systemctl(['-q', 'disable', '--', unit])} || undo`);
  lines.push(sh`${processScript(transaction, transaction.process, marker)} || undo`);
  lines.push(proofScript(transaction, marker));
  if (transaction.enable === true) lines.push(sh`${systemctl(['-q', 'enable', '--', unit])} || undo`);
  const late = sh`exit ${TRANSACTION_STATUS.untouched}`;
  lines.push(sh`commit_set ${stamp.reload} ${stamp.restart} ${stamp.paths} || ${late}`);
  lines.push(sh`forget_old_names || ${late}`);
  for (const operation of operations)
    if (operation.kind === 'restore') lines.push(sh`release ${pathKey(operation.path)} ${operation.path}`);
  return joinScripts(lines);
}
