import { FRAME_FUNCTIONS, HELD_FRAME_FUNCTIONS, limited } from '../remote/runtime.ts';
import { joinScripts, Script, sh } from '../remote/sh.ts';
import { PATH_FUNCTIONS, PATHS_AT_ONCE, PathProbe } from '../resource/types/path-probe.ts';

/** The probe of one type's resources, with the tag of its frames. */
export interface TypeProbe {
  readonly tag: string;
  readonly script: Script;
  /** It may share a shell with others: see `probesTogether` of a resource type. */
  readonly isTogether: boolean;
}

/** Seconds for all probes that share a shell: what has to be awaited before each runs under its own limit. */
const TOGETHER_SECONDS = 15;

/**
 * One script of many probes, in their order. Those that may share a shell come first, and one look at the paths of all
 * of them costs two forks; where that fails as a whole (a hung mount), each of them runs again by itself.
 */
export function probeScript(probes: readonly TypeProbe[], nonce: string, seconds: number): Script {
  const together = probes.filter((one) => one.isTogether);
  const apart = probes.filter((one) => !one.isTogether || together.length === 1);
  const alone = apart.map(({ tag, script }) => limited(script, { tag, seconds, nonce }));
  if (together.length < 2) return joinScripts(alone);
  return joinScripts([sharedScript(together, nonce, seconds), ...alone]);
}

function sharedScript(probes: readonly TypeProbe[], nonce: string, seconds: number): Script {
  const befores: Script[] = [];
  const looks: Script[] = [];
  const tells: Script[] = [];
  let first = 0;
  let waiting = 0;
  for (const { tag, script } of probes) {
    const chosen = (what: Script) => sh`case $only in '' | ${tag})
farmctl_tag=${tag}
${what}
;; esac`;
    if (!(script instanceof PathProbe)) {
      // Its own shell keeps apart what it sets, and its failure from the others.
      tells.push(
        chosen(sh`release_frames
e=$( { ${new Script(FRAME_FUNCTIONS)}${script}
} 2>&1 ) || failed $?`),
      );
      continue;
    }
    const { before, paths } = script;
    if (before.text !== '') befores.push(chosen(before));
    if (paths.length > 0) looks.push(sh`[ "$only" != ${tag} ] || first=${first}`);
    for (let from = 0; from < paths.length; from += PATHS_AT_ONCE) {
      const words = paths.slice(from, from + PATHS_AT_ONCE);
      looks.push(sh`case $only in '' | ${tag}) set -- "$@" ${joinScripts(words, ' ')} ;; esac`);
      waiting += words.length;
      if (waiting < PATHS_AT_ONCE) continue;
      looks.push(LOOK);
      waiting = 0;
    }
    tells.push(chosen(script.tell(first)));
    first += paths.length;
  }
  if (waiting > 0) looks.push(LOOK);
  const usesPaths = probes.some(({ script }) => script instanceof PathProbe && script.looksAtPaths);
  const functions = [HELD_FRAME_FUNCTIONS, ...(usesPaths ? [PATH_FUNCTIONS] : [])].join('');
  const text = joinScripts([...befores, ...looks, ...tells]);
  return new Script(`probes() {
e=$(timeout -k 2 $1 sh /dev/fd/9 "$2" 9<<'${nonce}' 2>&1 </dev/null
set -u
only=$1 first=0 farmctl_nonce=${nonce} farmctl_tag=
set --
umask 022
${functions}failed() { frame "failed $farmctl_tag $1"; printf '%s' "$e" | tail -c 2000 >&3; }
${text.text}
release_frames
${nonce}
)
}
probes ${Math.min(seconds, TOGETHER_SECONDS)} '' || for one in ${probes.map(({ tag }) => tag).join(' ')}; do
probes ${seconds} $one || { r=$?; frame "failed $one $r"; printf '%s' "$e" | tail -c 2000 >&3; }
done`);
}

/** Numbers go on where the last look ended. */
const LOOK = new Script(`[ $# -eq 0 ] || { look "$first" "$@"; first=$((first + $#)); set --; }`);
