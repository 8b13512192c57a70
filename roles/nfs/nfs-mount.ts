import { defineResource, difference, type Field, joinScripts, known, type Risk, type Script, sh, t } from 'farmctl';
import { type LiveMount, liveDifference, readMounts } from './mount-options.ts';
import { unitNameOf } from './unit-name.ts';

interface Desired {
  readonly path: string;
  readonly source: string;
  readonly options: readonly string[];
}

interface MountState {
  /** Of the automount unit. */
  readonly activeState: string;
  readonly enabled: boolean;
  /** Everything that is mounted at the path now. */
  readonly mounted: readonly LiveMount[];
  /** Nothing is mounted there, and the directory is not there either. */
  readonly isMissing: boolean;
  /** Active units that need the mount. */
  readonly users: readonly string[];
}

/** What a change of a mount comes to, from harmless to grave. */
type Way = 'none' | 'start' | 'remount' | 'again';

/** Longer than a server's start with its time of grace; the whole step has 120 s. */
const MOUNT_SECONDS = 45;

function unitsOf(path: string): { readonly mount: string; readonly automount: string } {
  const name = unitNameOf(path);
  return { mount: `${name}.mount`, automount: `${name}.automount` };
}

function decide(desired: Desired, state: MountState | undefined): { readonly way: Way; readonly fields: Field[] } {
  const fields: Field[] = [
    { name: 'automount', from: state?.activeState ?? 'inactive', to: 'active' },
    { name: 'enabled', from: state?.enabled === true ? 'yes' : 'no', to: 'yes' },
  ];
  const [top, ...below] = (state?.mounted ?? []).toReversed();
  const starts = fields.some(({ from, to }) => from !== to);
  if (top === undefined) return { way: starts ? 'start' : 'none', fields };
  const { flags, fixed } = liveDifference(top, desired.source, desired.options);
  for (const { name, from, to } of [...flags, ...fixed]) fields.push({ name: `mounted ${name}`, from, to });
  if (below.length > 0) fields.push({ name: 'mounted', from: `${below.length + 1} times`, to: 'once' });
  // systemd does not start an automount over something that is mounted.
  if (fixed.length > 0 || below.length > 0 || state?.activeState !== 'active') return { way: 'again', fields };
  if (flags.length > 0) return { way: 'remount', fields };
  return { way: starts ? 'start' : 'none', fields };
}

const RISK: Record<Way, Risk> = { none: 'none', start: 'none', remount: 'reload', again: 'restart' };

function notes(way: Way, { path }: Desired, state: MountState | undefined): string[] {
  if (way !== 'again') return [];
  const users = state?.users ?? [];
  const stopped = users.length === 0 ? '' : ` Meanwhile ${users.join(', ')} is stopped.`;
  return [`A remount does not reach what changed: ${path} is unmounted and mounted again.${stopped}`];
}

/** Mounts it and leaves no job behind that waits for a silent server. */
function mountScript(unit: string, source: string): Script {
  return sh`mount_it() {
  systemctl reset-failed -- ${unit} 2>/dev/null
  timeout -k 2 ${MOUNT_SECONDS} systemctl start -- ${unit} && return
  printf '%s was not mounted:\n' ${source} >&2
  journalctl -q -n 5 -o cat -u ${unit} >&2
  timeout -k 2 10 systemctl stop -- ${unit} 2>/dev/null
  return 1
}`;
}

function startScript({ path, source }: Desired): Script {
  const { mount, automount } = unitsOf(path);
  return sh`${mountScript(mount, source)}
systemctl -q enable -- ${automount} || exit 1
systemctl is-active -q -- ${automount} || { systemctl reset-failed -- ${automount} 2>/dev/null; systemctl start -- ${automount}; } || exit 1
mount_it || exit 1`;
}

/** The file system behind several mounts may be one: it is made writable as a whole, but read-only is this mount alone. */
function remountScript({ path, options }: Desired): Script {
  const flags = options.filter((one) => !one.includes('=') && one !== 'hard' && one !== 'soft').join(',');
  const whole = options.includes('rw') ? sh`timeout -k 5 50 mount -o remount,rw -- ${path} || exit 1` : sh`:`;
  return sh`${whole}
timeout -k 5 50 mount -o ${`remount,bind,${flags}`} -- ${path} || exit 1
systemctl -q enable -- ${unitsOf(path).automount}`;
}

/**
 * Defines `mounted`: something else than the automount lies there; and `busy`: says so, with the processes that have
 * something open there. Neither looks into the file system.
 */
function lookScript(path: string): Script {
  const line = `^[0-9]* [0-9]* [^ ]* [^ ]* ${path.replaceAll('.', '\\.')} `;
  return sh`mounted() { grep -- ${line} /proc/self/mountinfo | grep -qv ' - autofs '; }
busy() {
  printf '%s could not be unmounted\n' ${path} >&2
  for p in /proc/[0-9]*; do
    for l in "$p/cwd" "$p/root" "$p"/fd/*; do
      case $(readlink -- "$l" 2>/dev/null) in
        ${path} | ${path}/*) printf 'process %s (%s) uses it\n' "$p" "$(cat "$p/comm")" >&2; break ;;
      esac
    done
  done
}`;
}

/** Stops what needs the mount, unmounts, mounts anew, and starts what was stopped, whether or not that went well. */
function againScript({ path, source }: Desired): Script {
  const { mount, automount } = unitsOf(path);
  return sh`${mountScript(mount, source)}
${lookScript(path)}
set -f
users=
for one in $(systemctl show -p RequiredBy --value -- ${mount}); do
  ! systemctl is-active -q -- "$one" || users="$users $one"
done
[ -z "$users" ] || timeout -k 5 60 systemctl stop -- $users
set +f
r=0
if timeout -k 5 40 systemctl stop -- ${mount} && ! mounted; then
  systemctl -q enable -- ${automount} || r=1
  systemctl reset-failed -- ${automount} 2>/dev/null
  systemctl start -- ${automount} || r=1
  mount_it || r=1
else
  r=1
  busy
fi
set -f
[ -z "$users" ] || timeout -k 5 60 systemctl start -- $users || r=1
exit $r`;
}

/**
 * A mount point of NFS, mounted at the first access by an automount unit, so that a host boots without its server. Its
 * two units are files of their own. It is looked at in the kernel's list of mounts and never through the file system,
 * which would hang with a server that does not answer. Not mounted while the automount waits is as it should be.
 */
export const nfsMount = defineResource({
  type: 'nfs-mount',
  desired: t.object({
    path: t.path({ description: 'Mount point.' }),
    source: t.string({ description: 'Address of the server, a colon, path of the export.' }),
    options: t.array(t.string(), { description: 'Options as mount(8) takes them.' }),
  }),
  id: ({ path }) => path,
  probesTogether: true,
  probe: (all) =>
    joinScripts([
      sh`tell() {
  record "$1"
  mounts= line=
  while IFS= read -r line; do
    set -- "$1" "$2" "$3" "$4" $line
    [ "$9" != "$2" ] || mounts="$mounts$line
"
  done </proc/self/mountinfo
  [ -n "$mounts" ] || [ -d "$2" ] || field missing yes
  field mounts "$mounts"
  field automount "$(systemctl show -p ActiveState,UnitFileState -- "$3" 2>/dev/null)"
  users=
  for one in $(systemctl show -p RequiredBy --value -- "$4" 2>/dev/null); do
    ! systemctl is-active -q -- "$one" || users="$users $one"
  done
  field users "$users"
  end_record
}
set -f`,
      ...all.map(({ path }, index) => {
        const { mount, automount } = unitsOf(path);
        return sh`tell ${index} ${path} ${automount} ${mount}`;
      }),
    ]),
  parse(record) {
    const shown = record.text('automount');
    const value = (name: string) => new RegExp(`^${name}=(.*)$`, 'm').exec(shown)?.[1] ?? '';
    return known<MountState>({
      activeState: value('ActiveState') || 'inactive',
      enabled: value('UnitFileState') === 'enabled',
      mounted: readMounts(record.text('mounts')),
      isMissing: record.has('missing'),
      users: record
        .text('users')
        .split(' ')
        .filter((one) => one !== ''),
    });
  },
  diff(desired, state: MountState | undefined) {
    const { way, fields } = decide(desired, state);
    const isNew = state === undefined || (state.mounted.length === 0 && !state.enabled);
    return difference(isNew ? 'create' : 'update', fields, { risk: RISK[way], notes: notes(way, desired, state) });
  },
  apply(desired, state) {
    const { way } = decide(desired, state);
    if (way === 'remount') return { script: remountScript(desired), deadline: 'step' };
    if (way === 'again') return { script: againScript(desired), deadline: 'step' };
    const { path } = desired;
    const point = { kind: 'directory' as const, path, mode: '0755', owner: 'root', group: 'root' };
    return { files: state?.isMissing === false ? [] : [point], script: startScript(desired), deadline: 'step' };
  },
  // It is mounted by whoever looks into it, and units come and go that need it.
  covers: (desired, planned, found) => decide(desired, planned).way === decide(desired, found).way,
  remove({ path }, state) {
    if (state === undefined) return { kind: 'gone' };
    const { mount, automount } = unitsOf(path);
    const isMounted = state.mounted.length > 0;
    const removed = difference(
      'delete',
      [
        { name: 'mounted', from: isMounted ? 'yes' : 'no', to: 'no' },
        { name: 'automount', from: state.activeState, to: 'inactive' },
        { name: 'enabled', from: state.enabled ? 'yes' : 'no', to: 'no' },
      ],
      { risk: isMounted ? 'outage' : 'none' },
    );
    if (removed === undefined) return { kind: 'gone' };
    // The mount first: an automount that is stopped would take a busy file system away from under its users.
    const script = sh`${lookScript(path)}
timeout -k 5 50 systemctl stop -- ${mount}
! mounted || { busy; exit 1; }
systemctl -q disable -- ${automount}
timeout -k 5 40 systemctl stop -- ${automount} ${mount}
! mounted || { busy; exit 1; }
systemctl reset-failed -- ${automount} ${mount} 2>/dev/null
forget_parents ${path}`;
    return { kind: 'remove', difference: removed, effect: { script, deadline: 'step' } };
  },
});
