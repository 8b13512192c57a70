import type { Resource } from 'farmctl';
import { maskedUnit } from './masked-unit.ts';

/** What only NFS 3 needs, and what would open ports to everybody. */
export const withoutNfs3: readonly Resource[] = [
  'rpcbind.socket',
  'rpcbind.service',
  'rpc-statd.service',
  'rpc-statd-notify.service',
].map((unit) => maskedUnit({ unit }));
