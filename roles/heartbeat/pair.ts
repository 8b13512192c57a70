import { didYouMean, FarmError, type HostView, type Network, problem, type RoleContext, type Vip } from 'farmctl';
import type { Offer, Variables } from './variables.ts';

type Context = RoleContext<Variables>;

/** A network on which the two nodes speak to each other. */
export interface Link {
  readonly network: Network;
  /** Of both nodes, in their order. */
  readonly addresses: readonly string[];
}

/** Two hosts and the virtual addresses that move between them. */
export interface Pair {
  /** In the order of the inventory, so that both write the same files. */
  readonly nodes: readonly [HostView, HostView];
  readonly vips: readonly Vip[];
  readonly links: readonly Link[];
}

function wrongPair(vip: Vip, detail: string, hint: string): FarmError {
  return new FarmError(problem('heartbeat/pair', 'Pair does not fit', detail, { at: vip.at, hint }));
}

/** The host's pair; refuses what cannot work and warns of what works badly. */
export function pairOf(context: Context): Pair {
  const { host, farm, reject } = context;
  const vips = farm.vips.filter(({ pair }) => pair.includes(host.name));
  const [first] = vips;
  if (first === undefined)
    return reject(
      'vips',
      `No virtual address has ${host.name} in its pair.`,
      `Name it under "vips", as in \`www: { address: …, pair: [${host.name}, …] }\`, or take the role away.`,
    );
  const partnerOf = ({ pair }: Vip): string => (pair[0] === host.name ? pair[1] : pair[0]);
  const name = partnerOf(first);
  for (const vip of vips)
    if (partnerOf(vip) !== name)
      throw wrongPair(
        vip,
        `${host.name} is paired with ${name} by VIP ${first.name} and with ${partnerOf(vip)} by VIP ${vip.name}.`,
        'A pair is two hosts that share all of their virtual addresses.',
      );
  const partner = farm.hosts('heartbeat').find((one) => one.host.name === name);
  if (partner === undefined)
    throw wrongPair(
      first,
      `${name}, the other host of VIP ${first.name}, does not have the role heartbeat.`,
      'Give the role to both hosts of the pair.',
    );
  refuseDifferences(context, partner.host.name, partner.offer);
  const [one, other] = farm.allHosts.filter((each) => each.name === host.name || each.name === name);
  if (one === undefined || other === undefined) throw new Error(`the farm lacks ${host.name} or ${name}`);
  const nodes = [one, other] as const;
  const pair = { nodes, vips, links: linksOf(context, nodes) };
  checkTimings(context);
  checkMedia(context, pair);
  checkPing(context, pair);
  checkKeys(context, pair);
  checkResources(context, pair);
  return pair;
}

/** Both nodes have the same files, so they must be told the same. */
function refuseDifferences({ host, variables, reject }: Context, partner: string, offer: Offer): void {
  for (const key of Object.keys(offer) as (keyof Offer)[])
    if (!isSaidAlike(offer, variables, key))
      reject(key, `"${key}" is another one on ${host.name} than on ${partner}, and both must have the same.`);
}

function isSaidAlike(one: Offer, other: Offer, key: keyof Offer): boolean {
  if (key === 'authkey') return one.authkey.equals(other.authkey);
  if (JSON.stringify(one[key]) !== JSON.stringify(other[key])) return false;
  if (key !== 'otherAuthkeys') return true;
  return Object.entries(one.otherAuthkeys).every(([number, secret]) => {
    const partners = other.otherAuthkeys[number];
    return partners?.equals(secret) === true;
  });
}

function linksOf({ farm, variables, reject }: Context, nodes: readonly HostView[]): readonly Link[] {
  const addressesIn = (name: string): string[] =>
    nodes.flatMap((node) => node.addresses.filter((one) => one.network.name === name).map((one) => one.address));
  const names = farm.networks.map((network) => network.name);
  for (const [index, name] of (variables.networks ?? []).entries()) {
    if (!names.includes(name))
      reject(
        ['networks', index],
        `There is no network "${name}".${didYouMean(name, names)}`,
        `There are ${names.join(', ')}.`,
      );
    if (addressesIn(name).length < 2)
      reject(
        ['networks', index],
        `${nodes.map((node) => node.name).join(' and ')} do not both have an address in ${name}.`,
      );
  }
  return farm.networks
    .filter((network) => variables.networks?.includes(network.name) ?? true)
    .map((network) => ({ network, addresses: addressesIn(network.name) }))
    .filter((link) => link.addresses.length === 2);
}

function checkTimings({ variables: { keepalive, warntime, deadtime, initdead }, reject }: Context): void {
  if (warntime <= keepalive)
    reject('warntime', `"warntime" (${warntime} s) must be more than "keepalive" (${keepalive} s).`);
  if (deadtime <= warntime)
    reject('deadtime', `"deadtime" (${deadtime} s) must be more than "warntime" (${warntime} s).`);
  if (initdead < 2 * deadtime)
    reject('initdead', `"initdead" (${initdead} s) must be twice "deadtime" (${deadtime} s) or more.`);
}

function checkMedia({ farm, variables, reject, warn }: Context, { nodes, links }: Pair): void {
  const { transport, port, multicastGroup, serial, networks } = variables;
  const names = nodes.map((node) => node.name);
  const count = links.length + serial.length;
  if (count === 0)
    reject(
      'networks',
      `${names.join(' and ')} have nothing on which to speak to each other.`,
      'Give both an address in one network, better in two.',
    );
  if (count === 1)
    warn(
      networks === undefined ? 'serial' : 'networks',
      `${names.join(' and ')} speak to each other on ${links[0]?.network.name ?? 'one cable'} alone: if it fails, both take the virtual addresses.`,
      'Give both hosts a second network, or a serial cable.',
    );
  if (transport === 'ucast') return;
  for (const { host, offer } of farm.hosts('heartbeat')) {
    if (names.includes(host.name) || offer.transport !== transport || offer.port !== port) continue;
    if (transport === 'mcast' && offer.multicastGroup !== multicastGroup) continue;
    const shared = links.find(({ network }) => host.addresses.some((one) => one.network.name === network.name));
    if (shared !== undefined)
      reject(
        'port',
        `The pair of ${host.name} sends to the same ${transport === 'mcast' ? 'group and port' : 'port'} of network ${shared.network.name}: each would hear the other.`,
        'Give each pair a port of its own, or take ucast.',
      );
  }
}

function checkPing({ farm, variables: { ping }, reject }: Context, { nodes, vips }: Pair): void {
  const own = new Map<string, string>();
  for (const node of nodes) for (const { address } of node.addresses) own.set(address, `${node.name} itself`);
  for (const vip of farm.vips) if (vips.includes(vip)) own.set(vip.address, `VIP ${vip.name}, which moves`);
  for (const [index, address] of ping.entries()) {
    const whose = own.get(address);
    if (whose !== undefined)
      reject(
        ['ping', index],
        `${address} is ${whose}: it says nothing about who is cut off.`,
        "Name the router's address.",
      );
  }
}

function checkKeys(context: Context, { nodes }: Pair): void {
  const { farm, variables, reject, warn } = context;
  const { authkey, authkeyNumber, otherAuthkeys } = variables;
  if (otherAuthkeys[String(authkeyNumber)] !== undefined)
    reject(
      ['otherAuthkeys', String(authkeyNumber)],
      `Number ${authkeyNumber} is that of "authkey".`,
      'Give the other key another number.',
    );
  const names = nodes.map((node) => node.name);
  const twin = farm
    .hosts('heartbeat')
    .find(({ host, offer }) => !names.includes(host.name) && offer.authkey.equals(authkey));
  if (twin !== undefined)
    warn(
      'authkey',
      `${names.join(' and ')} have the same key as the pair of ${twin.host.name}: where each hears the other, they take it for their own.`,
      'Give each pair a key of its own, in the variables of its tier.',
    );
}

function checkResources({ farm, host, variables: { resources }, reject }: Context, { vips }: Pair): void {
  const isDirector = farm.hosts('lvs-dr/director').some((one) => one.host.name === host.name);
  const known = vips.map((one) => one.name);
  for (const [index, { agent, vip }] of resources.entries()) {
    if (vip !== undefined && !known.includes(vip))
      reject(
        ['resources', index, 'vip'],
        `${agent} moves with VIP "${vip}", which this pair does not have.${didYouMean(vip, known)}`,
      );
    if (agent === 'ldirectord' && isDirector)
      reject(
        ['resources', index],
        `${host.name} has lvs-dr/director, whose ldirectord runs on both directors all the time: a second one would work on the same table.`,
        'Take ldirectord from "resources".',
      );
  }
}
