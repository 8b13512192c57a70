import { didYouMean, type FarmView, type RoleContext, type Vip } from 'farmctl';
import { checkMistake, checkType, type HealthCheck, healthCheck } from './health.ts';
import { placeOf } from './place.ts';
import { commonOffer, realPort, servedBy } from './served.ts';
import { type Method, type Service, settingsOf, type Variables } from './variables.ts';
import { warnOfWayBack } from './way-back.ts';

/** A real server of one virtual service. */
export interface RealServer {
  readonly host: string;
  readonly address: string;
  /** 0 for a marked service, whose ports stay as they are. */
  readonly port: number;
  readonly weight: number;
}

/** One entry of the kernel's table: an address and a port, or a firewall mark. */
export interface VirtualServer {
  readonly service: Service;
  readonly vip: Vip;
  /** The port that clients use; of a marked service its first one. */
  readonly port: number;
  /** As ipvsadm calls it: `-t 10.77.0.100:80`. */
  readonly key: string;
  readonly reals: readonly RealServer[];
  readonly check: HealthCheck;
}

type Context = RoleContext<Variables>;

export const METHOD_FLAGS: Readonly<Record<Method, string>> = { direct: '-g', nat: '-m', tunnel: '-i' };

/** `gate`, `masq` and `ipip` are ldirectord's words. */
export const METHOD_WORDS: Readonly<Record<Method, string>> = { direct: 'gate', nat: 'masq', tunnel: 'ipip' };

/**
 * Whether a server that is out stays listed with weight 0. Where one is drained that way ldirectord must leave it there:
 * else it takes out what has weight 0 until the next check, and the connections with it.
 */
export function isQuiescent({ service, reals }: Pick<VirtualServer, 'service' | 'reals'>): boolean {
  return service.quiescent || reals.some(({ weight }) => weight === 0);
}

/** Address and port of who answers while no real server does; undefined for nobody. */
export function fallbackEnd({ service: { fallback }, port }: VirtualServer): string | undefined {
  return fallback === undefined ? undefined : `${fallback.address}:${fallback.port ?? port}`;
}

/** The VIPs that this host and its partner hold, in the order of the inventory. */
export function ownVips(farm: FarmView, host: string): readonly Vip[] {
  return farm.vips.filter(({ pair }) => pair.includes(host));
}

/** The services of the host's own pair. Refuses what cannot work. */
export function ownServices(context: Context): readonly { readonly service: Service; readonly vip: Vip }[] {
  const { farm, host, variables, reject } = context;
  const names = new Set<string>();
  for (const [index, { name }] of variables.services.entries()) {
    if (names.has(name))
      reject(['services', index, 'name'], `Two services have the name ${name}.`, 'Give one of them another name.');
    names.add(name);
  }
  const known = farm.vips.map(({ name }) => name);
  const all = variables.services.map((service) => {
    const vip = farm.vips.find(({ name }) => name === service.vip);
    return vip === undefined
      ? reject(
          placeOf(context, service, 'vip'),
          `Service ${service.name}: there is no virtual address "${service.vip}".${didYouMean(service.vip, known)}`,
          known.length === 0
            ? 'Write it under "vips", with its pair of directors.'
            : `The virtual addresses are ${known.join(', ')}.`,
        )
      : { service, vip };
  });
  const own = all.filter(({ vip }) => vip.pair.includes(host.name));
  if (own.length === 0)
    reject(
      'services',
      `No service has a virtual address of ${host.name}, so there is nothing that it could balance.`,
      'Write a service whose "vip" names this host in its pair, or take the role from it.',
    );
  return own;
}

function virtualServers(context: Context, service: Service, vip: Vip): readonly VirtualServer[] {
  const { farm, reject } = context;
  const { name, mark, ports, protocol, method } = service;
  if (service.realPort !== undefined && ports.length > 1)
    reject(
      placeOf(context, service, 'realPort'),
      `Service ${name}: "realPort" goes with one port.`,
      'Write a service for each port.',
    );
  if (method === 'direct' && service.network !== undefined && service.network !== vip.network)
    reject(
      placeOf(context, service, 'network'),
      `Service ${name}: with direct routing the real servers are in the network of the virtual address, ${vip.network}.`,
      'Leave "network" out, or take the method nat or tunnel.',
    );
  const served = servedBy(context, service, vip);
  warnOfWayBack(context, service, vip, served);
  const offer = commonOffer(context, service, served);
  const weights = new Map(farm.hosts('lvs-dr/real').map((one) => [one.host.name, one.offer]));
  const isListed = service.check.type !== 'off';
  const kind = protocol === 'udp' ? '-u' : '-t';
  return (mark === undefined ? ports : ports.slice(0, 1)).map((port) => {
    const reals = served.map((one) => {
      const given = weights.get(one.host.name);
      for (const each of ports) realPort(context, service, each, one);
      return {
        host: one.host.name,
        address: one.host.address(service.network ?? vip.network),
        port: realPort(context, service, port, one),
        weight: given?.weights[name] ?? given?.weight ?? 1,
      };
    });
    const type = checkType(service, reals[0]?.port ?? port, offer);
    const mistake = checkMistake(service, type);
    if (mistake !== undefined) reject(placeOf(context, service, 'check', mistake.field), mistake.detail);
    // A marked entry of the table says no port.
    const check = healthCheck(service, type, reals[0]?.port ?? port, offer);
    const shown = mark === undefined ? reals : reals.map((one) => ({ ...one, port: service.realPort ?? 0 }));
    return {
      service,
      vip,
      port,
      key: mark === undefined ? `${kind} ${vip.address}:${port}` : `-f ${mark}`,
      reals: isListed ? shown : [],
      check,
    };
  });
}

function refuseClashes(context: Context, own: ReturnType<typeof ownServices>): void {
  const taken = new Map<string, string>();
  for (const { service, vip } of own) {
    const { name, mark, ports, protocol } = service;
    const ends = ports.map((port, index) => ({ end: `${vip.address}:${port}/${protocol}`, at: ['ports', index] }));
    const all = mark === undefined ? ends : [...ends, { end: `firewall mark ${mark}`, at: ['mark'] }];
    for (const { end, at } of all) {
      const other = taken.get(end);
      if (other !== undefined)
        context.reject(
          placeOf(context, service, ...at),
          `Services ${other} and ${name} both have ${end}.`,
          'Each needs one of its own.',
        );
      taken.set(end, name);
    }
  }
}

function refuseQuiescence({ variables, reject }: Context, { name, quiescent, persistence }: Service): void {
  if (quiescent && persistence !== undefined && settingsOf(variables)['expire_quiescent_template'] === '0')
    reject(
      ['sysctls', 'expire_quiescent_template'],
      `Service ${name} is persistent and quiescent: with expire_quiescent_template 0 clients of a dead server would be sent to it until their time is up.`,
      'Leave expire_quiescent_template out, which is 1 then, or set "quiescent" to false.',
    );
}

/** What both directors of a pair must have alike besides their services. */
const ALIKE = ['sync', 'timeouts', 'sysctls', 'drainSeconds'] as const;

/** Both directors must be told the same, or the second one does not do what the first did. */
function refuseDifferentPair(context: Context, service: Service, vip: Vip): void {
  const { farm, variables, reject } = context;
  const directors = new Map(farm.hosts('lvs-dr/director').map(({ host, offer }) => [host.name, offer]));
  const own = { ...variables, sysctls: settingsOf(variables) };
  const written = (services: readonly Service[]) => JSON.stringify(services.filter((one) => one.vip === vip.name));
  for (const name of vip.pair) {
    const offer = directors.get(name);
    if (offer === undefined)
      reject(
        placeOf(context, service, 'vip'),
        `${name} belongs to the pair of the virtual address ${vip.name} and is no director.`,
        'Give both hosts of the pair the part lvs-dr/director.',
      );
    else if (written(offer.services) !== written(variables.services))
      reject(
        'services',
        `The two directors of ${vip.name}, ${vip.pair.join(' and ')}, do not have the same services.`,
        'Write them for the whole farm or for the tier, not for one host.',
      );
    const other = ALIKE.find((key) => JSON.stringify(offer?.[key]) !== JSON.stringify(own[key]));
    if (other !== undefined)
      reject(
        other,
        `The two directors of ${vip.name}, ${vip.pair.join(' and ')}, do not have the same "${other}".`,
        'Write it for the whole farm or for the tier, not for one host.',
      );
  }
}

/** All entries of the table that this director shall have. Refuses, with a reason, what cannot work. */
export function directedServers(context: Context): readonly VirtualServer[] {
  const { farm, host, reject } = context;
  const own = ownServices(context);
  refuseClashes(context, own);
  for (const [vip, [first]] of Map.groupBy(own, (one) => one.vip))
    if (first !== undefined) refuseDifferentPair(context, first.service, vip);
  for (const { service } of own) refuseQuiescence(context, service);
  if (farm.hosts('nagios').some((one) => one.host.name === host.name))
    reject(
      'services',
      `${host.name} is a director and would run nagios: a director cannot reach an address that it balances.`,
      'Give nagios a host of its own.',
    );
  const servers = own.flatMap(({ service, vip }) => virtualServers(context, service, vip));
  const names = [...new Set(own.map(({ vip }) => vip.name))].join(' and ');
  if (!farm.hosts('heartbeat').some((one) => one.host.name === host.name))
    context.warn(
      'services',
      `Nothing puts the virtual address ${names} on ${host.name}: it is a director without the role heartbeat.`,
      'List heartbeat after lvs-dr/director in the roles of the tier, unless something else moves the address.',
    );
  return servers;
}
