import { type Content, file, type Resource, type RoleContext } from 'farmctl';
import type { NameService, Server } from './servers.ts';
import type { Variables } from './variables.ts';
import type { Zone } from './zone-text.ts';

export const PACKAGES = ['bind9', 'bind9-dnsutils'];
export const UNIT = 'named.service';
export const ZONES_PATH = '/etc/bind/zones';
export const KEY_PATH = '/etc/bind/farm.key';
const DEFAULTS_PATH = '/etc/default/named';

/** Where a primary has a zone, and where a secondary keeps its copy: its AppArmor profile lets named write only there. */
export function zonePath({ name }: Zone, side: 'primary' | 'secondary'): string {
  return side === 'primary' ? `${ZONES_PATH}/${name}.zone` : `/var/cache/bind/${name}.zone`;
}

/** Named reads its options when it starts. */
export function startOptions(contents: ReadonlyMap<string, string>): string | undefined {
  return contents.get(DEFAULTS_PATH);
}

/** named.conf, the key and the options at start. */
export function config(
  { host, farm, variables, render }: RoleContext<Variables>,
  { primary, secondaries, zones }: NameService,
  side: 'primary' | 'secondary',
): Resource[] {
  const all = [primary, ...secondaries];
  const self = all.find((one) => one.host.name === host.name);
  const networks = ['127.0.0.0/8', ...farm.networks.map((one) => one.cidr)];
  const recursive = [...new Set([...networks, ...variables.allowRecursion])];
  const isOpen = variables.allowQuery.includes('any');
  const settings = {
    isPrimary: side === 'primary',
    zones: zones.map((one) => ({ name: one.name, path: zonePath(one, side) })),
    farm: recursive,
    clients: isOpen ? ['any'] : [...new Set([...recursive, ...variables.allowQuery])],
    ownAddress: self?.transferAddress ?? host.address(),
    primaryAddress: primary.transferAddress,
    secondaries: secondaries.map((one: Server) => one.transferAddress),
    keyPath: variables.tsig === undefined ? false : KEY_PATH,
    tsigName: variables.tsigName,
    recursion: variables.recursion ? 'yes' : 'no',
    forwarders: variables.forwarders,
    forward: variables.forward,
    dnssecValidation: variables.dnssecValidation,
    cacheMiB: variables.cacheMiB,
    responsesPerSecond: variables.responsesPerSecond ?? false,
    queryLog: variables.queryLog,
    statisticsPort: variables.statisticsPort ?? false,
  };
  const plain = (path: string, content: Content, mode: string, group: string) =>
    file({ path, content, mode, owner: 'root', group });
  const key = () =>
    render('farm.key.hbs', { name: variables.tsigName, algorithm: variables.tsigAlgorithm, secret: variables.tsig });
  return [
    plain('/etc/bind/named.conf', render('named.conf.hbs', settings), '0644', 'bind'),
    plain(DEFAULTS_PATH, render('default.hbs', {}), '0644', 'root'),
    ...(variables.tsig === undefined ? [] : [plain(KEY_PATH, key(), '0640', 'bind')]),
  ];
}
