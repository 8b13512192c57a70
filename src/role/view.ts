import { closest } from '../lib/closest.ts';
import { FarmError, type Place, problem } from '../model/diagnostic.ts';
import type { Farm, Host, Network } from '../model/farm.ts';
import type { FarmView, Found, HostView, Role } from './define.ts';

/** A part that a host has: the role, and the part's full name. */
export interface HostPart {
  readonly role: Role;
  readonly part: string;
  /** Where the tier lists it. */
  readonly at?: Place;
}

/** The farm as roles see it, and which parts each host has. */
export interface ResolvedFarm {
  readonly view: FarmView;
  readonly hostView: (name: string) => HostView;
  /** In the order of the tier's list. Empty for a retired host. */
  readonly partsOf: (host: string) => readonly HostPart[];
}

function missing(what: string, name: string, known: readonly string[]): FarmError {
  const near = closest(name, known);
  return new FarmError(
    problem(
      `role/unknown-${what}`,
      `Unknown ${what}`,
      `A role asks for the ${what} "${name}", which the inventory does not have.`,
      {
        ...(near === undefined ? {} : { hint: `Did you mean "${near}"?` }),
      },
    ),
  );
}

function viewOf(farm: Farm, host: Host): HostView {
  const addresses = [...host.addresses].map(([network, address]) => ({
    network: farm.networks.get(network) as Network,
    address,
  }));
  return {
    name: host.name,
    fqdn: `${host.name}.${farm.domain}`,
    tier: host.tier,
    os: host.os,
    addresses,
    address(network) {
      const found = network === undefined ? addresses[0] : addresses.find((one) => one.network.name === network);
      if (found === undefined)
        throw new FarmError(
          problem(
            'role/no-address',
            'Host has no address in that network',
            `${host.name} has no address in network "${network}".`,
            {
              at: host.at,
              host: host.name,
              hint: `Give it one in the inventory, or take "${host.name}" out of the tier.`,
            },
          ),
        );
      return found.address;
    },
  };
}

/** Works out which side of each role every host is, and gives the lookups that roles use. Pure. */
export function resolveFarm(farm: Farm, roles: ReadonlyMap<string, Role>): ResolvedFarm {
  const living = [...farm.hosts.values()].filter((host) => !host.retired);
  const views = new Map([...farm.hosts.values()].map((host) => [host.name, viewOf(farm, host)]));
  const hostView = (name: string): HostView => {
    const found = views.get(name);
    if (found === undefined) throw missing('host', name, [...views.keys()]);
    return found;
  };
  const parts = new Map<string, HostPart[]>();
  const offers = new Map<string, unknown>();
  const lookups = new Map<string, unknown>();
  const resolving = new Set<string>();

  const view: FarmView = {
    name: farm.name,
    domain: farm.domain,
    networks: [...farm.networks.values()],
    network(name) {
      const found = farm.networks.get(name);
      if (found === undefined) throw missing('network', name, [...farm.networks.keys()]);
      return found;
    },
    vips: [...farm.vips.values()],
    allHosts: living.map((host) => hostView(host.name)),
    host: hostView,
    roles: () => [
      ...new Set(living.flatMap((host) => partsOf(host.name)).flatMap(({ role, part }) => [role.name, part])),
    ],
    hosts<P extends string>(wanted: P): readonly Found<P>[] {
      const known = lookups.get(wanted);
      if (known !== undefined) return known as readonly Found<P>[];
      const found = living.flatMap((host) =>
        partsOf(host.name)
          .filter(({ role, part }) => part === wanted || role.name === wanted)
          .map((one) => ({ host: hostView(host.name), offer: offerOf(host, one) as Found<P>['offer'] })),
      );
      // While a `partOf` is being asked its own host counts for less than it is: such an answer is not for others.
      if (resolving.size === 0) lookups.set(wanted, found);
      return found;
    },
  };

  function offerOf(host: Host, { role, part }: HostPart): unknown {
    const key = `${host.name}\n${part}`;
    if (!offers.has(key)) {
      const variables = host.variables.get(role.name) ?? {};
      offers.set(key, role.parts.get(part)?.offers?.({ host: hostView(host.name), variables }));
    }
    return offers.get(key);
  }

  function partsOf(name: string): readonly HostPart[] {
    const known = parts.get(name);
    if (known !== undefined) return known;
    const host = farm.hosts.get(name);
    if (host === undefined || host.retired) return [];
    // `partOf` may look other hosts up; while it does, only parts that the tier names are seen.
    const found: HostPart[] = [];
    const undecided = resolving.has(name);
    resolving.add(name);
    for (const assignment of host.roles) {
      const { at } = assignment;
      const role = roles.get(assignment.role);
      if (role === undefined) continue;
      const only = role.parts.size === 1 ? [...role.parts.keys()][0] : undefined;
      if (assignment.part !== undefined) found.push({ role, part: assignment.part, at });
      else if (only !== undefined) found.push({ role, part: only, at });
      else if (undecided) found.push({ role, part: role.name, at });
      else {
        const part = role.partOf?.(hostView(name), host.variables.get(role.name) ?? {}, view);
        if (part === undefined || !role.parts.has(part))
          throw new FarmError(
            problem(
              'role/no-part',
              'The side of a role is not known',
              `It is not said which side of ${role.name} host ${name} is${part === undefined ? '' : ` ("${part}" is none)`}.`,
              {
                at: assignment.at,
                host: name,
                hint: `Name a side in the tier's list: ${[...role.parts.keys()].join(', ')}.`,
              },
            ),
          );
        found.push({ role, part, at });
      }
    }
    resolving.delete(name);
    if (!undecided) parts.set(name, found);
    return found;
  }

  return { view, hostView, partsOf };
}
