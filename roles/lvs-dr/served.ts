import { didYouMean, type HostView, type RoleContext, type Vip } from 'farmctl';
import { type ServedOffer, servedOffer } from './offers.ts';
import { placeOf } from './place.ts';
import type { Service, Variables } from './variables.ts';

type Context = RoleContext<Variables>;

/** A host that has the role that a service is served by. */
interface Served {
  readonly host: HostView;
  readonly offer: ServedOffer;
}

/**
 * The port of the real servers. Refuses another one than the client's where the method cannot translate it, and one on
 * which the host does not listen, where its role says which those are.
 */
export function realPort(context: Context, service: Service, port: number, { offer, host }: Served): number {
  const { reject } = context;
  const { name, method, mark, protocol, realPort: wanted } = service;
  // A port that is offered is one of TCP.
  const offered = protocol === 'tcp' ? [offer.port, offer.tlsPort].filter((one) => one !== undefined) : [];
  const isDeaf = (one: number) => offered.length > 0 && !offered.includes(one);
  const listens = `${host.name} listens on ${offered.join(' and ')}`;
  if (method === 'nat') {
    if (wanted === undefined) return mark !== undefined || port === offer.tlsPort ? port : (offer.port ?? port);
    if (isDeaf(wanted))
      reject(
        placeOf(context, service, 'realPort'),
        `Service ${name}: "realPort" says ${wanted}, but ${listens}.`,
        'Leave "realPort" out, and each real server gets requests on the port that its role offers.',
      );
    return wanted;
  }
  if (wanted !== undefined && wanted !== port)
    reject(
      placeOf(context, service, 'realPort'),
      `Service ${name}: with the method ${method} the real port is that of the service, ${port}, and "realPort" says ${wanted}.`,
      'Take the method nat to translate ports, or let the real servers listen on the same port.',
    );
  if (isDeaf(port))
    reject(
      placeOf(context, service, 'ports', service.ports.indexOf(port)),
      `Service ${name}: port ${port} reaches the real servers as it is (method ${method}), but ${listens}.`,
      'Let them listen on the same port, or take the method nat.',
    );
  return port;
}

/** The hosts that a service is served by. Refuses those that cannot be real servers. */
export function servedBy(context: Context, service: Service, vip: Vip): readonly Served[] {
  const { farm, reject } = context;
  const { name, serves, method, network = vip.network } = service;
  const at = placeOf(context, service, 'serves');
  if (!farm.networks.some((one) => one.name === network)) {
    const known = farm.networks.map((one) => one.name);
    reject(
      placeOf(context, service, 'network'),
      `Service ${name}: there is no network "${network}".${didYouMean(network, known)}`,
      `The networks are ${known.join(', ')}.`,
    );
  }
  const found = farm.hosts(serves).map(({ host, offer }) => ({ host, offer: servedOffer(offer) }));
  if (found.length === 0)
    reject(
      at,
      `Service ${name}: no host has the role "${serves}".${didYouMean(serves, farm.roles())}`,
      'Name a role or part of some tier under "serves", or give one the role.',
    );
  const directors = new Set(farm.hosts('lvs-dr/director').map(({ host }) => host.name));
  const prepared = new Set(farm.hosts('lvs-dr/real').map(({ host }) => host.name));
  for (const { host, offer } of found) {
    const { addresses = [] } = offer;
    if (!host.addresses.some((one) => one.network.name === network))
      reject(
        placeOf(context, service, 'network'),
        `Service ${name}: ${host.name} has no address in the network ${network}, by which it would be reached.`,
        'Give it one there, or name a network under "network" in which all real servers are.',
      );
    if (method !== 'nat' && addresses.length > 0 && !addresses.includes(vip.address))
      reject(
        at,
        `Service ${name}: ${host.name} listens on ${addresses.join(' and ')} alone, and requests come to it for ${vip.address} (method ${method}).`,
        `Let ${serves} listen on all addresses, or take the method nat.`,
      );
    if (directors.has(host.name))
      reject(
        at,
        `Service ${name}: ${host.name} is a director and would be a real server as well.`,
        `Take ${serves} or lvs-dr from its tier: a director cannot answer for an address that it balances.`,
      );
    if (method !== 'nat' && !prepared.has(host.name))
      reject(
        at,
        `Service ${name}: ${host.name} would get requests for the virtual address and does not have it (method ${method}).`,
        `List lvs-dr/real before ${serves} in the roles of tier ${host.tier}.`,
      );
  }
  return found;
}

/** The farm's hosts must agree on how they are asked: there is one check for a service. */
export function commonOffer(context: Context, service: Service, served: readonly Served[]): ServedOffer {
  const { name, check } = service;
  const [first] = served;
  for (const { host, offer } of served) {
    const isOther = {
      page: offer.healthPath !== first?.offer.healthPath,
      host: offer.hostHeader !== first?.offer.hostHeader,
    };
    if ((check.request === undefined && isOther.page) || (check.host === undefined && isOther.host))
      context.reject(
        placeOf(context, service, 'check'),
        `Service ${name}: ${first?.host.name} and ${host.name} have different health pages.`,
        'Say under "check" which page is asked for ("request", "host").',
      );
  }
  return first?.offer ?? {};
}
