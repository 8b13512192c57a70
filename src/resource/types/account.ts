import { STATE_DIRECTORY } from '../../remote/runtime.ts';
import { Script, sh } from '../../remote/sh.ts';

/** Names that useradd and groupadd take. */
export const ACCOUNT_NAME = {
  pattern: '^[a-z_][a-z0-9_-]{0,31}$',
  title: 'a name of small letters, digits, "_" and "-", at most 32',
} as const;

type AccountKind = 'user' | 'group';

const MARKERS = `${STATE_DIRECTORY}/accounts`;

/** Where the host remembers that farmctl made an account: the file holds its number. */
function marker(kind: AccountKind, name: string): string {
  return `${MARKERS}/${kind}.${name}`;
}

/**
 * `find_entry LINES NAME`: sets `entry` to what stands behind the password in the line of that account, as getent
 * prints them; '' where there is none. `number` is its number.
 */
export const FIND_ENTRY = new Script(`find_entry() {
  entry=''
  IFS='
'
  set -f
  for line in $1; do
    case $line in "$2":*:*) entry=\${line#*:*:} ;; esac
  done
  set +f
  unset IFS
  number=\${entry%%:*}
}`);

/** Prints the field `ours` if farmctl made the account that has `$number` now. */
export function tellOurs(kind: AccountKind, name: string): Script {
  const path = marker(kind, name);
  return sh`made=''
[ ! -f ${path} ] || read -r made <${path} || :
[ -z "$number" ] || [ "$made" != "$number" ] || field ours yes`;
}

/** Makes an account, where it was not made a moment ago, and remembers that it is ours. */
export function makeOurs(kind: AccountKind, name: string, make: Script): Script {
  const database = kind === 'user' ? 'passwd' : 'group';
  const rest = new Script('${entry#*:*:}');
  const number = new Script('"${entry%%:*}"');
  return sh`[ -d ${MARKERS} ] || { mkdir -p -- ${MARKERS} && chmod 0700 -- ${STATE_DIRECTORY}; } || exit 1
getent ${database} ${name} >/dev/null || ${make} || exit 1
entry=$(getent ${database} ${name}) || exit 1
entry=${rest}
printf '%s\n' ${number} >${marker(kind, name)} || exit 1`;
}

export function forgetOurs(kind: AccountKind, name: string): Script {
  return sh`rm -f -- ${marker(kind, name)}`;
}
