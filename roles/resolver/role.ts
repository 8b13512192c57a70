import {
  type Check,
  commandCheck,
  defineRole,
  didYouMean,
  dnsCheck,
  file,
  type RoleContext,
  type Static,
  sh,
  t,
} from 'farmctl';
import { linkGuard } from './link-guard.ts';

const variables = t.object({
  servers: t.array(t.string({ format: 'ipv4' }), {
    default: [],
    maxItems: 3,
    description: "Addresses of name servers. Where empty, they are the farm's own: this host first if it is one.",
  }),
  vip: t.optional(t.string({ description: 'Virtual address of the name servers, asked before them.' })),
  search: t.array(t.string({ pattern: '^[A-Za-z0-9._-]+$' }), {
    default: [],
    maxItems: 6,
    description: "Domains that complete a short name. Where empty, the farm's own.",
  }),
  timeout: t.integer({ minimum: 1, maximum: 30, default: 1, description: 'Seconds until the next server is asked.' }),
  attempts: t.integer({ minimum: 1, maximum: 5, default: 2, description: 'How often each server is asked.' }),
  rotate: t.boolean({ default: false, description: 'Whether the servers take turns.' }),
  replaceLink: t.boolean({
    default: false,
    description: 'Whether a symlink at /etc/resolv.conf is replaced: systemd-resolved, resolvconf and others make one.',
  }),
});

type Context = RoleContext<Static<typeof variables>>;

/** As many as the C library asks. */
const MOST_SERVERS = 3;

/** Addresses in the order in which they are asked. A server is reached on a network that both have, if there is one. */
function serverAddresses({ host, farm, variables: given, reject }: Context): readonly string[] {
  if (given.servers.length > 0 && given.vip === undefined) return given.servers;
  const vip = farm.vips.find((one) => one.name === given.vip);
  if (given.vip !== undefined && vip === undefined) {
    const known = farm.vips.map(({ name }) => name);
    const detail = `There is no virtual address "${given.vip}".${didYouMean(given.vip, known)}`;
    return reject('vip', detail, 'Name one of the inventory\'s "vips".');
  }
  const own = new Set(host.addresses.map((one) => one.network.name));
  const found = farm.hosts('bind9').map(({ host: server, offer }) => ({
    isSelf: server.name === host.name,
    address: server.addresses.find((one) => own.has(one.network.name))?.address ?? offer.address,
  }));
  const farmOwn = [...found.filter((one) => one.isSelf), ...found.filter((one) => !one.isSelf)].map(
    (one) => one.address,
  );
  const all = [...(vip === undefined ? [] : [vip.address]), ...(given.servers.length > 0 ? given.servers : farmOwn)];
  if (all.length === 0)
    return reject(
      'servers',
      'The farm has no name server, and none is named.',
      'Give a host the role bind9, or name servers.',
    );
  return all.slice(0, MOST_SERVERS);
}

function checks(context: Context): Check[] {
  const { host, farm } = context;
  const isOwn = context.variables.servers.length === 0;
  const each = serverAddresses(context).map((address) =>
    isOwn
      ? dnsCheck({
          name: `name server ${address}`,
          address,
          query: host.fqdn,
          recordType: 'A',
          expect: [host.address()],
        })
      : dnsCheck({ name: `name server ${address}`, address, query: farm.domain, recordType: 'SOA', expect: [] }),
  );
  // `-s dns` leaves /etc/hosts out.
  const resolves = commandCheck({ name: 'resolv.conf', script: sh`getent -s dns ahostsv4 ${host.fqdn}` });
  return [...each, resolves];
}

export default defineRole({
  name: 'resolver',
  summary: 'Points a host to the name servers of the farm.',
  tags: ['dns'],
  systems: ['debian-12'],
  variables,
  after: ['bind9'],

  resources(context) {
    const { variables: given, farm, render } = context;
    const path = '/etc/resolv.conf';
    const content = render('resolv.conf.hbs', {
      search: given.search.length === 0 ? [farm.domain] : given.search,
      servers: serverAddresses(context),
      timeout: given.timeout,
      attempts: given.attempts,
      rotate: given.rotate,
    });
    const advice = 'set "resolver.replaceLink: true" to replace it, or take the role resolver from this host';
    return [...(given.replaceLink ? [] : [linkGuard({ path, advice })]), file({ path, content })];
  },

  checks,
});
