import type { HostView, RoleContext, Vip } from 'farmctl';
import { placeOf } from './place.ts';
import type { Service, Variables } from './variables.ts';

/** Translated answers must come back through the director that has the address; what the inventory shows against it. */
export function warnOfWayBack(
  context: RoleContext<Variables>,
  service: Service,
  vip: Vip,
  served: readonly { readonly host: HostView }[],
): void {
  const { farm, host, warn } = context;
  const { name, method, network = vip.network } = service;
  if (method !== 'nat') return;
  const moving = farm.vips.filter((one) => one.pair.includes(host.name) && one.network === network);
  if (moving.length === 0)
    warn(
      placeOf(context, service, 'method'),
      `Service ${name}: the pair has no virtual address in the network ${network}, and answers of the real servers come back through a director's own address: when the other one takes over they are lost.`,
      `Give the pair one in ${network} under "vips", and let the real servers route through it.`,
    );
  const besides = served.filter(({ host: one }) => one.addresses.some((each) => each.network.name === vip.network));
  if (besides.length > 0)
    warn(
      placeOf(context, service, 'method'),
      `Service ${name}: clients of the network ${vip.network} would get the answers of ${besides.map((one) => one.host.name).join(', ')} directly, past the director, and not know them.`,
      `Leave them in a network behind the directors alone, or see to it that all they send from there goes through ${vip.pair.join(' and ')}.`,
    );
}
