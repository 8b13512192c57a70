import type { FileOperation } from '../resource/change.ts';
import { type Bodies, besides, directoryOf, ownersScript, pathKey } from './file-script.ts';
import { joinScripts, Script, sh } from './sh.ts';
import { FLUSHED_BEFORE } from './state-functions.ts';

/** What can be made together with others: things that only have to appear. */
export type PlainOperation = Extract<FileOperation, { kind: 'file' | 'symlink' | 'directory' }>;

export function isPlain(operation: FileOperation): operation is PlainOperation {
  return operation.kind === 'file' || operation.kind === 'symlink' || operation.kind === 'directory';
}

/** Exit status of the batch's script. */
export const BATCH_FAILED = 1;

/** Of a directory when it is made. */
const NEW_MODE = '0755';

/**
 * Functions of a batch, for a shell whose umask is 077 and which has the state functions. `at` is the number of the
 * step under way; `swapped` says how many are in their places.
 */
const FUNCTIONS = String.raw`lay() {
  k=$1 p=$2
  shift 2
  clear "$p" || return 1
  set -C
  "$@" >"$p"
  r=$?
  set +C
  [ "$r" -eq 0 ] && own "$k"
}
point() { clear "$3" && ln -s -- "$2" "$3" && own "$1"; }
stuck() {
  while [ $# -gt 0 ]; do
    if there "$2"; then at=$1 swapped=$1; return; fi
    shift 2
  done
}
`;

/** The directories above a path, the outermost first. */
function above(path: string): string[] {
  const found: string[] = [];
  for (let at = directoryOf(path); at !== '/'; at = directoryOf(at)) found.unshift(at);
  return found;
}

interface Laid {
  readonly step: number;
  readonly operation: Exclude<PlainOperation, { kind: 'directory' }>;
  /** Where it lies until it gets its name, beside it. */
  readonly fresh: string;
}

function laidOf(steps: readonly (readonly PlainOperation[])[]): readonly Laid[] {
  return steps.flatMap((operations, step) =>
    operations.flatMap((operation) =>
      operation.kind === 'directory' ? [] : [{ step, operation, fresh: besides(operation.path).fresh }],
    ),
  );
}

/**
 * Makes the directories that are missing, the outermost first, and remembers that we did. `was_there` is not empty where
 * one that is to have a mode was there before.
 */
function makeDirectories(steps: readonly (readonly PlainOperation[])[]): readonly Script[] {
  const wanted = new Map<string, number>();
  for (const [step, operations] of steps.entries())
    for (const { kind, path } of operations)
      for (const directory of kind === 'directory' ? [...above(path), path] : above(path))
        if (!wanted.has(directory)) wanted.set(directory, step);
  if (wanted.size === 0) return [];
  const targets = new Set(steps.flat().flatMap(({ kind, path }) => (kind === 'directory' ? [path] : [])));
  const each = [...wanted].map(([directory, step]) => ({ directory, step, mark: pathKey(directory) }));
  return [
    sh`set --
was_there=`,
    ...each.map(
      ({ directory, mark }) =>
        sh`if [ -d ${directory} ]; then ${targets.has(directory) ? sh`was_there=yes` : sh`:`}; else set -- "$@" ${directory}; printf '' >|"$S"/directories/${mark} || bad; fi`,
    ),
    sh`if [ $# -gt 0 ] && ! mkdir -m ${NEW_MODE} -- "$@"; then
at=-1`,
    ...each.map(
      ({ directory, step, mark }) =>
        sh`[ -d ${directory} ] || { rm -f -- "$S"/directories/${mark}; [ "$at" -ge 0 ] || at=${step}; }`,
    ),
    sh`[ "$at" -ge 0 ] || at=0
bad
fi`,
  ];
}

/**
 * Makes the things of several steps with as few commands as that takes: all are kept, staged and flushed, then each gets
 * its name by a rename of its own. Nothing has its name before everything is staged.
 * @param report where the shell writes `STEP SWAPPED` when it fails: the step, and how many steps were finished
 */
export function filesBatch(steps: readonly (readonly PlainOperation[])[], sent: Bodies, report: string): Script {
  const laid = laidOf(steps);
  const fresh = laid.map((one) => one.fresh);
  const stage = (line: Script) => sh`${line} || { undone; bad; }`;
  const lines: Script[] = [
    new Script(`umask 077
at=0 swapped=0
${FUNCTIONS}`),
    sh`bad() { printf '%s %s\n' "$at" "$swapped" >|${report}; exit ${BATCH_FAILED}; }`,
    sh`undone() { ${fresh.length === 0 ? sh`:` : sh`rm -f -- ${fresh}`}; }`,
    ...makeDirectories(steps),
  ];
  let current = 0;
  const begin = (step: number) => {
    if (step !== current) lines.push(sh`at=${step}`);
    current = step;
  };
  for (const { step, operation, fresh: beside } of laid) {
    const { path } = operation;
    const key = pathKey(path);
    begin(step);
    const lay =
      operation.kind === 'file'
        ? sh`lay ${key} ${beside} ${sent.print(operation.content)}`
        : sh`point ${key} ${operation.target} ${beside}`;
    lines.push(stage(sh`keep ${key} ${path} && ${lay}`));
  }
  const owned = [
    ...laid.flatMap(({ step, operation, fresh: at }) =>
      operation.kind === 'file' ? [{ step, operation, at, isFile: true }] : [],
    ),
    ...steps.flatMap((operations, step) =>
      operations.flatMap((operation) =>
        operation.kind === 'directory' ? [{ step, operation, at: operation.path, isFile: false }] : [],
      ),
    ),
  ];
  // Owners before modes: chown takes set-user-id bits away.
  for (const [owner, alike] of Map.groupBy(owned, ({ operation }) => `${operation.owner}:${operation.group}`)) {
    begin(Math.min(...alike.map((one) => one.step)));
    lines.push(
      stage(
        ownersScript(
          owner,
          alike.map((one) => one.at),
        ),
      ),
    );
  }
  for (const [mode, alike] of Map.groupBy(owned, ({ operation }) => operation.mode)) {
    begin(Math.min(...alike.map((one) => one.step)));
    const chmod = sh`chmod -- ${mode} ${alike.map((one) => one.at)}`;
    const mayHaveIt = mode === NEW_MODE && alike.every(({ isFile }) => !isFile);
    lines.push(stage(mayHaveIt ? sh`{ [ -z "$was_there" ] || ${chmod}; }` : chmod));
  }
  const files = owned.filter(({ isFile }) => isFile).map((one) => one.at);
  lines.push(stage(sh`sync -- ${files} ${FLUSHED_BEFORE}`));
  if (laid.length > 0) {
    begin(laid[0]?.step ?? 0);
    const left = joinScripts(
      laid.map(({ step, fresh: beside }) => sh`${step} ${beside}`),
      ' ',
    );
    lines.push(stage(sh`give_names ${fresh} || { stuck ${left}; false; }`));
  }
  lines.push(sh`swapped=${steps.length}`);
  const directories = new Set(steps.flat().map(({ path }) => directoryOf(path)));
  lines.push(sh`sync -- ${[...directories]} || bad`);
  return joinScripts(lines);
}
