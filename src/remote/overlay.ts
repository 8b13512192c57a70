import type { FileOperation } from '../resource/change.ts';
import { type Bodies, directoryOf, pathKey } from './file-script.ts';
import { STATE_DIRECTORY } from './runtime.ts';
import { joinScripts, Script, sh } from './sh.ts';
import { ROOTS } from './state-functions.ts';

/** Exit status of an overlaid checker: the set could not be laid over the real paths, so nothing was checked. */
export const NOT_OVERLAID = 98;

/** What an overlaid checker's status 1 travels as: 1 is that of an `unshare` that could not. */
const CHECKER_ENDED_WITH_1 = 95;

/** What all directories that a set touches may hold together, for their copies lie in memory. */
const COPIES_MIB = 256;

/** One command of systemd's or of the host's, with plain words: it needs no shell around it. */
const ONE_COMMAND = /^(?:systemctl|\/[A-Za-z0-9_/.-]+)(?: [A-Za-z0-9_/.:@=,+-]+)*$/;

/** Runs a script in a shell of its own under a time limit, without input and never as an argument. */
export function boundedScript(script: Script, seconds: number, marker: string): Script {
  if (ONE_COMMAND.test(script.text)) return sh`timeout -k 5 ${seconds} ${script} </dev/null`;
  return new Script(`{ timeout -k 5 ${seconds} sh /dev/fd/9 9<<'${marker}' </dev/null
${script.text}
${marker}
}`);
}

/**
 * Functions that lay a set over the real paths, for a shell in a mount namespace of its own. `M` is a scratch tmpfs
 * there. A directory that the set touches is covered by a copy of itself, then changed as if it were the real one.
 */
const OVERLAY_FUNCTIONS = String.raw`${ROOTS}n=0 laid=//
cover() {
  d=$1
  while [ ! -d "$d" ]; do d=${'${d%/*}'}; [ -n "$d" ] || d=/; done
  d=$(cd -P -- "$d" && pwd -P) || return 1
  [ "$d" != / ] || { echo "cannot stage in /" >&2; return 1; }
  case $laid in *"//$d//"*) return 0 ;; esac
  n=$((n + 1))
  cp -aT -- "$d" "$M/$n" || { echo "$d cannot be staged (of large directories no copy is made)" >&2; return 1; }
  mount --bind "$M/$n" "$d" && laid=$laid$d//
}
scratch() {
  cp -ax --attributes-only -t "$M" -- "$@" 2>/dev/null
  for d; do
    [ ! -d "$d" ] || { [ -d "$M/${'${d##*/}'}" ] && mount --bind "$M/${'${d##*/}'}" "$d"; } || return 1
  done
}
above() { [ -d "${'${1%/*}'}" ] || mkdir -p -- "${'${1%/*}'}"; }
lay_file() {
  p=$1 m=$2 o=$3:$4
  shift 4
  above "$p" && { { [ ! -e "$p" ] && [ ! -L "$p" ]; } || rm -f -- "$p"; } && "$@" >"$p" && { { [ "$o" = root:root ] && roots "$p"; } || chown -- "$o" "$p" || :; } && { [ "$m" = 0644 ] || chmod -- "$m" "$p"; }
}
lay_directory() { mkdir -p -- "$1" && { chown -- "$3:$4" "$1" || :; } && chmod -- "$2" "$1"; }
lay_original() { rm -f -- "$2" && if [ -e "$1" ] || [ -L "$1" ]; then cp -aT -- "$1" "$2"; fi; }
lay_link() { above "$2" && rm -f -- "$2" && ln -s -- "$1" "$2"; }
`;

function lay(operation: FileOperation, sent: Bodies): Script {
  const { path } = operation;
  switch (operation.kind) {
    case 'file':
      return sh`lay_file ${path} ${operation.mode} ${operation.owner} ${operation.group} ${sent.print(operation.content)}`;
    case 'symlink':
      return sh`lay_link ${operation.target} ${path}`;
    case 'directory':
      return sh`lay_directory ${path} ${operation.mode} ${operation.owner} ${operation.group}`;
    case 'absent':
      return sh`rm -f -- ${path}`;
    case 'restore':
      return sh`lay_original ${`${STATE_DIRECTORY}/originals/${pathKey(path)}`} ${path}`;
    case 'restoreKept':
      return sh`:`;
  }
}

/**
 * Runs a checker that finds the set at its real paths, in a private mount namespace: nothing else on the host sees it,
 * and /run and /var/log are scratch there. The bodies are read from `$B`.
 * Exit status: the checker's, or NOT_OVERLAID.
 */
export function overlaidScript(
  operations: readonly FileOperation[],
  sent: Bodies,
  checker: Script,
  seconds: number,
  marker: string,
): Script {
  const touched = operations.map(({ kind, path }) => (kind === 'directory' ? path : directoryOf(path)));
  const directories = [...new Set(touched)];
  const inner = joinScripts([
    new Script(
      `set -u\numask 022\n[ -d "$M" ] || mkdir -- "$M" && mount -t tmpfs -o mode=0755,size=${COPIES_MIB}m farmctl "$M" || exit ${NOT_OVERLAID}`,
    ),
    new Script(OVERLAY_FUNCTIONS),
    ...directories.map((directory) => sh`cover ${directory} || exit ${NOT_OVERLAID}`),
    sh`scratch /run /var/log || exit ${NOT_OVERLAID}`,
    ...operations.map((operation) => sh`${lay(operation, sent)} || exit ${NOT_OVERLAID}`),
    boundedScript(checker, seconds, `${marker}1`),
    new Script(`r=$?\n[ $r -ne 1 ] || r=${CHECKER_ENDED_WITH_1}\nexit $r`),
  ]);
  // Its scratch space lies over a directory of farmctl's own that no checker needs; before there is one, over /tmp.
  return new Script(`{ BODIES=\${BODIES-} M=${STATE_DIRECTORY}/manifest
[ -d "$M" ] || M=/tmp
[ -z "$BODIES" ] || M=$BODIES/overlay
export B M
unshare -m --propagation slave sh /dev/fd/8 8<<'${marker}0' </dev/null
${inner.text}
${marker}0
r=$?
case $r in
  1) r=${NOT_OVERLAID} ;;
  ${CHECKER_ENDED_WITH_1}) r=1 ;;
  126 | 127) unshare -m --propagation slave true || r=${NOT_OVERLAID} ;;
esac
[ $r -eq 0 ] || (exit $r)
}`);
}
