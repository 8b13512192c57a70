import { STATE_DIRECTORY } from '../../remote/runtime.ts';
import { Script, sh } from '../../remote/sh.ts';

/** Names that useradd and groupadd take. */
export const ACCOUNT_NAME = {
  pattern: '^[a-z_][a-z0-9_-]{0,31}$',
  title: 'a name of small letters, digits, "_" and "-", at most 32',
} as const;

type AccountKind = 'user' | 'group';

const MARKERS = `${STATE_DIRECTORY}/accounts`;

/** Where the host remembers that farmctl made an account: the file holds its number. Who locks a host makes the folder. */
function marker(kind: AccountKind, name: string): string {
  return `${MARKERS}/${kind}.${name}`;
}

/**
 * `look_up DATABASE NAME...`: getent's lines of these accounts are in `found_DATABASE` then. What another probe of the
 * same shell asked for is not asked for again.
 *
 * `find_entry LINES NAME`: sets `entry` to what stands behind the password in the line of that account, as getent
 * prints them; '' where there is none. `number` is its number.
 */
export const FIND_ENTRY = new Script(`look_up() {
  database=$1 names=''
  shift
  eval "asked=\\\${asked_$database- } found=\\\${found_$database-}"
  for name; do case $asked in *" $name "*) ;; *) names="$names$name " ;; esac; done
  # shellcheck disable=SC2086 # names of accounts are plain words
  [ -z "$names" ] || found="$found
$(getent "$database" $names)"
  eval "asked_$database=\\$asked\\$names found_$database=\\$found"
}
find_entry() {
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

/** What useradd and groupadd end with where there is one of that name. */
const NAME_IN_USE = 9;

/** Makes an account, where it was not made a moment ago, and remembers that it is ours. */
export function makeOurs(kind: AccountKind, name: string, make: Script): Script {
  const database = kind === 'user' ? 'passwd' : 'group';
  const rest = new Script('${entry#*:*:}');
  const number = new Script('"${entry%%:*}"');
  return sh`{ ${make} || [ $? -eq ${NAME_IN_USE} ]; } || exit 1
entry=$(getent ${database} ${name}) || exit 1
entry=${rest}
printf '%s\n' ${number} >${marker(kind, name)} || exit 1`;
}

export function forgetOurs(kind: AccountKind, name: string): Script {
  return sh`rm -f -- ${marker(kind, name)}`;
}
