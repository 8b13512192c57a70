import { Script } from './sh.ts';

/** Where farmctl keeps its own things on a host (root, 0700). */
export const STATE_DIRECTORY = '/var/lib/farmctl';

/**
 * Functions that print frames on descriptor 3. A frame begins with a newline, `@`, the session's nonce, a space and the
 * header up to the next newline; its payload ends where the next frame begins. The nonce is made anew for each session
 * after all contents exist, so nothing on the host can hold it.
 */
export const FRAME_FUNCTIONS = String.raw`frame() { printf '\n@%s %s\n' "$farmctl_nonce" "$*" >&3; }
record() { frame "record $farmctl_tag $1"; }
field() { printf '\n@%s field %s\n%s' "$farmctl_nonce" "$1" "$2" >&3; }
more() { printf %s "$1" >&3; }
data() { frame "field $1"; cat >&3; }
unknown_because() { field unknown "$1"; }
end_record() { frame end; }
`;

/**
 * The same for probes that share a shell: each write of a shell costs it a handful of system calls, and the way to the
 * controller a packet. So what they print is held back, and sent a few pages at a time. `release_frames` sends the rest.
 * A record is put together by itself first: a shell takes as long for a variable that it appends to as that is long.
 * A script that writes to descriptor 3 by itself, in a subshell or a pipe, needs FRAME_FUNCTIONS instead.
 */
export const HELD_FRAME_FUNCTIONS = String.raw`farmctl_held= farmctl_record=
hold() { farmctl_record="$farmctl_record
@$farmctl_nonce $1
"; }
release_frames() { [ -z "$farmctl_held$farmctl_record" ] || printf %s "$farmctl_held$farmctl_record" >&3; farmctl_held= farmctl_record=; }
frame() { release_frames; printf '\n@%s %s\n' "$farmctl_nonce" "$*" >&3; }
record() { hold "record $farmctl_tag $1"; }
field() { farmctl_record="$farmctl_record
@$farmctl_nonce field $1
$2"; [ ${'${#farmctl_record}'} -lt 8192 ] || release_frames; }
more() { farmctl_record=$farmctl_record$1; [ ${'${#farmctl_record}'} -lt 8192 ] || release_frames; }
data() { frame "field $1"; cat >&3; }
unknown_because() { field unknown "$1"; }
end_record() { hold end; farmctl_held=$farmctl_held$farmctl_record farmctl_record=; [ ${'${#farmctl_held}'} -lt 8192 ] || release_frames; }
`;

/** Settings of every remote shell: fixed path, language and time zone, errors for unset variables. */
const ENVIRONMENT = String.raw`set +f -u
IFS=' 	
'
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C TZ=UTC0 DEBIAN_FRONTEND=noninteractive
export PATH LC_ALL TZ DEBIAN_FRONTEND
unset LANG LANGUAGE CDPATH ENV BASH_ENV GREP_OPTIONS 2>/dev/null
umask 022
`;

/** Seconds between two signs of life of a host that is held. */
const SIGN_OF_LIFE_SECONDS = 15;

/**
 * For the shell that holds a host's lock, before its runtime: a line on the channel's stderr now and then, which nobody
 * reads. A host sends nothing by itself while it waits for the next word; so without this its sshd would not notice for
 * hours that the controller is gone without a goodbye (a cut network), and the lock would be held as long.
 * @param atExit shell text to run when that shell ends, however it does
 */
export function signsOfLife(atExit: Script): Script {
  return new Script(`( trap - EXIT; while sleep ${SIGN_OF_LIFE_SECONDS} && echo >&4; do :; done ) 3>&- &
farmctl_life=$!
farmctl_exit() {
  kill $farmctl_life 2>/dev/null
  ${atExit.text}
}
trap farmctl_exit EXIT`);
}

/**
 * The remote side of a session. It reads requests from its input, `SCRIPT_BYTES BODY_BYTES...` on a line, then the
 * script, then the bodies; it puts the bodies into files `$B/0`, `$B/1`… first, then runs the script in a subshell, so
 * nothing is written by a request that did not come whole. A `head` that reads further than it is told (busybox's: one
 * program of many names) would take the next words; there it ends with the frame `unfit PATH`. A script ends in another character than a newline, which the
 * shell would drop. `0` ends it. The end of a request is the frame `exit STATUS`. The first request may come along: it
 * is a function then, so nothing of it runs either unless all of it is there; it may have some ten thousand commands.
 * @param nonce 32 hexadecimal digits
 * @param first undefined: every request comes by itself
 */
export function runtime(nonce: string, first: Script | undefined): Script {
  return new Script(`${ENVIRONMENT}farmctl_nonce=${nonce} farmctl_tag= B=
exec 3>&1 4>&2 1>/dev/null 2>&1
trap '' HUP PIPE
${FRAME_FUNCTIONS}${String.raw`
reads_ahead() {
  for d in /usr/local/sbin /usr/local/bin /usr/sbin /usr/bin /sbin /bin; do
    [ -x "$d/head" ] || continue
    [ -L "$d/head" ] || [ "$d/head" -ef "$d/cat" ] || return 1
    [ "$(printf ab | { head -c 1 >/dev/null; head -c 1; })" != b ]
    return
  done
}
fatal() { [ -z "$B" ] || rm -rf "$B"; frame "fatal $1"; frame .; exit 1; }
why() { e=$( { head -c 65536 /dev/zero >"$1"; } 2>&1 ); printf %s "\${e##*: }"; }
receive() {
  B=$(mktemp -d "\${BODIES:-${STATE_DIRECTORY}}/.farmctl-bodies.XXXXXXXX" 2>&1) || { b=$B B= ; fatal "$b"; }
  b=0 last=
  for l; do
    head -c "$l" >"$B/$b" || fatal "cannot write $l bytes below \${B%/*}: $(why "$B/$b")"
    [ "$l" -eq 0 ] || last=$b size=$l
    b=$((b + 1))
  done
  [ -z "$last" ] || [ "$(wc -c <"$B/$last")" -eq "$size" ] || { rm -rf "$B"; exit 1; }
}
closed_frame() { frame "$1

@$farmctl_nonce ."; }
serve() {
  ! reads_ahead || { closed_frame "unfit $d/head"; exit 1; }
  closed_frame hello
  [ -z "$1" ] || { ( "$1" ); closed_frame "exit $?"; }
  while read -r line; do
    set -- $line
    [ "$1" != 0 ] || break
    n=$1
    shift
    s=$(head -c "$n")
    [ "\${#s}" -eq "$n" ] || exit 1
    B=
    [ $# -eq 0 ] || receive "$@"
    ( eval "$s" )
    r=$?
    [ -z "$B" ] || rm -rf "$B"
    closed_frame "exit $r"
  done
}
`.replaceAll('\\${', '${')}${first === undefined ? 'serve ""' : `first() { :\n${first.text}\n}\nserve first`}
exit 0`);
}

/**
 * A script that runs under its own time limit in a shell of its own, with the frame functions and without input. What
 * it prints by itself is caught: if it fails, frame `failed TAG STATUS` carries the end of it. Status 124 and 137 mean
 * that the time was up.
 * @param tag one word that names it in the frame
 * @param marker an unguessable word that ends the text of the script (the nonce)
 */
export function limited(script: Script, options: { tag: string; seconds: number; nonce: string }): Script {
  const { tag, seconds, nonce } = options;
  return new Script(`e=$(timeout -k 2 ${seconds} sh /dev/fd/9 9<<'${nonce}' 2>&1 </dev/null
set -u
farmctl_nonce=${nonce} farmctl_tag=${tag}
umask 022
${FRAME_FUNCTIONS}${script.text}
${nonce}
) || { r=$?; frame "failed ${tag} $r"; printf '%s' "$e" | tail -c 2000 >&3; }`);
}

/** The frame functions and the environment, for a test that runs a probe in a plain shell. */
export function probePrelude(nonce: string, tag: string): Script {
  return new Script(`${ENVIRONMENT}farmctl_nonce=${nonce} farmctl_tag=${tag}\n${FRAME_FUNCTIONS}`);
}
