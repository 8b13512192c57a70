import { sha256 } from '../../lib/digest.ts';
import { type Static, t } from '../../model/schema.ts';
import { Script, sh } from '../../remote/sh.ts';
import { difference, type Field } from '../change.ts';
import { absent, defineResource, known, type Observed, type ProbeRecord, unknown } from '../define.ts';
import { ACCOUNT_NAME, FIND_ENTRY } from './account.ts';
import { deletion } from './file-state.ts';
import { type PathState, probePaths, readPath } from './path-probe.ts';

const TYPES =
  'ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(?:256|384|521)|sk-(?:ssh-ed25519|ecdsa-sha2-nistp256)@openssh\\.com';
const KEY = `^(${TYPES}) ([A-Za-z0-9+/]{40,}={0,2})(?: ([^\\n\\r\\u0000]*))?$`;

const schema = t.object({
  user: t.string({ ...ACCOUNT_NAME, description: 'Who may log in with it.' }),
  key: t.string({
    pattern: KEY,
    title: 'one line of a .pub file: type, key and comment',
    description: 'Public key as ssh-keygen prints it: type, key, comment.',
  }),
  options: t.optional(
    t.string({
      pattern: '^[^\\s"]+("[^"\\n\\r\\u0000]*"[^\\s"]*)*$',
      description: 'As sshd(8) tells: `from="10.0.0.0/8"`. None where absent.',
    }),
  ),
});

type Desired = Static<typeof schema>;

interface KeyState {
  readonly uid: string;
  /** The lines with that key, as they are. */
  readonly lines: string;
  readonly directory: PathState;
  readonly file: PathState;
}

function keyPart(key: string): string {
  return key.split(' ')[1] ?? '';
}

function keyLine({ options, key }: Desired): string {
  return options === undefined ? key : `${options} ${key}`;
}

/** Reads the file `$1` and sets `kept` to the lines without the key `$2`, `found` to those with it. No fork. */
const SPLIT_KEYS = new Script(`split_keys() {
  kept='' found=''
  while IFS= read -r line || [ -n "$line" ]; do
    case $line in
      '#'*) kept="$kept$line$newline" ;;
      *"$2"*) found="$found$line$newline" ;;
      *) kept="$kept$line$newline" ;;
    esac
  done <"$1"
}`);

/** Homes are others' ground: a symlink on the way to the file is not followed. */
function look({ user, key }: Desired): Script {
  return sh`find_entry "$found_passwd" ${user}
if [ -n "$entry" ]; then
  field uid "$number"
  [ -d "$home" ] || field homeless "$home"
  if [ -f "$home/.ssh/authorized_keys" ] && [ ! -L "$home/.ssh/authorized_keys" ] && [ ! -L "$home/.ssh" ]; then
    split_keys "$home/.ssh/authorized_keys" ${keyPart(key)}
    field lines "$found"
  fi
fi`;
}

function homeOf(user: string): Script {
  // Below a device nothing can lie: what stands for a user that does not exist.
  return sh`find_entry "$found_passwd" ${user}
home=/dev/null
if [ -n "$entry" ]; then
  home=${new Script('${entry#*:*:*:}')}
  home=${new Script('${home%%:*}')}
fi`;
}

function parse(record: ProbeRecord, { user }: Desired): Observed<KeyState> {
  if (!record.has('uid')) return unknown(`there is no user ${user}`);
  if (record.has('homeless')) return unknown(`the home directory ${record.text('homeless')} of ${user} does not exist`);
  const directory = readPath(record, 0);
  if (directory === undefined) return absent;
  if (directory.kind !== 'directory')
    return unknown(`~${user}/.ssh is a ${directory.kind}: farmctl does not follow it`);
  const file = readPath(record, 1);
  if (file === undefined) return absent;
  if (file.kind !== 'file')
    return unknown(`~${user}/.ssh/authorized_keys is a ${file.kind}: farmctl does not follow it`);
  const lines = record.text('lines');
  return lines === '' ? absent : known({ uid: record.text('uid'), lines, directory, file });
}

/** sshd refuses keys that somebody else could have put there. */
function safetyFields(name: string, { uid }: KeyState, state: PathState, mode: string): Field[] {
  const isOpen = (Number.parseInt(state.mode, 8) & 0o022) !== 0;
  return [
    { name: `${name} owner`, from: state.uid, to: uid },
    { name: `${name} mode`, from: state.mode, to: isOpen ? mode : state.mode },
  ];
}

/**
 * The file is written by its user, so that whatever lies in the home directory leads no further than they could go
 * themselves. Only owners are set by root, from inside `.ssh`, after a look at where that is; that of the file only if it
 * has no other name (what it is a name of could be somebody else's) and still is who was seen.
 */
function editScript({ user, key }: Desired, line: string): Script {
  const edit = sh`set -u
umask 077
newline='
'
${SPLIT_KEYS}
if [ -L authorized_keys ] || { [ -e authorized_keys ] && [ ! -f authorized_keys ]; }; then
  echo 'authorized_keys is no regular file' >&2
  exit 1
fi
kept=''
[ ! -e authorized_keys ] || split_keys authorized_keys ${keyPart(key)} || exit 1
{ { [ ! -e .authorized_keys.farmctl ] && [ ! -L .authorized_keys.farmctl ]; } || rm -f -- .authorized_keys.farmctl; } &&
  printf '%s%s' "$kept" ${line} >.authorized_keys.farmctl &&
  sync -- .authorized_keys.farmctl && mv -f -- .authorized_keys.farmctl authorized_keys`;
  return sh`entry=$(getent passwd ${user}) || { echo ${`there is no user ${user}`}; exit 1; }
entry=${new Script('${entry#*:*:}')}
number=${new Script('${entry%%:*}')}
entry=${new Script('${entry#*:}')}
number=$number:${new Script('${entry%%:*}')}
home=${new Script('${entry#*:*:}')}
home=${new Script('${home%%:*}')}
home=$(cd -P -- "$home" && pwd -P) || exit 1
ssh=${new Script('${home%/}')}/.ssh
[ -d "$ssh" ] || runuser -u ${user} -- mkdir -m 0700 -- "$ssh" || exit 1
cd -P -- "$ssh" && [ "$(pwd -P)" = "$ssh" ] || { echo "$ssh is a symlink"; exit 1; }
chown -- "$number" . && chmod -- go-w . || exit 1
if [ -f authorized_keys ] && [ ! -L authorized_keys ]; then
  owner=$(stat -c '%h %u:%g' -- authorized_keys)
  case $owner in
    *" $number") ;;
    '1 '*) chown --from=${new Script('"${owner#* }"')} -- "$number" authorized_keys || exit 1 ;;
    *) echo 'authorized_keys belongs to somebody else and has another name'; exit 1 ;;
  esac
fi
runuser -u ${user} -- sh -c ${edit.text}`;
}

/**
 * A public key that a user may log in with: one line in `~/.ssh/authorized_keys`, other lines are left alone. Where
 * others could write to the file or its directory, that is put right. Not managed: another AuthorizedKeysFile.
 */
export const authorizedKey = defineResource({
  type: 'authorizedKey',
  desired: schema,
  id: ({ user, key }) => `${user} ${sha256(keyPart(key)).slice(0, 16)}`,
  title: ({ user, key }) => `${user} ${key.split(' ').slice(2).join(' ') || `${keyPart(key).slice(0, 24)}…`}`,
  probesTogether: true,
  probe: (all) => {
    const homes = all.map(
      ({ user }, index) => sh`${homeOf(user)}
home_${index}=$home`,
    );
    const before = [FIND_ENTRY, SPLIT_KEYS, sh`look_up passwd ${all.map((one) => one.user)}`, ...homes];
    const looks = all.map((desired, index) => ({
      targets: ['.ssh', '.ssh/authorized_keys'].map((path) => ({ path: new Script(`"$home_${index}/${path}"`) })),
      further: sh`home=$home_${index}
${look(desired)}`,
    }));
    return probePaths(looks, before);
  },
  parse,
  diff: (desired, observed: KeyState | undefined) => {
    const line = keyLine(desired);
    if (observed === undefined) return difference('create', [{ name: 'key', from: undefined, to: line }]);
    return difference('update', [
      { name: 'key', from: observed.lines.trimEnd(), to: line },
      ...safetyFields('.ssh', observed, observed.directory, '0700'),
      ...safetyFields('authorized_keys', observed, observed.file, '0600'),
    ]);
  },
  apply: (desired) => ({ script: editScript(desired, `${keyLine(desired)}\n`) }),
  remove: (desired, observed) => {
    if (observed === undefined) return { kind: 'gone' };
    return { kind: 'remove', difference: deletion('key'), effect: { script: editScript(desired, '') } };
  },
  // Sizes, and modes that another key of that user has put right, are not this key's.
  covers: (_, planned, found) => planned?.lines === found?.lines,
});
