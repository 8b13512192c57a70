import { STATE_DIRECTORY } from './runtime.ts';
import { Script } from './sh.ts';

/**
 * `roots FILE...`: true where all belong to root and its group already, as what root makes mostly does. Asking the shell
 * costs nothing, chown a process.
 */
export const ROOTS = `roots() {
  [ -O / ] || return 1
  for f; do [ -O "$f" ] && [ -G "$f" ] || return 1; done
}
`;

/**
 * Words for `sync`, which takes them one after the other: the manifest, what was set aside, and last which paths are ours,
 * as what is claimed is not set aside any more. All are to be on the disk before what is on the host is changed.
 */
export const FLUSHED_BEFORE = new Script('"$S"/manifest "$S"/originals "$S"/paths');

/**
 * Functions of the scripts that change a host. `S` is farmctl's own directory there, `B` the directory of the bodies
 * that came with the request. Every function returns non-zero if anything in it failed.
 *
 * - `open_state`: makes farmctl's directory.
 * - `keep KEY PATH`: what is at PATH and was not put there by us is set aside once, to come back on removal. Before
 *   PATH is changed, FLUSHED_BEFORE must be flushed.
 * - `rename_all OLD NEW FILE...`: in each file's own name the first OLD becomes NEW, by one rename a file, in their order.
 *   Debian's util-linux has a command for it; elsewhere each costs a process. What fails may be followed by others.
 * - `give_names NEW...`: what lies staged beside its target gets the target's name.
 * - `manifest_add KEY LINE`, `manifest_drop KEY`: the list of what farmctl put here.
 * - `parents DIRECTORY`: makes missing directories and remembers that we did.
 * - `own_directory PATH MODE OWNER GROUP`: gives a directory its mode and owners.
 * - `put NEW COMMAND...`: what the command prints, in a new file that nobody else can read; `own KEY`: that path is ours.
 * - `stage_original KEY NEW`: what was set aside, beside its old place, whole and flushed.
 * - `vanish_ours KEY PATH`: a removal of what was not given back yet, by a run that did not live to say so.
 * - `restore_kept DIRECTORY`: everything that was set aside from directly inside it comes back where nothing is now.
 * - `forget_parents DIRECTORY`: an empty directory that we made goes, and so upwards; also for the removals of roles.
 * - `flush_folders DIRECTORY...`: those of them that are there.
 * - `swap NEW PATH`, `vanish PATH`, `release KEY PATH`: one rename, one removal, and forgetting a path that was ours.
 */
export const STATE_FUNCTIONS = String.raw`${ROOTS}S=${STATE_DIRECTORY}
open_state() {
  set --
  for d in manifest manifest.new originals paths services directories accounts; do [ -d "$S/$d" ] || set -- "$@" "$S/$d"; done
  [ $# -eq 0 ] || ( umask 077; mkdir -p -- "$@" )
}
there() { [ -e "$1" ] || [ -L "$1" ]; }
say() { printf '%s\n' "$*" >&2; }
flush() { [ -L "$1" ] || [ ! -f "$1" ] || sync -- "$1"; }
folder_of() { f=${'${1%/*}'}; [ -n "$f" ] || f=/; }
clear() { ! there "$1" || rm -f -- "$1"; }
keep() {
  there "$2" || return 0
  [ -L "$2" ] || [ ! -d "$2" ] || { say "$2 is a directory"; return 1; }
  [ ! -e "$S/paths/$1" ] || return 0
  set -- "$1" "$2" "$S/originals/.new.$1" "$S/originals/$1.path"
  { ! there "$3" || rm -rf -- "$3"; } && cp -aT -- "$2" "$3" && printf %s "$2" >"$4" || return 1
  if [ -L "$3" ] || [ ! -f "$3" ]; then sync -- "$4"; else sync -- "$4" "$3"; fi &&
    mv -fT -- "$3" "$S/originals/$1"
}
rename_all() {
  [ $# -lt 4 ] || [ ! -x /usr/bin/rename.ul ] || { /usr/bin/rename.ul -- "$@"; return; }
  old=$1 new=$2
  shift 2
  for n; do
    name=${'${n##*/}'}
    mv -fT -- "$n" "${'${n%/*}'}/${'${name%%"$old"*}'}$new${'${name#*"$old"}'}" || return 1
  done
}
give_names() { rename_all .farmctl-new. '' "$@"; }
own() { [ -e "$S/paths/$1" ] || printf '' >|"$S/paths/$1"; }
manifest_add() {
  set -- "$S/manifest/$1" "$2"
  { clear "$1.new" && printf '%s\n' "$2" >"$1.new" && sync -- "$1.new" && mv -fT -- "$1.new" "$1" || { rm -f -- "$1.new"; false; }; } &&
    sync -- "$S/manifest"
}
manifest_drop() { rm -f -- "$S/manifest/$1" && sync -- "$S/manifest"; }
key_of() { key=$(printf %s "$1" | sha256sum) && key=${'${key%"${key#????????????????????????????????}"}'}; }
parents() {
  [ ! -d "$1" ] || return 0
  case $1 in /*/*) parents "${'${1%/*}'}" || return 1 ;; esac
  mkdir -m 0755 -- "$1" && key_of "$1" && printf '' >"$S/directories/$key"
}
forget_parents() {
  case $1 in /*/*) ;; *) return 0 ;; esac
  key_of "$1" || return 0
  set -- "$1" "$key"
  [ -e "$S/directories/$2" ] && rmdir -- "$1" 2>/dev/null || return 0
  rm -f -- "$S/directories/$2"
  forget_parents "$(dirname -- "$1")"
}
put() {
  clear "$1" || return 1
  p=$1
  shift
  umask 077
  set -C
  "$@" >"$p"
  r=$?
  set +C
  umask 022
  return "$r"
}
own_directory() { chown -- "$3:$4" "$1" && chmod -- "$2" "$1"; }
stage_original() { clear "$2" && cp -aT -- "$S/originals/$1" "$2" && flush "$2"; }
swap() { folder_of "$2"; mv -fT -- "$1" "$2" && sync -- "$f"; }
flush_folders() {
  for f; do
    shift
    [ ! -d "$f" ] || set -- "$@" "$f"
  done
  [ $# -eq 0 ] || sync -- "$@"
}
vanish() { folder_of "$1"; rm -f -- "$1" && sync -- "$f"; }
vanish_ours() { [ ! -e "$S/paths/$1" ] || vanish "$2"; }
restore_kept() {
  for k in "$S"/originals/*.path; do
    [ -e "$k" ] || continue
    p=$(cat -- "$k"; echo .)
    p=${'${p%.}'}
    [ "$(dirname -- "$p")" = "$1" ] || continue
    k=${'${k##*/}'}
    set -- "$1" "${'${k%.path}'}" "$p" "$1/.farmctl-new.${'${p##*/}'}"
    there "$3" || { parents "$1" && stage_original "$2" "$4" && swap "$4" "$3"; } || return 1
    release "$2" "$3"
  done
}
release() { rm -f -- "$S/paths/$1" "$S/originals/$1.path"; rm -rf -- "$S/originals/$1"; forget_parents "$(dirname -- "$2")"; }
`;
