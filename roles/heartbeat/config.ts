import { dropIn, file, type Resource, type RoleContext, service, unitFile } from 'farmctl';
import type { Pair } from './pair.ts';
import type { Variables } from './variables.ts';

type Context = RoleContext<Variables>;

const CHECK_UNIT = 'heartbeat-check.service';
const CHECK_PATH = '/usr/local/sbin/heartbeat-check';

/** Seconds as heartbeat reads them, which knows no fractions. */
function time(seconds: number): string {
  return Number.isInteger(seconds) ? String(seconds) : `${Math.round(seconds * 1000)}ms`;
}

/** What `cl_status hbparameter` tells of the running daemon. */
export function timings({ keepalive, warntime, deadtime, initdead }: Variables): Record<string, string> {
  return { keepalive: time(keepalive), warntime: time(warntime), deadtime: time(deadtime), initdead: time(initdead) };
}

/** A line of haresources: what moves together, started from left to right. */
interface Group {
  readonly node: string;
  readonly items: readonly string[];
}

/** VIPs that prefer the same host move together. */
export function groupsOf({ farm, variables }: Pick<Context, 'farm' | 'variables'>, { nodes, vips }: Pair): Group[] {
  const extra = variables.resources.map((one) => ({ ...one, vip: one.vip ?? vips[0]?.name }));
  return nodes.flatMap(({ name: node }) => {
    const own = vips.filter(({ pair }) => pair[0] === node);
    if (own.length === 0) return [];
    const beside = (position: 'before' | 'after'): string[] =>
      extra
        .filter((one) => one.position === position && own.some((vip) => vip.name === one.vip))
        .map((one) => [one.agent, ...one.arguments].join('::'));
    const addresses = own.map(({ address, network }) => `IPaddr2::${address}/32/${farm.network(network).device}`);
    return [{ node, items: [...beside('before'), ...addresses, ...beside('after')] }];
  });
}

const RESOURCES_PATH = '/etc/ha.d/haresources';

/** What moves besides addresses: a daemon that reads its files again starts nothing that is new to it. */
export function startedBeside(contents: ReadonlyMap<string, string>): string {
  const lines = (contents.get(RESOURCES_PATH) ?? '').split('\n').filter((line) => !line.startsWith('#'));
  const words = lines.map((line) => line.split(/\s+/).filter((word) => !word.startsWith('IPaddr2::')));
  return words
    .filter((line) => line.length > 1)
    .map((line) => line.join(' '))
    .join('\n');
}

/** ha.cf, authkeys, haresources and the drop-in: the same on both nodes. */
export function config(context: Context, pair: Pair): Resource[] {
  const { variables, render } = context;
  const { authkey, authkeyNumber, otherAuthkeys } = variables;
  const keys = [[String(authkeyNumber), authkey] as const, ...Object.entries(otherAuthkeys)];
  const nodes = pair.nodes.map((node) => node.name);
  const settings = {
    ...timings(variables),
    port: variables.port === 694 ? false : variables.port,
    autoFailback: variables.autoFailback ? 'on' : 'off',
    transport: variables.transport,
    links: pair.links.map(({ network, addresses }) => ({ device: network.device, addresses })),
    multicastGroup: variables.multicastGroup,
    multicastPort: variables.port,
    serial: variables.serial,
    baud: variables.baud,
    nodes,
    ping: variables.ping,
  };
  const secrets = keys
    .map(([number, key]) => ({ number, key: key.placeholder }))
    .sort((one, other) => Number(one.number) - Number(other.number));
  return [
    file({ path: '/etc/ha.d/ha.cf', content: render('ha.cf.hbs', settings) }),
    file({
      path: '/etc/ha.d/authkeys',
      content: render('authkeys.hbs', { number: authkeyNumber, keys: secrets }),
      mode: '0600',
    }),
    file({
      path: RESOURCES_PATH,
      content: render('haresources.hbs', { groups: groupsOf(context, pair) }),
    }),
    dropIn({
      unit: 'heartbeat.service',
      name: 'farmctl',
      content: render('heartbeat.conf.hbs', { startAfter: variables.startAfter }),
    }),
  ];
}

/** The unit that looks after what the addresses serve; none where nothing is to be checked. */
export function checkService({ variables: { check }, render }: Context, { vips }: Pair): Resource[] {
  if (check === undefined) return [];
  const addresses = vips.map((vip) => vip.address);
  return [
    service({
      unit: CHECK_UNIT,
      enabled: true,
      active: true,
      config: [
        file({ path: CHECK_PATH, content: render('check.sh.hbs', { ...check, addresses }), mode: '0755' }),
        unitFile({ unit: CHECK_UNIT, content: render('check.service.hbs', { path: CHECK_PATH }) }),
      ],
      reload: 'restart',
    }),
  ];
}
