import type { FileOperation } from '../resource/change.ts';
import { type Bodies, besides, directoryOf, pathKey } from './file-script.ts';
import { joinScripts, Script, sh } from './sh.ts';

/** What can be made together with others: things that only have to appear. */
export type PlainOperation = Extract<FileOperation, { kind: 'file' | 'symlink' | 'directory' }>;

export function isPlain(operation: FileOperation): operation is PlainOperation {
  return operation.kind === 'file' || operation.kind === 'symlink' || operation.kind === 'directory';
}

/** Exit status of the batch's script. */
export const BATCH_FAILED = 1;

/**
 * Functions of a batch, for a shell whose umask is 077 and which has the state functions. `at` is the number of the
 * step under way; `swapped` says how many are in their places.
 */
const FUNCTIONS = String.raw`dir() { [ -d "$1" ] || { mkdir -m 0755 -- "$1" && printf '' >|"$S/directories/$2"; }; }
own() { [ -e "$S/paths/$1" ] || printf '' >"$S/paths/$1"; }
lay() { clear "$3" && ( set -C; exec cat -- "$B/$2" >"$3" ) && own "$1"; }
point() { clear "$3" && ln -s -- "$2" "$3" && own "$1"; }
`;

/** Keys for what is alike, in the order in which they came. */
function grouped<T>(all: readonly T[], key: (one: T) => string): ReadonlyMap<string, readonly T[]> {
  return Map.groupBy(all, key);
}

/** The directories above a path, the outermost first. */
function above(path: string): string[] {
  const found: string[] = [];
  for (let at = directoryOf(path); at !== '/'; at = directoryOf(at)) found.unshift(at);
  return found;
}

interface Numbered {
  readonly step: number;
  readonly operation: PlainOperation;
}

/**
 * Makes the things of several steps with as few commands as that takes: all are kept, staged and flushed, then each gets
 * its name by a rename of its own. Nothing has its name before everything is staged.
 * @param report where the shell writes `STEP SWAPPED` when it fails: the step, and how many steps were finished
 */
export function filesBatch(steps: readonly (readonly PlainOperation[])[], sent: Bodies, report: string): Script {
  const all: Numbered[] = steps.flatMap((operations, step) => operations.map((operation) => ({ step, operation })));
  const fail = sh`|| bad`;
  const lines: Script[] = [
    new Script(`umask 077
at=0 swapped=0
${FUNCTIONS}`),
    sh`bad() { printf '%s %s\n' "$at" "$swapped" >|${report}; exit ${BATCH_FAILED}; }`,
  ];
  const fresh = all.flatMap(({ operation }) => (operation.kind === 'directory' ? [] : [besides(operation.path).fresh]));
  const undone = fresh.length === 0 ? sh`:` : sh`rm -f -- ${fresh}`;
  const stage = (line: Script) => sh`${line} || { ${undone}; bad; }`;
  const made = new Set<string>();
  let current = -1;
  const begin = (step: number) => {
    if (step !== current) lines.push(sh`at=${step}`);
    current = step;
  };
  for (const { step, operation } of all) {
    const { path } = operation;
    const key = pathKey(path);
    begin(step);
    for (const directory of operation.kind === 'directory' ? [...above(path), path] : above(path)) {
      if (made.has(directory)) continue;
      made.add(directory);
      lines.push(stage(sh`dir ${directory} ${pathKey(directory)}`));
    }
    if (operation.kind === 'file')
      lines.push(stage(sh`keep ${key} ${path} && lay ${key} ${sent.add(operation.content)} ${besides(path).fresh}`));
    if (operation.kind === 'symlink')
      lines.push(stage(sh`keep ${key} ${path} && point ${key} ${operation.target} ${besides(path).fresh}`));
  }
  const owned = all.flatMap(({ step, operation }) =>
    operation.kind === 'symlink'
      ? []
      : [{ step, operation, at: operation.kind === 'file' ? besides(operation.path).fresh : operation.path }],
  );
  // Owners before modes: chown takes set-user-id bits away.
  for (const [, alike] of grouped(owned, ({ operation }) => `${operation.owner}\n${operation.group}`)) {
    const [first] = alike;
    if (first === undefined) continue;
    begin(first.step);
    const { owner, group } = first.operation;
    lines.push(stage(sh`chown -- ${`${owner}:${group}`} ${alike.map((one) => one.at)}`));
  }
  for (const [mode, alike] of grouped(owned, ({ operation }) => operation.mode)) {
    begin(alike[0]?.step ?? 0);
    lines.push(stage(sh`chmod -- ${mode} ${alike.map((one) => one.at)}`));
  }
  const bodies = owned.filter(({ operation }) => operation.kind === 'file').map((one) => one.at);
  lines.push(stage(sh`sync -- ${[...bodies]} "$S/paths"`));
  for (const [step, operations] of steps.entries()) {
    begin(step);
    for (const operation of operations)
      if (operation.kind !== 'directory')
        lines.push(stage(sh`mv -fT -- ${besides(operation.path).fresh} ${operation.path}`));
    lines.push(sh`swapped=${step + 1}`);
  }
  const directories = new Set(all.map(({ operation }) => directoryOf(operation.path)));
  lines.push(sh`sync -- ${[...directories]} ${fail}`);
  return joinScripts(lines);
}
