import { container } from './container.ts';
import type { HostKind } from './host.ts';
import type { HostDriver } from './kind.ts';
import { vm } from './vm.ts';

/** The kinds of hosts that the lab can make. */
const DRIVERS: Readonly<Record<HostKind, HostDriver>> = { container, vm };

export function driverOf(host: { readonly kind: HostKind }): HostDriver {
  return DRIVERS[host.kind];
}
