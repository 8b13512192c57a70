import { Script, sh } from '../../remote/sh.ts';
import type { ProbeRecord } from '../define.ts';
import { probeTogether } from './path-probe.ts';

export interface WantedPackage {
  readonly name: string;
  /** Exactly this version; any will do where absent. */
  readonly version?: string;
}

export interface PackageState {
  /** dpkg's word: `installed`, `unpacked`, `half-configured`, `config-files`… */
  readonly status: string;
  readonly version: string;
}

/** What apt could install. */
export interface Available {
  readonly candidate: string | undefined;
  readonly versions: readonly string[];
}

export interface PackagesState {
  /** By name as it was asked for; what dpkg does not know is not here. */
  readonly packages: ReadonlyMap<string, PackageState>;
  /** By name, only for packages that are not as wanted. */
  readonly available: ReadonlyMap<string, Available>;
  /** dpkg was stopped in the middle, and does not run now. */
  readonly isInterrupted: boolean;
}

interface Asked {
  readonly packages: readonly WantedPackage[];
  readonly absent: readonly string[];
}

/** A shell pattern for dpkg-query's line of that package: `name architecture …`. */
function linePattern(name: string): string {
  const [bare, architecture] = name.split(':');
  return architecture === undefined ? `"${bare} "*` : `"${bare} ${architecture} "*`;
}

function alternatives(patterns: readonly string[]): Script {
  return new Script(patterns.length === 0 ? '""' : patterns.join(' | '));
}

/**
 * Half-done packages in dpkg's own list, unless the list is locked: then another run is at work. A running apt or dpkg
 * is no drift.
 */
const INTERRUPTED = sh`interrupted=''
for f in /var/lib/dpkg/updates/[0-9]*; do [ ! -e "$f" ] || interrupted=yes; done
if grep -q -s -E '^Status: [a-z]+ (reinstreq [a-z-]+|ok (half-installed|unpacked|half-configured|triggers-[a-z]+))$' /var/lib/dpkg/status; then
  interrupted=yes
fi
if [ -n "$interrupted" ] && inode=$(stat -c %i /var/lib/dpkg/lock 2>/dev/null) && grep -q -s ":$inode " /proc/locks; then
  interrupted=''
fi`;

/** The caches in memory only: a probe writes nothing. */
const POLICY = sh`apt-cache -o Dir::Cache::pkgcache= -o Dir::Cache::srcpkgcache= policy $lacking 2>/dev/null |
  sed -n -e 's/^\([^ ].*\):$/package \1/p' -e 's/^  Candidate: \([^(]\)/candidate \1/p' -e 's/^ \(\*\*\*\|   \) \([^ ]*\) [-0-9]*$/version \2/p'`;

function tell({ packages, absent }: Asked): Script {
  const names = [...packages.map((one) => one.name), ...absent];
  return sh`IFS=$newline
own=''
for line in $status; do
  case $line in ${alternatives(names.map(linePattern))}) own="$own$line$newline" ;; esac
done
field status "$own"
own='' mine=''
for line in $policy; do
  case $line in
    ${alternatives(packages.map(({ name }) => `"package ${name}"`))}) mine=yes ;;
    'package '*) mine='' ;;
  esac
  [ -z "$mine" ] || own="$own$line$newline"
done
[ -z "$own" ] || field policy "$own"
[ -z "$interrupted" ] || field interrupted yes
unset IFS`;
}

/** Looks up all packages at once; asks apt only for those that are not as wanted. */
export function probePackages(all: readonly Asked[]): Script {
  const names = [...new Set(all.flatMap((one) => [...one.packages.map(({ name }) => name), ...one.absent]))];
  const wanted = new Map(
    all.flatMap((one) => one.packages.map((each) => [`${each.name} ${each.version ?? ''}`, each])),
  );
  const format = '${Package} ${Architecture} ${db:Status-Want} ${db:Status-Status} ${db:Status-Eflag} ${Version}\\n';
  const lacks = [...wanted.values()].map(({ name, version }) => {
    const pattern = `${linePattern(name)}" installed ok "${version === undefined ? '*' : `"${version}"`}`;
    return sh`is_there=''
for line in $status; do
  case $line in ${new Script(pattern)}) is_there=yes ;; esac
done
[ -n "$is_there" ] || lacking="$lacking ${new Script(name)}"`;
  });
  return probeTogether(all.map(tell), [
    sh`newline='
'
status=$(dpkg-query -W -f ${format} ${names.length === 0 ? ['dpkg'] : names} 2>/dev/null) || :`,
    INTERRUPTED,
    sh`lacking='' policy=''
IFS=$newline`,
    ...lacks,
    sh`unset IFS
# shellcheck disable=SC2086 # a list of names
[ -z "$lacking" ] || policy=$(${POLICY})`,
  ]);
}

/** The probe's record as values. */
export function readPackages(record: ProbeRecord, { packages, absent }: Asked): PackagesState {
  const lines = record
    .text('status')
    .split('\n')
    .map((line) => line.split(' '));
  const states = new Map<string, PackageState>();
  for (const name of [...packages.map((one) => one.name), ...absent]) {
    const [bare, architecture] = name.split(':');
    const own = lines.filter((words) => words[0] === bare && (architecture === undefined || words[1] === architecture));
    const line = own.find((words) => words[3] === 'installed') ?? own[0];
    if (line !== undefined) states.set(name, { status: line[3] ?? '', version: line[5] ?? '' });
  }
  const available = new Map<string, { candidate: string | undefined; versions: string[] }>();
  let current: { candidate: string | undefined; versions: string[] } | undefined;
  for (const line of record.text('policy').split('\n')) {
    const [word, value = ''] = line.split(' ');
    if (word === 'package') {
      current = { candidate: undefined, versions: [] };
      available.set(value, current);
    } else if (word === 'candidate' && current !== undefined) current.candidate = value;
    else if (word === 'version') current?.versions.push(value);
  }
  return { packages: states, available, isInterrupted: record.has('interrupted') };
}
