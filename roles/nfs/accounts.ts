import { group, type Resource, user } from 'farmctl';
import { maskedUnit } from './masked-unit.ts';
import type { Identity } from './variables.ts';

/** Owners of shared files, with the numbers that all hosts have. */
export function accounts(ids: readonly Identity[]): readonly Resource[] {
  return ids.flatMap(({ name, uid, gid }) => [
    group({ name, gid, system: true }),
    user({ name, uid, group: name, groups: [], system: true, home: '/nonexistent', shell: '/usr/sbin/nologin' }),
  ]);
}

/** What only NFS 3 needs, and what would open ports to everybody. */
export const withoutNfs3: readonly Resource[] = [
  'rpcbind.socket',
  'rpcbind.service',
  'rpc-statd.service',
  'rpc-statd-notify.service',
].map((unit) => maskedUnit({ unit }));
