import {
  type Check,
  commandCheck,
  defineRole,
  directory,
  dnsCheck,
  packages,
  type Resource,
  type RoleContext,
  service,
  sh,
  text,
} from 'farmctl';
import { config, KEY_PATH, PACKAGES, startOptions, UNIT, ZONES_PATH, zonePath } from './config.ts';
import { reverseName } from './names.ts';
import { closedCheck, primaryVerify, sameSerialCheck, secondaryVerify, transferCheck } from './scripts.ts';
import { type NameServer, nameService } from './servers.ts';
import { type Variables, variables } from './variables.ts';
import { zone } from './zone.ts';
import { zoneCopy } from './zone-copy.ts';
import { zoneText } from './zone-text.ts';

type Context = RoleContext<Variables>;

const CHECKER = '/usr/bin/named-checkconf';
/** Brought by the package and not wanted: it would write the host's resolv.conf. */
const NO_RESOLVCONF = service({ unit: 'named-resolvconf.service', enabled: false, active: false, config: [] });

function primaryResources(context: Context): Resource[] {
  const names = nameService(context);
  const secondaries = names.secondaries.map((one) => one.transferAddress);
  const files = names.zones.map((one) => ({
    name: one.name,
    path: zonePath(one, 'primary'),
    content: text(zoneText(one)),
  }));
  return [
    packages(PACKAGES),
    directory({ path: ZONES_PATH, mode: '2755', owner: 'root', group: 'bind' }),
    service({
      unit: UNIT,
      enabled: true,
      active: true,
      config: [...config(context, names, 'primary'), ...files.map((one) => zone({ ...one, secondaries }))],
      validate: sh`named-checkconf -z /etc/bind/named.conf`,
      checkers: [CHECKER],
      restartWhen: startOptions,
      verify: primaryVerify(files, secondaries),
    }),
    NO_RESOLVCONF,
  ];
}

function secondaryResources(context: Context): Resource[] {
  const names = nameService(context);
  const primary = names.primary.transferAddress;
  return [
    packages(PACKAGES),
    service({
      unit: UNIT,
      enabled: true,
      active: true,
      config: config(context, names, 'secondary'),
      validate: sh`named-checkconf /etc/bind/named.conf`,
      checkers: [CHECKER],
      restartWhen: startOptions,
      verify: secondaryVerify,
    }),
    NO_RESOLVCONF,
    ...names.zones.map((one) => zoneCopy({ name: one.name, path: zonePath(one, 'secondary'), primary })),
  ];
}

/** What a client of this server sees. */
function checks(context: Context): Check[] {
  const { host, farm } = context;
  const address = host.address();
  const ask = (name: string, query: string, recordType: 'SOA' | 'A' | 'PTR', expect: readonly string[]) =>
    dnsCheck({ name, address, query, recordType, expect });
  return [
    ...nameService(context).zones.map((one) => ask(`zone ${one.name}`, one.name, 'SOA', [])),
    ask(`address of ${host.name}`, host.fqdn, 'A', [address]),
    ask(`name of ${address}`, reverseName(address).slice(0, -1), 'PTR', [host.fqdn]),
    commandCheck({ name: 'no transfer without the key', script: closedCheck(farm.domain, address) }),
  ];
}

function secondaryChecks(context: Context): Check[] {
  const { primary, zones } = nameService(context);
  const from = primary.transferAddress;
  const names = zones.map((one) => one.name);
  return [
    ...checks(context),
    commandCheck({ name: 'transfer with the key', script: transferCheck(context.farm.domain, from, KEY_PATH) }),
    commandCheck({ name: 'serials as on the primary', script: sameSerialCheck(names, from) }),
  ];
}

function offers({ host, variables: { transferNetwork } }: Pick<Context, 'host' | 'variables'>): NameServer {
  return { address: host.address(), transferAddress: host.address(transferNetwork) };
}

export default defineRole({
  name: 'bind9',
  summary: "Serves the farm's zones, made from the inventory, and resolves for the farm's hosts.",
  tags: ['dns'],
  systems: ['debian-12'],
  variables,
  partOf: (host, { primary }, farm) =>
    host.name === (primary ?? farm.hosts('bind9')[0]?.host.name) ? 'primary' : 'secondary',
  parts: {
    primary: { resources: primaryResources, checks, offers },
    secondary: {
      after: [{ part: 'bind9/primary', needs: 'all' }],
      resources: secondaryResources,
      checks: secondaryChecks,
      offers,
    },
  },
});
