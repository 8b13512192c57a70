import type { MountWish } from './variables.ts';

/** What the kernel says of a mount: one line of /proc/self/mountinfo. */
export interface LiveMount {
  readonly type: string;
  readonly source: string;
  /** Options of the mount point itself: `rw`, `noatime`, `nosuid`… */
  readonly flags: readonly string[];
  /** Options of the file system behind it: `rw`, `vers=4.2`, `hard`, `timeo=100`… */
  readonly options: readonly string[];
}

/** The options for mount(8), in a fixed order. */
export function mountOptions(wish: MountWish): readonly string[] {
  return [
    wish.access,
    wish.soft ? 'soft' : 'hard',
    'proto=tcp',
    `vers=${wish.version}`,
    `timeo=${wish.timeo}`,
    `retrans=${wish.retrans}`,
    wish.atime ? 'relatime' : 'noatime',
    wish.suid ? 'suid' : 'nosuid',
    wish.devices ? 'dev' : 'nodev',
    wish.exec ? 'exec' : 'noexec',
    `lookupcache=${wish.lookupcache}`,
    ...(wish.actimeo === undefined ? [] : [`actimeo=${wish.actimeo}`]),
  ];
}

/** Options of the mount point that the kernel changes while it is mounted: how each is, by the words that say so. */
const FLAGS = { access: ['rw', 'ro'], atime: ['relatime', 'noatime'], suid: ['suid', 'nosuid'] } as const;
const MORE_FLAGS = { devices: ['dev', 'nodev'], exec: ['exec', 'noexec'] } as const;
const CACHE_TIMES = { acregmin: 3, acregmax: 60, acdirmin: 30, acdirmax: 60 } as const;
const KEPT = ['vers', 'proto', 'timeo', 'retrans', 'sec', 'lookupcache', ...Object.keys(CACHE_TIMES)];

function flagValues(has: (flag: string) => boolean): ReadonlyMap<string, string> {
  const all = Object.entries({ ...FLAGS, ...MORE_FLAGS });
  return new Map(all.map(([name, [usual, other]]) => [name, has(other) ? other : usual]));
}

/** What the kernel leaves out where it is as usual, and the values that it prints otherwise. */
function fixedValues(options: readonly string[]): ReadonlyMap<string, string> {
  const values = new Map<string, string>([
    ['sec', 'sys'],
    ['lookupcache', 'all'],
    ...Object.entries(CACHE_TIMES).map(([name, seconds]): [string, string] => [name, `${seconds}`]),
  ]);
  for (const option of options) {
    const [name = '', value = ''] = option.split('=');
    if (name === 'hard' || name === 'soft' || name === 'softerr') values.set('server silent', name);
    else if (name === 'actimeo') for (const time of Object.keys(CACHE_TIMES)) values.set(time, value);
    else if (name === 'lookupcache') values.set(name, value === 'pos' ? 'positive' : value);
    else if (KEPT.includes(name)) values.set(name, value);
    else if (name === 'noac') values.set('acregmax', '0');
  }
  return values;
}

/** One option that is mounted otherwise than it is wanted. */
export interface OptionDifference {
  readonly name: string;
  readonly from: string;
  readonly to: string;
}

/** How a mounted file system differs from what is wanted. */
export interface LiveDifference {
  /** Changed while it is mounted. */
  readonly flags: readonly OptionDifference[];
  /** Only by unmounting and mounting: the source and what the kernel keeps for as long as it is mounted. */
  readonly fixed: readonly OptionDifference[];
}

function compare(found: ReadonlyMap<string, string>, wanted: ReadonlyMap<string, string>): OptionDifference[] {
  return [...wanted].flatMap(([name, to]) => {
    const from = found.get(name) ?? 'none';
    return from === to ? [] : [{ name, from, to }];
  });
}

/** Compares only what is managed: the kernel adds rsize, clientaddr and the like. Pure. */
export function liveDifference(live: LiveMount, source: string, options: readonly string[]): LiveDifference {
  const isReadOnly = live.flags.includes('ro') || live.options.includes('ro');
  const has = (flag: string) => (flag === 'ro' ? isReadOnly : live.flags.includes(flag));
  const place = compare(
    new Map([
      ['file system', live.type],
      ['source', live.source],
    ]),
    new Map([
      ['file system', 'nfs4'],
      ['source', source],
    ]),
  );
  // Of something else that is mounted there, options say nothing.
  if (live.type !== 'nfs4') return { flags: [], fixed: place };
  return {
    flags: compare(
      flagValues(has),
      flagValues((flag) => options.includes(flag)),
    ),
    fixed: [...place, ...compare(fixedValues(live.options), fixedValues(options))],
  };
}

function withoutOctal(text: string): string {
  return text.replaceAll(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}

/** Reads lines of mountinfo that all have the same mount point, the last mounted last. autofs is left out. */
export function readMounts(text: string): readonly LiveMount[] {
  return text.split('\n').flatMap((line) => {
    const [before = '', after = ''] = line.split(' - ');
    const [, , , , , flags = ''] = before.split(' ');
    const [type = '', source = '', options = ''] = after.split(' ');
    if (type === '' || type === 'autofs') return [];
    return [{ type, source: withoutOctal(source), flags: flags.split(','), options: options.split(',') }];
  });
}
