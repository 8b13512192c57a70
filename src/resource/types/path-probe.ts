import { joinScripts, Script, sh } from '../../remote/sh.ts';
import type { ProbeRecord } from '../define.ts';

/** A path to look at. */
export interface PathTarget {
  /** A script where only the host knows the path: shell text that gives one word. */
  readonly path: string | Script;
  /** SHA-256 of the wanted content: a file that has another one is sent whole. Absent: it is never sent. */
  readonly wantedDigest?: string | undefined;
}

/** One record of the probe: the paths it tells about, and shell text that adds further fields. */
export interface PathLook {
  readonly targets: readonly PathTarget[];
  /** Instead of fields the targets get a line each in `$inodes`, for `further`: inode and change time of what is there. */
  readonly asksInodes?: true;
  readonly further?: Script;
}

export type PathKind = 'file' | 'directory' | 'symlink' | 'fifo' | 'socket' | 'block device' | 'character device';

/** What lies at a path. */
export interface PathState {
  readonly kind: PathKind;
  /** Four octal digits. */
  readonly mode: string;
  /** Name, or `UNKNOWN` where the number has none. */
  readonly owner: string;
  readonly uid: string;
  readonly group: string;
  readonly gid: string;
  /** Bytes; 0 for a directory, whose size changes by itself. */
  readonly size: number;
  /** Of a symlink. */
  readonly target?: string;
  /** SHA-256 of a regular file; absent where it could not be read. */
  readonly digest?: string;
  /** The old content, where it differs from the wanted one and is not larger than `SHOWN_BYTES`. */
  readonly content?: Uint8Array;
}

/** A larger old content is not fetched: then only the digests are shown. */
export const SHOWN_BYTES = 1024 * 1024;

/** So many paths are given to one `stat`: a shell's list of arguments is slow to grow when it is long. */
export const PATHS_AT_ONCE = 200;

/** So many old contents of such a record are sent: each costs a process, and nobody reads thousands. */
const LONG_RECORD_CONTENTS = 100;
const MANY = 1_000_000;

/**
 * A record of more paths than that is told while it is looked at, by the same few numbers again and again from this one
 * on: a shell finds its variables slowly when it has thousands.
 */
const AGAIN_FROM = 1_000_000;

/**
 * `look N PATH...`: metadata and digests of the paths, numbered from N, by one stat and one sha256sum. Both print one
 * line a path whatever its name: stat quotes as in C, sha256sum escapes. Where the lines do not fit the paths (one
 * vanished meanwhile, one cannot be read), they are looked at one by one. Of a path behind a `-` there is no digest.
 * `tell N SUFFIX DIGEST`: prints the fields of path N. `inode N`: adds its inode and change time to `inodes`.
 */
export const PATH_FUNCTIONS = String.raw`contents=${MANY} newline='
'
spread() {
  name=$1 numbers=$2
  IFS=$newline
  set -f
  # shellcheck disable=SC2086 # one word a line
  set -- $3
  set +f
  unset IFS
  for n in $numbers; do
    [ $# -gt 0 ] || return 1
    eval "$name$n=\$1"
    shift
  done
  [ $# -eq 0 ]
}
look() {
  count=$(($# - 1)) base=$1 n=$1 there='' there_words='' regular='' regular_words=''
  shift
  for word; do
    p=\${word#-} hashed=yes
    [ "$p" = "$word" ] || hashed=
    eval "meta_$n= sum_$n= word_$n=\$word path_$n=\$p"
    if [ -e "$p" ] || [ -L "$p" ]; then
      there="$there $n" there_words="$there_words \"\$path_$n\""
      [ -z "$hashed" ] || [ -L "$p" ] || [ ! -f "$p" ] || regular="$regular $n" regular_words="$regular_words \"\$path_$n\""
    fi
    n=$((n + 1))
  done
  [ -n "$there" ] || return 0
  eval "set -- $there_words"
  if spread meta_ "$there" "$(QUOTING_STYLE=c stat --printf='%i %.9Z:%f:%s:%a:%U:%u:%G:%g:%N\n' -- "$@" 2>/dev/null)"; then
    [ -n "$regular" ] || return 0
    eval "set -- $regular_words"
    if spread sum_ "$regular" "$(sha256sum -- "$@" 2>/dev/null)"; then return 0; fi
  fi
  [ "$count" -gt 1 ] || return 0
  again=$base last=$((base + count))
  while [ "$again" -lt "$last" ]; do
    eval "look $again \"\$word_$again\""
    again=$((again + 1))
  done
}
tell() {
  eval "m=\$meta_$1 s=\$sum_$1 p=\$path_$1"
  [ -n "$m" ] || return 0
  m=\${m#*:}
  size=\${m#*:}
  case $m in 4???:*) m=\${m%%:*}:0:\${size#*:} ;; esac
  size=\${size%%:*}
  field "stat$2" "$m"
  [ -n "$s" ] || return 0
  s=\${s#\\}
  s=\${s%% *}
  field "digest$2" "$s"
  [ -z "$3" ] || [ "$s" = "$3" ] || [ "$size" -gt ${SHOWN_BYTES} ] || [ "$contents" -le 0 ] ||
    { contents=$((contents - 1)) && data "content$2" <"$p"; }
}
inode() {
  eval "m=\$meta_$1"
  [ -z "$m" ] || inodes=$inodes\${m%%:*}$newline
}
`.replaceAll('\\${', '${');

/**
 * The script of a probe that looks at paths. Several such probes can share one shell and one look at all their paths:
 * then each only tells what was found of its own. So the names of what `before` sets must be its own too, and what tells
 * leaves `first`, `only` and the positional parameters alone.
 */
export class PathProbe extends Script {
  /** What runs before any path is looked at. */
  readonly before: Script;
  /** Words for the shell, one a path; without those of records that are told while they are looked at. */
  readonly paths: readonly Script[];
  /** True where PATH_FUNCTIONS are used. */
  readonly looksAtPaths: boolean;
  readonly #looks: readonly PathLook[];

  constructor(looks: readonly PathLook[], before: readonly Script[]) {
    const words = looks.filter((look) => !isLong(look)).flatMap(wordsOf);
    const looksAtPaths = looks.some(({ targets }) => targets.length > 0);
    const scripts = [...before, ...(looksAtPaths ? [new Script(PATH_FUNCTIONS)] : [])];
    for (let from = 0; from < words.length; from += PATHS_AT_ONCE)
      scripts.push(sh`look ${from} ${joinScripts(words.slice(from, from + PATHS_AT_ONCE), ' ')}`);
    super(joinScripts([...scripts, ...telling(looks, 0)]).text);
    this.#looks = looks;
    this.before = joinScripts(before);
    this.paths = words;
    this.looksAtPaths = looksAtPaths;
  }

  /** The rest of the probe where its paths were looked at before, numbered from `first`. */
  tell(first: number): Script {
    return joinScripts(telling(this.#looks, first));
  }
}

function isLong({ targets }: PathLook): boolean {
  return targets.length > PATHS_AT_ONCE;
}

/** The paths of a record, as `look` takes them. */
function wordsOf({ targets, asksInodes }: PathLook): readonly Script[] {
  return targets.map(({ path }) => (asksInodes === true ? sh`-${path}` : sh`${path}`));
}

function telling(looks: readonly PathLook[], first: number): Script[] {
  let number = first;
  return looks.flatMap((look, index) => [
    sh`record ${index}`,
    ...(look.asksInodes === true ? [sh`inodes=`] : []),
    ...(isLong(look)
      ? lookingAndTelling(look)
      : look.targets.map((target, suffix) => tellingTarget(look, target, number++, suffix))),
    ...(look.further === undefined ? [] : [look.further]),
    sh`end_record`,
  ]);
}

function tellingTarget({ asksInodes }: PathLook, { wantedDigest = '' }: PathTarget, number: number, suffix: number) {
  return asksInodes === true ? sh`inode ${number}` : sh`tell ${number} ${suffix} ${wantedDigest}`;
}

function lookingAndTelling(look: PathLook): Script[] {
  const scripts = [sh`contents=${LONG_RECORD_CONTENTS}`];
  const words = wordsOf(look);
  for (let from = 0; from < words.length; from += PATHS_AT_ONCE) {
    const to = from + PATHS_AT_ONCE;
    scripts.push(
      sh`look ${AGAIN_FROM} ${joinScripts(words.slice(from, to), ' ')}`,
      ...look.targets.slice(from, to).map((target, at) => tellingTarget(look, target, AGAIN_FROM + at, from + at)),
    );
  }
  return [...scripts, sh`contents=${MANY}`];
}

/**
 * One script that looks at all paths of all records. Field names end in the number of the target, from 0.
 * Costs two forks for up to 200 paths, and one for each old content that is sent.
 * @param before shell text that runs first, once for all
 */
export function probePaths(looks: readonly PathLook[], before: readonly Script[] = []): PathProbe {
  return new PathProbe(looks, before);
}

/** As `probePaths` where no path is looked at: a script for each record that prints its fields. */
export function probeTogether(fields: readonly Script[], before: readonly Script[]): PathProbe {
  return new PathProbe(
    fields.map((further) => ({ targets: [], further })),
    before,
  );
}

const KINDS: Readonly<Record<string, PathKind>> = {
  '1': 'fifo',
  '2': 'character device',
  '4': 'directory',
  '6': 'block device',
  '8': 'file',
  a: 'symlink',
  c: 'socket',
};

const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

const ESCAPES: Readonly<Record<string, number>> = { a: 7, b: 8, t: 9, n: 10, v: 11, f: 12, r: 13 };

/** The text of a C string literal as coreutils quote it, without its quotation marks. */
function unquote(literal: string): string {
  const bytes: number[] = [];
  for (const [, octal, escaped, plain] of literal.matchAll(/\\([0-7]{3})|\\(.)|([^\\])/gs)) {
    if (octal !== undefined) bytes.push(Number.parseInt(octal, 8));
    else if (escaped !== undefined) bytes.push(ESCAPES[escaped] ?? escaped.charCodeAt(0));
    else if (plain !== undefined) bytes.push(plain.charCodeAt(0));
  }
  return decoder.decode(Uint8Array.from(bytes));
}

/** What the record says about its target number `suffix`; undefined if nothing is there. */
export function readPath(record: ProbeRecord, suffix = 0): PathState | undefined {
  const [raw = '', size = '', mode = '', owner = '', uid = '', group = '', gid = '', ...name] = record
    .text(`stat${suffix}`)
    .split(':');
  const kind = KINDS[raw.slice(0, -3)];
  if (kind === undefined) return undefined;
  const target = /^"(?:[^"\\]|\\.)*" -> "((?:[^"\\]|\\.)*)"$/s.exec(name.join(':'))?.[1];
  const digest = record.text(`digest${suffix}`);
  return {
    kind,
    mode: mode.padStart(4, '0'),
    owner,
    uid,
    group,
    gid,
    size: Number(size),
    ...(target === undefined ? {} : { target: unquote(target) }),
    ...(digest === '' ? {} : { digest }),
    ...(record.has(`content${suffix}`) ? { content: record.bytes(`content${suffix}`) } : {}),
  };
}
