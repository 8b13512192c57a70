import { container } from './container.ts';
import type { HostKind } from './host.ts';
import type { HostDriver } from './kind.ts';

/** The kinds of hosts that the lab can make. */
const DRIVERS: Readonly<Record<HostKind, HostDriver>> = { container };

export function driverOf(host: { readonly kind: HostKind }): HostDriver {
  return DRIVERS[host.kind];
}
