import {
  type Check,
  commandCheck,
  didYouMean,
  file,
  kernelModule,
  packages,
  type Resource,
  type RoleContext,
  service,
  sh,
  sysctl,
  unitFile,
} from 'farmctl';
import { loopbackVip } from './loopback-vip.ts';
import { placeOf } from './place.ts';
import type { Service, Variables } from './variables.ts';

type Context = RoleContext<Variables>;

const UNIT = 'farmctl-lvs-real.service';
const LIST_PATH = '/etc/default/farmctl-lvs-real';
const TUNNEL = 'tunl0';

/** A virtual address that requests come with. */
interface Carried {
  readonly address: string;
  readonly device: string;
}

/** The services that send this host requests, as the directors of their pairs say. Refuses a host that none knows. */
function servedHere({ farm, host, variables, reject }: Context): readonly (Service & { readonly address: string })[] {
  const found = new Map<string, Service & { readonly address: string }>();
  for (const { host: director, offer } of farm.hosts('lvs-dr/director'))
    for (const one of offer.services) {
      const vip = farm.vips.find(({ name }) => name === one.vip);
      if (vip === undefined || !vip.pair.includes(director.name) || found.has(one.name)) continue;
      if (farm.hosts(one.serves).some((real) => real.host.name === host.name))
        found.set(one.name, { ...one, address: vip.address });
    }
  if (found.size === 0)
    reject(
      'services',
      `${host.name} has lvs-dr/real, but no service of a director serves a role of it.`,
      'Name one of its roles under "serves" of a service, or take lvs-dr/real from its tier.',
    );
  for (const name of Object.keys(variables.weights))
    if (!found.has(name))
      reject(
        ['weights', name],
        `"${name}" is no service that ${host.name} serves.${didYouMean(name, found.keys())}`,
        `It serves ${[...found.keys()].join(', ')}.`,
      );
  return [...found.values()];
}

function carried(context: Context): readonly Carried[] {
  const all = servedHere(context).filter(({ method }) => method !== 'nat');
  const devices = new Map(all.map(({ address, method }) => [address, method === 'tunnel' ? TUNNEL : 'lo']));
  for (const { address, method, name } of all)
    if ((method === 'tunnel' ? TUNNEL : 'lo') !== devices.get(address))
      context.reject(
        placeOf(context, { name }, 'method'),
        `Service ${name}: another service sends requests for ${address} to ${context.host.name} by another method.`,
        'One virtual address takes one method.',
      );
  return [...devices].map(([address, device]) => ({ address, device }));
}

/** A real server: silent to ARP first, then the virtual addresses. Nothing where requests come translated. */
export function realResources(context: Context): Resource[] {
  const addresses = carried(context);
  if (addresses.length === 0) return [];
  const { render } = context;
  const isTunnelled = addresses.some(({ device }) => device === TUNNEL);
  return [
    packages(['iproute2', ...(isTunnelled ? ['kmod'] : [])]),
    sysctl({ key: 'net.ipv4.conf.all.arp_ignore', value: '1' }),
    sysctl({ key: 'net.ipv4.conf.all.arp_announce', value: '2' }),
    ...(isTunnelled
      ? [kernelModule({ name: 'ipip' }), sysctl({ key: `net.ipv4.conf.${TUNNEL}.rp_filter`, value: '0' })]
      : []),
    service({
      unit: UNIT,
      enabled: true,
      active: true,
      config: [
        unitFile({
          unit: UNIT,
          content: render('real.service.hbs', { path: LIST_PATH, tunnel: isTunnelled ? TUNNEL : false }),
        }),
        file({
          path: LIST_PATH,
          content: render('real.hbs', { addresses: addresses.map(({ address, device }) => `${address},${device}`) }),
        }),
      ],
    }),
    ...addresses.map(loopbackVip),
  ];
}

/** What no resource says: that nobody gets an answer to the question who has a virtual address. */
export function realChecks(context: Context): Check[] {
  return carried(context).map(({ address, device }) =>
    commandCheck({
      name: `${address} on ${device}`,
      script: sh`ip -4 -o address show dev ${device} to ${`${address}/32`} | grep -q . || { echo ${`${address} is not on ${device}`}; exit 1; }
ip -4 -o address show to ${`${address}/32`} | grep -qv ${` ${device} `} && { echo ${`${address} is on another device too`}; exit 1; }
read -r ignore </proc/sys/net/ipv4/conf/all/arp_ignore
read -r announce </proc/sys/net/ipv4/conf/all/arp_announce
[ "$ignore/$announce" = 1/2 ] || { echo 'this host answers ARP for it'; exit 1; }`,
    }),
  );
}
