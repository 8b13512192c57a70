import type { FileOperation } from '../resource/change.ts';
import { type Bodies, besides, directoryOf, ownersScript, pathKey } from './file-script.ts';
import { joinScripts, Script, sh } from './sh.ts';
import { WAITING_ROOM } from './state-functions.ts';

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

/**
 * From so many files on that go into one directory, all but the last wait for their names in one of their own there. The
 * last keeps that directory from being forgotten: as long as it is there, the last file lacks, and whoever makes a file
 * in its place removes it first.
 */
const WAITING_ROOM_FROM = 6;

/** The directories above a path, the outermost first. */
function above(path: string): string[] {
  const found: string[] = [];
  for (let at = directoryOf(path); at !== '/'; at = directoryOf(at)) found.unshift(at);
  return found;
}

interface Laid {
  readonly step: number;
  readonly operation: Exclude<PlainOperation, { kind: 'directory' }>;
  /** Where it lies until it gets its name. */
  readonly fresh: string;
}

/** What follows each other and goes into one directory: there one command can give all of them their names. */
interface Run {
  readonly directory: string;
  /** The directory in which they wait, by their own names; undefined: they lie beside their targets. */
  readonly room: string | undefined;
  readonly laid: readonly Laid[];
}

/** No file's new name is this one: that begins so and goes on. */
function roomIn(directory: string): string {
  return `${directory === '/' ? '' : directory}/${WAITING_ROOM}`;
}

function runsOf(steps: readonly (readonly PlainOperation[])[]): readonly Run[] {
  const cut: { directory: string; all: Omit<Laid, 'fresh'>[] }[] = [];
  for (const [step, operations] of steps.entries())
    for (const operation of operations) {
      if (operation.kind === 'directory') continue;
      const directory = directoryOf(operation.path);
      const last = cut.at(-1);
      if (last?.directory === directory) last.all.push({ step, operation });
      else cut.push({ directory, all: [{ step, operation }] });
    }
  const taken = new Set<string>();
  return cut.flatMap(({ directory, all }): readonly Run[] => {
    const names = new Set(all.map(({ operation }) => operation.path));
    const hasRoom = all.length >= WAITING_ROOM_FROM && names.size === all.length && !taken.has(directory);
    if (hasRoom) taken.add(directory);
    const beside = (one: Omit<Laid, 'fresh'>): Laid => ({ ...one, fresh: besides(one.operation.path).fresh });
    if (!hasRoom) return [{ directory, room: undefined, laid: all.map(beside) }];
    const room = roomIn(directory);
    const waiting = all.slice(0, -1).map((one) => {
      const { path } = one.operation;
      return { ...one, fresh: `${room}/${path.slice(path.lastIndexOf('/') + 1)}` };
    });
    return [
      { directory, room, laid: waiting },
      { directory, room: undefined, laid: all.slice(-1).map(beside) },
    ];
  });
}

/** Makes the directories that are missing, the outermost first, and remembers that we did. */
function makeDirectories(steps: readonly (readonly PlainOperation[])[]): readonly Script[] {
  const wanted = new Map<string, number>();
  for (const [step, operations] of steps.entries())
    for (const { kind, path } of operations)
      for (const directory of kind === 'directory' ? [...above(path), path] : above(path))
        if (!wanted.has(directory)) wanted.set(directory, step);
  if (wanted.size === 0) return [];
  const each = [...wanted].map(([directory, step]) => ({ directory, step, mark: pathKey(directory) }));
  return [
    sh`set --`,
    ...each.map(
      ({ directory, mark }) =>
        sh`[ -d ${directory} ] || { set -- "$@" ${directory}; printf '' >|"$S"/directories/${mark} || bad; }`,
    ),
    sh`if [ $# -gt 0 ] && ! mkdir -m 0755 -- "$@"; then
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
  const runs = runsOf(steps);
  const rooms = runs.flatMap(({ room }) => (room === undefined ? [] : [room]));
  const lone = runs.flatMap(({ room, laid }) => (room === undefined ? laid.map((one) => one.fresh) : []));
  const undone = sh`{ ${lone.length === 0 ? sh`:` : sh`rm -f -- ${lone}`}; ${rooms.length === 0 ? sh`:` : sh`rm -rf -- ${rooms}`}; }`;
  const stage = (line: Script) => sh`${line} || { ${undone}; bad; }`;
  const lines: Script[] = [
    new Script(`umask 077
at=0 swapped=0
${FUNCTIONS}`),
    sh`bad() { printf '%s %s\n' "$at" "$swapped" >|${report}; exit ${BATCH_FAILED}; }`,
    ...makeDirectories(steps),
  ];
  let current = 0;
  const begin = (step: number) => {
    if (step !== current) lines.push(sh`at=${step}`);
    current = step;
  };
  for (const [directory, [first]] of Map.groupBy(runs, (one) => one.directory)) {
    begin(first?.laid[0]?.step ?? 0);
    lines.push(stage(sh`no_room ${directory}`));
  }
  for (const { room, laid } of runs) {
    begin(laid[0]?.step ?? 0);
    if (room !== undefined) lines.push(stage(sh`mkdir -m 0700 -- ${room}`));
    for (const { step, operation, fresh } of laid) {
      const { path } = operation;
      const key = pathKey(path);
      begin(step);
      const lay =
        operation.kind === 'file'
          ? sh`lay ${key} ${fresh} ${sent.print(operation.content)}`
          : sh`point ${key} ${operation.target} ${fresh}`;
      lines.push(stage(sh`keep ${key} ${path} && ${lay}`));
    }
  }
  const owned = [
    ...runs.flatMap(({ laid }) =>
      laid.flatMap(({ step, operation, fresh }) =>
        operation.kind === 'file' ? [{ step, operation, at: fresh, isFile: true }] : [],
      ),
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
    lines.push(stage(sh`chmod -- ${mode} ${alike.map((one) => one.at)}`));
  }
  const files = owned.filter(({ isFile }) => isFile).map((one) => one.at);
  lines.push(stage(sh`sync -- ${files} "$S"/paths`));
  for (const [index, { directory, room, laid }] of runs.entries()) {
    // All steps before the one of what comes next are finished.
    const after = runs[index + 1]?.laid[0]?.step ?? steps.length;
    if (room === undefined) {
      for (const [at, { step, operation, fresh }] of laid.entries()) {
        begin(step);
        lines.push(stage(sh`mv -fT -- ${fresh} ${operation.path}`), sh`swapped=${laid[at + 1]?.step ?? after}`);
      }
      continue;
    }
    begin(laid[0]?.step ?? 0);
    const left = joinScripts(
      laid.map(({ step, fresh }) => sh`${step} ${fresh}`),
      ' ',
    );
    lines.push(
      sh`mv -f -t ${directory} -- ${laid.map((one) => one.fresh)} || { stuck ${left}; ${undone}; bad; }`,
      sh`rmdir -- ${room} || bad`,
      sh`swapped=${after}`,
    );
  }
  lines.push(sh`swapped=${steps.length}`);
  const all = steps.flat();
  const directories = new Set(all.map(({ path }) => directoryOf(path)));
  lines.push(sh`sync -- ${[...directories]} || bad`);
  return joinScripts(lines);
}
