import { group, type Resource, user } from 'farmctl';
import type { Identity } from './variables.ts';

/** Owners of shared files, with the numbers that all hosts have. */
export function accounts(ids: readonly Identity[]): readonly Resource[] {
  return ids.flatMap(({ name, uid, gid }) => [
    group({ name, gid, system: true }),
    user({ name, uid, group: name, groups: [], system: true, home: '/nonexistent', shell: '/usr/sbin/nologin' }),
  ]);
}

/** Users and groups that every Debian has, with the same numbers everywhere (base-passwd). */
const BOTH = [
  'root',
  'daemon',
  'bin',
  'sys',
  'games',
  'man',
  'lp',
  'mail',
  'news',
  'uucp',
  'proxy',
  'www-data',
  'backup',
];
const USERS = [...BOTH, 'list', 'irc', 'sync', '_apt', 'nobody'];
const GROUPS = [
  ...[...BOTH, 'list', 'irc', 'nogroup', 'adm', 'tty', 'disk', 'kmem', 'dialout', 'fax', 'voice', 'cdrom', 'floppy'],
  ...[
    'tape',
    'sudo',
    'audio',
    'dip',
    'operator',
    'src',
    'shadow',
    'utmp',
    'video',
    'sasl',
    'plugdev',
    'staff',
    'users',
  ],
];

function isKnown(all: readonly string[], ids: readonly Identity[], wanted: string): boolean {
  return /^\d+$/.test(wanted) || all.includes(wanted) || ids.some(({ name }) => name === wanted);
}

/** Whether a directory can belong to that user: of `ids`, of every Debian, or a number. */
export function isOwner(ids: readonly Identity[], user: string): boolean {
  return isKnown(USERS, ids, user);
}

/** Whether a directory can belong to that group: of `ids`, of every Debian, or a number. */
export function isOwningGroup(ids: readonly Identity[], group: string): boolean {
  return isKnown(GROUPS, ids, group);
}
