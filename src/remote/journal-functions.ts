/**
 * The functions of a journal, the script that puts the old set of a service back. Safe to run at any moment and twice:
 * a `back` whose old name is gone has been done. `mv` refuses two hard links of one inode: that file was not swapped yet.
 * It ends with 1 if anything in it failed. With `farmctl_commit` set it only removes the old names: the new set is whole.
 */
export const JOURNAL_FUNCTIONS = String.raw`PATH=/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C
failed=0
trap 'exit $failed' EXIT
inode() { stat -c %d:%i -- "$1" 2>/dev/null; }
back() {
  [ -e "$3" ] || [ -L "$3" ] || return 0
  if [ -z "\${farmctl_commit-}" ] && [ "$(inode "$3")" != "$(inode "$2")" ]; then
    mv -fT -- "$3" "$2" || { failed=1; return; }
  fi
  rm -f -- "$3" && sync -- "$(dirname -- "$2")" || failed=1
}
mode() {
  [ -n "\${farmctl_commit-}" ] || [ ! -d "$4" ] || { chown -- "$2" "$4" && chmod -- "$3" "$4"; } || failed=1
}
gone() {
  [ -z "\${farmctl_commit-}" ] || return 0
  rm -f -- "$2" && sync -- "$(dirname -- "$2")" || failed=1
}
`.replaceAll('\\${', '${');

/** The unit that runs leftover journals at boot, so that no service starts on half a set. */
export const JOURNAL_UNIT = `[Unit]
Description=Put back configuration sets that an interrupted farmctl left half swapped
DefaultDependencies=no
RequiresMountsFor=/var/lib/farmctl /etc /usr
After=local-fs.target
Before=sysinit.target shutdown.target
Conflicts=shutdown.target
ConditionPathExistsGlob=/var/lib/farmctl/services/*/journal

[Service]
Type=oneshot
ExecStart=/bin/sh -c 'for j in /var/lib/farmctl/services/*/journal; do sh "$$j" && rm -f -- "$$j"; done; systemctl --no-block daemon-reload'

[Install]
WantedBy=sysinit.target
`;

/** Where that unit lies. */
export const JOURNAL_UNIT_PATH = '/etc/systemd/system/farmctl-journal.service';

/**
 * Functions of the transaction that need `S` and the state functions. `D` is the service's own directory.
 *
 * - `begin UNIT`: makes `D`, forgets a journal that was not finished being written, and the old names of a set that was
 *   whole when the host died.
 * - `note NAME TEXT`: a file of `D` that `keep_notes` flushes and gives its name, together with the others, in their order.
 *   `keep_notes PATH...` flushes these paths too, before.
 * - `journal_open UNIT_TEXT JOURNAL`: begins the coming journal, with the lines of an interrupted one, and has leftovers run at boot.
 * - `claiming KEY`, `unclaim KEY PATH`: a path that this transaction was the first to claim is given up again.
 * - `second_name KEY PATH OLD`: the old thing gets its second name and the coming journal a line, once for all tries;
 *   a second name that is gone was put back by a journal that could not be removed.
 * - `mode_now KEY DIRECTORY WORD`: the coming journal gets a line with the mode and owners of a directory as they are.
 * - `journal_close PATH...`: flushes these paths and the journal, and gives it its name after what was noted. From here on
 *   a crash is put right at boot.
 * - `is_active UNIT`: the unit runs; then, as after `invocation_of UNIT`, `invocation` says which process it is.
 * - `note_stamp RELOAD RESTART PATH...`: notes a stamp of the process `invocation`.
 * - `refresh_stamp UNIT PATH...`: the process has loaded the set again as it is; the stamp's digests stay.
 * - `journal_run`: the old set comes back, and where the journal cannot be removed (read-only) it has no more to do.
 * - `commit_set RELOAD RESTART PATH...`: the journal is done, and gone where nothing has an old name; then the stamp is that
 *   of the new set. It is flushed last: what a power cut takes of it was of a process that is gone as well.
 */
export const TRANSACTION_FUNCTIONS = String.raw`begin() {
  D=$S/services/$1 adds= noted= invocation= has_old=yes
  { [ -d "$D" ] || mkdir -- "$D"; } && clear "$D/journal.new" && forget_old_names || return 1
  [ -e "$D/journal" ] || has_old=
}
note() { clear "$D/$1.new" && printf '%s\n' "$2" >"$D/$1.new" && noted="$noted $1"; }
keep_notes() {
  [ -n "$noted" ] || return 0
  others=$#
  for n in $noted; do set -- "$@" "$D/$n.new"; done
  sync -- "$@" || return 1
  shift "$others"
  rename_all .new '' "$@" || {
    # The journal may have got its name all the same; nothing of it has happened.
    case "$noted " in *' journal '*) [ -n "$adds" ] || rm -f -- "$D/journal" ;; esac
    return 1
  }
  noted=
  sync -- "$D"
}
claimed=' '
claiming() { [ -e "$S/paths/$1" ] || claimed="$claimed$1 "; }
unclaim() { case $claimed in *" $1 "*) release "$1" "$2" ;; esac; }
journal_open() {
  if [ -e "$D/journal" ]; then adds=yes has_old=yes && cp -- "$D/journal" "$D/journal.new"; else printf %s "$2" >"$D/journal.new"; fi || return 1
  if [ ! -L /etc/systemd/system/sysinit.target.wants/farmctl-journal.service ]; then
    printf '%s' "$1" >"$D/unit" && sync -- "$D/unit" && mv -fT -- "$D/unit" ${JOURNAL_UNIT_PATH} &&
      timeout -k 5 60 systemctl -q --no-reload enable farmctl-journal.service && sync -- /etc/systemd/system/sysinit.target.wants
  fi
}
second_name() {
  if [ -n "$adds" ]; then
    ! grep -q "^gone $1 " "$D/journal.new" || return 0
    if grep -q "^back $1 " "$D/journal.new"; then there "$3" || ! there "$2" || ln -P -- "$2" "$3"; return; fi
  fi
  clear "$3" || return 1
  if there "$2"; then
    ln -P -- "$2" "$3" && printf '%s\n' "back $4" >>"$D/journal.new" && has_old=yes
  else
    printf '%s\n' "gone $4" >>"$D/journal.new"
  fi
}
mode_now() {
  [ -z "$adds" ] || ! grep -q "^mode $1 " "$D/journal.new" || return 0
  m=$(stat -c '%u:%g %a' -- "$2") && printf '%s\n' "mode $1 $m $3" >>"$D/journal.new"
}
journal_close() {
  noted="$noted journal"
  keep_notes "$@"
}
journal_run() { sh "$D/journal" || return 1; rm -f -- "$D/journal" && sync -- "$D" || :; }
commit_set() {
  r=0
  note_stamp "$@" || { r=1; rm -f -- "$D/stamp.new"; }
  if [ -e "$D/journal" ]; then
    if [ -n "$has_old" ]; then mv -fT -- "$D/journal" "$D/journal.done"; else rm -f -- "$D/journal"; fi || return 1
  fi
  [ "$r" -ne 0 ] || mv -fT -- "$D/stamp.new" "$D/stamp" || r=1
  if [ -e "$D/stamp" ]; then sync -- "$D/stamp" "$D"; else sync -- "$D"; fi && return "$r"
}
forget_old_names() { [ ! -e "$D/journal.done" ] || { farmctl_commit=1 sh "$D/journal.done" && rm -f -- "$D/journal.done"; }; }
refresh_stamp() {
  invocation_of "$1"
  shift
  note_stamp "$(sed -n 's/^reload //p' "$D/stamp")" "$(sed -n 's/^restart //p' "$D/stamp")" "$@" && keep_notes
}
invocation_of() { invocation=$(timeout -k 5 60 systemctl show -P InvocationID -- "$1"); }
is_active() {
  i=$(timeout -k 5 60 systemctl show -p ActiveState,InvocationID -- "$1") || return 1
  case $i in *ActiveState=active* | *ActiveState=reloading* | *ActiveState=refreshing*) ;; *) return 1 ;; esac
  invocation=${'${i#*InvocationID=}'}
  invocation=${'${invocation%%[!0-9a-f]*}'}
}
note_stamp() {
  a=$1 c=$2
  shift 2
  i=$(stat --printf '%i %.9Z\n' -- "$@" 2>/dev/null)
  note stamp "reload $a
restart $c
invocation $invocation
$i"
}
`;
