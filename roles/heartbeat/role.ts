import {
  type Check,
  commandCheck,
  defineRole,
  packages,
  type Resource,
  type RoleContext,
  type RolloutHost,
  service,
  sh,
  vipCheck,
} from 'farmctl';
import { checkService, config, startedBeside, timings } from './config.ts';
import { movingAddress } from './moving-address.ts';
import { nodeName } from './node-name.ts';
import { pairOf } from './pair.ts';
import { CHECKERS, reloadScript, validateScript, verifyScript } from './scripts.ts';
import { type Offer, type Variables, variables } from './variables.ts';

type Context = RoleContext<Variables>;

const UNIT = 'heartbeat.service';

function resources(context: Context): Resource[] {
  const { host, farm, variables: given } = context;
  const pair = pairOf(context);
  const deviceOf = (network: string): string => farm.network(network).device;
  const devices = new Set([
    ...pair.links.map(({ network }) => network.device),
    ...pair.vips.map((vip) => deviceOf(vip.network)),
  ]);
  return [
    nodeName({ name: host.name }),
    packages(['heartbeat', 'iproute2']),
    // It logs to the journal by itself.
    service({ unit: 'logd.service', enabled: false, active: false, config: [] }),
    service({
      unit: UNIT,
      enabled: true,
      active: true,
      config: config(context, pair),
      validate: validateScript(
        [...devices],
        given.resources.map((one) => one.agent),
      ),
      checkers: CHECKERS,
      reload: reloadScript,
      restartWhen: startedBeside,
      verify: verifyScript(timings(given), given.initdead),
    }),
    // A daemon that runs takes no address that is new to it: then it is put on here.
    ...pair.vips.map(({ address, network, pair: [preferred] }) =>
      movingAddress({ address, device: deviceOf(network), group: preferred === host.name ? 'local' : 'foreign' }),
    ),
    ...checkService(context, pair),
  ];
}

function checks(context: Context): Check[] {
  const { host, farm } = context;
  return [
    commandCheck({ name: 'heartbeat', script: sh`cl_status hbstatus` }),
    ...farm.vips.filter(({ pair }) => pair.includes(host.name)).map((vip) => vipCheck({ vip: vip.name })),
  ];
}

/**
 * A new pair starts together, since each waits for the other. Later one after the other, whatever the change: first
 * what does not run, then the standby, the one with the addresses last.
 */
function rollout(hosts: readonly RolloutHost[]): readonly (readonly string[])[] {
  if (!hosts.some((host) => host.wasActive)) return [hosts.map((host) => host.name)];
  const rank = (host: RolloutHost): number => (host.wasActive ? 1 + host.holds.length : 0);
  return [...hosts].sort((one, other) => rank(one) - rank(other)).map((host) => [host.name]);
}

export default defineRole({
  name: 'heartbeat',
  summary: "Moves a pair's virtual addresses to the other host when one dies.",
  systems: ['debian-12'],
  variables,
  // An address comes when that is there which answers at it.
  after: [
    { part: 'lvs-dr/director', on: 'same-host' },
    { part: 'bind9', on: 'same-host' },
  ],
  resources,
  checks,
  offers: ({ variables: offer }): Offer => offer,
  rollout,
  filesFirst: true,
});
