import type { HostView, RoleContext } from 'farmctl';
import { farmZones } from './farm-zones.ts';
import type { Variables } from './variables.ts';
import type { Zone } from './zone-text.ts';

/** What a name server offers to those who look it up. */
export interface NameServer {
  /** Where it answers questions. */
  readonly address: string;
  /** Where it speaks to the other name servers: its own address, never a virtual one. */
  readonly transferAddress: string;
}

declare module 'farmctl' {
  interface Offers {
    bind9: NameServer;
    'bind9/primary': NameServer;
    'bind9/secondary': NameServer;
  }
}

export interface Server {
  readonly host: HostView;
  readonly transferAddress: string;
}

/** The farm's name servers and the zones that they have. */
export interface NameService {
  readonly primary: Server;
  readonly secondaries: readonly Server[];
  readonly zones: readonly Zone[];
}

/** Looks the farm's name servers up and makes the zones; refuses variables that cannot work. */
export function nameService(context: RoleContext<Variables>): NameService {
  const { farm, variables, reject } = context;
  const server = ({ host, offer }: { host: HostView; offer: NameServer }): Server => ({
    host,
    transferAddress: offer.transferAddress,
  });
  const all = farm.hosts('bind9').map((one) => one.host);
  const primaries = farm.hosts('bind9/primary').map(server);
  const [primary] = primaries;
  if (primary === undefined || primaries.length > 1) {
    const found = primaries.length === 0 ? 'No host is' : `${primaries.map((one) => one.host.name).join(' and ')} are`;
    return reject(
      'primary',
      `${found} the primary name server, and one host must be.`,
      `Set "primary" for the whole farm to one of ${all.map((one) => one.name).join(', ')}.`,
    );
  }
  const secondaries = farm.hosts('bind9/secondary').map(server);
  if (secondaries.length > 0 && variables.tsig === undefined)
    reject(
      'tsig',
      `Zones are transferred to ${secondaries.map((one) => one.host.name).join(', ')}, and there is no key for it.`,
      'Make one with `head -c 32 /dev/urandom | base64 >tsig.key` and write `tsig: !file tsig.key`.',
    );
  const own = farm.allHosts.flatMap((host) => host.addresses.map((one) => one.address));
  const loop = variables.forwarders.find((one) => one.startsWith('127.') || own.includes(one));
  if (loop !== undefined && all.some((host) => host.addresses.some((one) => one.address === loop)))
    reject(
      'forwarders',
      `The forwarder ${loop} is one of the farm's own name servers: questions would go in a circle.`,
    );
  if (variables.forward === 'only' && variables.forwarders.length === 0)
    reject('forward', '"only" asks nobody but the forwarders, and there are none.', 'Name them in "forwarders".');
  const zones = farmZones(
    farm,
    variables,
    primary.host,
    all,
    (variable, ...inside) =>
      (detail, hint) =>
        reject([variable, ...inside], detail, hint),
  );
  return { primary, secondaries, zones };
}
