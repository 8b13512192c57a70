import { joinScripts, type Script, sh } from '../../remote/sh.ts';
import type { WantedPackage } from './packages-probe.ts';

/** One transaction of apt. */
export interface AptTransaction {
  readonly install: readonly WantedPackage[];
  readonly remove: readonly string[];
  /** Fetch the lists first. */
  readonly update: boolean;
  /** Finish what an interrupted dpkg left. */
  readonly finish: boolean;
}

/** How long another apt or dpkg is waited for, in seconds and in tries of five seconds. */
const LOCK_SECONDS = 600;
const LOCK_TRIES = LOCK_SECONDS / 5;

/** Configuration files that were changed are kept; nothing asks, and needrestart restarts nothing. */
const APT = sh`export APT_LISTCHANGES_FRONTEND=none NEEDRESTART_SUSPEND=1 UCF_FORCE_CONFFOLD=1
run_apt() {
  apt-get -y -q -o DPkg::Lock::Timeout=${LOCK_SECONDS} -o DPkg::Use-Pty=0 -o Dpkg::Options::=--force-confdef -o Dpkg::Options::=--force-confold "$@" </dev/null
}
patiently() {
  tries=0
  until output=$("$@" </dev/null 2>&1); do
    case $output in
      *'locked by another process'* | *'Could not get lock'*) ;;
      *) printf '%s\n' "$output"; return 1 ;;
    esac
    tries=$((tries + 1))
    [ "$tries" -lt ${LOCK_TRIES} ] || { printf '%s\n' "$output"; return 1; }
    sleep 5
  done
}`;

const FINISH = sh`patiently dpkg --force-confdef --force-confold --configure -a || exit 1
run_apt --no-remove -f install || exit 1`;

/** Lists that cannot be fetched are no failure yet: what is asked for may be known from others. */
const UPDATE = sh`patiently apt-get -q -o APT::Update::Error-Mode=any update || echo 'The package lists could not be fetched.'`;

/** Without removals apt is forbidden any; with some it may remove exactly those. */
function transaction({ install, remove }: AptTransaction): Script {
  const words = [
    ...install.map(({ name, version }) => (version === undefined ? name : `${name}=${version}`)),
    ...remove.map((name) => `${name}-`),
  ];
  const downgrades = install.some((one) => one.version !== undefined) ? ['--allow-downgrades'] : [];
  const flags = ['--no-install-recommends', ...downgrades];
  if (remove.length === 0) return sh`run_apt --no-remove ${flags} install ${words} || exit 1`;
  return sh`simulated=$(run_apt -s ${flags} install ${words} 2>&1) || { printf '%s\n' "$simulated"; exit 1; }
unlisted=$(printf '%s\n' "$simulated" | sed -n 's/^Remv \([^ ]*\) .*/\1/p' | grep -v -x -F ${joinScripts(
    remove.map((name) => sh`-e ${name}`),
    ' ',
  )}) && {
  printf 'apt would also remove %s: the plan does not list that\n' "$unlisted"
  exit 1
}
run_apt ${flags} install ${words} || exit 1`;
}

/** The script of one transaction; it fails before apt would remove what is not listed. */
export function aptScript(wanted: AptTransaction): Script {
  return joinScripts([
    APT,
    ...(wanted.finish ? [FINISH] : []),
    ...(wanted.update ? [UPDATE] : []),
    ...(wanted.install.length + wanted.remove.length > 0 ? [transaction(wanted)] : []),
  ]);
}
