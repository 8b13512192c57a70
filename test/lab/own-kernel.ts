import type { Host } from '../../src/model/farm.ts';

/**
 * Roles, and parts of roles, that need a kernel of their own: modules that the machine's kernel has not. The real
 * servers of a balancer need none: their addresses and sysctls are a container's own.
 */
const NEEDS_KERNEL = new Set(['lvs-dr', 'lvs-dr/director', 'nfs', 'nfs/server', 'nfs/client']);

/** True where one of the host's roles works only on a kernel that is the host's own. */
export function needsOwnKernel(host: Host): boolean {
  return host.roles.some((one) => NEEDS_KERNEL.has(one.part ?? one.role));
}
