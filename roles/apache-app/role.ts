import { defineRole, didYouMean, directory, file, type RoleContext, type Static, service, t } from 'farmctl';
import type { Module } from '../_shared/apache/modules.ts';
import { apacheChecks, apacheResources } from '../_shared/apache/server.ts';
import {
  checkSites,
  docrootMounts,
  docrootOf,
  docrootResources,
  domainOf,
  endpointsOf,
  healthReaders,
} from '../_shared/apache/sites.ts';
import { orNull, serverVariables, siteVariables } from '../_shared/apache/variables.ts';
import { checkPools, phpFpm, poolVariables } from './pools.ts';

declare module 'farmctl' {
  interface Offers {
    'apache-app': {
      readonly port: number;
      readonly tlsPort?: number;
      readonly healthPath: string;
      readonly hostHeader: string;
      /** Where it listens; empty: on all its addresses. */
      readonly addresses: readonly string[];
    };
  }
}

const PHP_VERSION = '8.2';
const LIBRARY = '/usr/local/share/farmctl';
const HEALTH_PAGE = `${LIBRARY}/healthz.php`;

const variables = t.object({
  ...serverVariables({
    workers: 400,
    threadsPerChild: 25,
    maxSpareThreads: 75,
    asyncFactor: 2,
    keepAliveTimeout: 3,
    listenBacklog: 1024,
    sharedStorage: true,
  }),
  vhosts: t.array(
    t.object({
      ...siteVariables('/healthz'),
      pool: t.string({ default: 'app', description: 'The PHP-FPM pool that runs its scripts.' }),
      proxyTo: orNull(t.string({ pattern: '^https?://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9._/-]*)?$' }), {
        description: 'Passes everything to this URL instead of PHP; `healthPath` is then a page of that application.',
      }),
      backendTimeout: t.integer({
        default: 30,
        minimum: 1,
        maximum: 86_400,
        description: 'Seconds that PHP or the application may take for an answer.',
      }),
      directoryIndex: t.array(t.string({ pattern: '^[A-Za-z0-9._-]+$' }), {
        default: ['index.php', 'index.html'],
        minItems: 1,
        description: 'What a directory shows.',
      }),
      frontController: orNull(t.string({ pattern: '^/[A-Za-z0-9._/-]+$' }), {
        description: 'The script that gets every request for which there is no file: `/index.php`.',
      }),
    }),
    { default: [], description: 'Virtual hosts by name. Empty: one, `www` in the domain of the farm.' },
  ),
  pools: t.array(poolVariables, {
    default: [{ name: 'app' }],
    minItems: 1,
    description: 'PHP-FPM pools. PHP-FPM does not start without one.',
  }),
  controlTimeout: t.integer({
    default: 30,
    minimum: 1,
    maximum: 60,
    description: 'Seconds that a reload of PHP-FPM waits for the requests that are being served.',
  }),
  phpExtensions: t.array(t.string({ pattern: '^[a-z0-9]+$' }), {
    default: ['mysql'],
    uniqueItems: true,
    description: 'PHP extensions by the name of their package: `gd` is php-gd.',
  }),
});

type Variables = Static<typeof variables>;
type Site = Variables['vhosts'][number];
type Context = RoleContext<Variables>;

const usualSite = {
  ...{
    aliases: [],
    docroot: null,
    createDocroot: true,
    owner: 'root',
    group: 'root',
    files: [],
    tls: null,
    redirectToTls: false,
  },
  ...{ healthPath: '/healthz', healthFile: null, extra: '', pool: 'app', proxyTo: null, backendTimeout: 30 },
  ...{ directoryIndex: ['index.php', 'index.html'], frontController: null },
} satisfies Omit<Site, 'name'>;

function sitesOf({ host, variables: { vhosts, pools } }: Pick<Context, 'host' | 'variables'>): readonly Site[] {
  if (vhosts.length > 0) return vhosts;
  return [{ ...usualSite, name: `www.${domainOf(host)}`, pool: pools[0]?.name ?? 'app' }];
}

function check({ variables, reject }: Context, sites: readonly Site[]): void {
  checkSites(variables, sites, reject);
  checkPools(variables.pools, reject);
  const pools = variables.pools.map(({ name }) => name);
  for (const [index, { name, pool, proxyTo }] of sites.entries()) {
    if (proxyTo !== null || pools.includes(pool)) continue;
    reject(
      ['vhosts', index, 'pool'],
      `${name} wants the pool "${pool}", which is not in pools.${didYouMean(pool, pools)}`,
      `There is ${pools.join(', ')}.`,
    );
  }
}

/** What the template of a virtual host is given. */
function siteData({ host, farm, variables }: Context, site: Site): Readonly<Record<string, unknown>> {
  const common = {
    ...site,
    accessLog: variables.accessLog,
    docroot: docrootOf(site),
    directoryIndex: site.directoryIndex.join(' '),
    healthPage: HEALTH_PAGE,
    healthFile: site.healthFile ?? '',
    healthPattern: site.healthPath.replaceAll('.', '\\.'),
    healthReaders: healthReaders(host, farm, variables.lbAddresses).join(' '),
    proxyTo: site.proxyTo === null ? null : site.proxyTo.replace(/\/?$/, '/'),
    extra: site.extra.trimEnd() === '' ? [] : site.extra.trimEnd().split('\n'),
  };
  const secure = variables.tlsPort === 443 ? '' : `:${variables.tlsPort}`;
  const endpoints = endpointsOf(variables, site).map((endpoint) => ({
    ...common,
    ...endpoint,
    scheme: endpoint.tls === null ? 'http' : 'https',
    redirect: site.redirectToTls && endpoint.tls === null ? `https://%{SERVER_NAME}${secure}%{REQUEST_URI}` : null,
  }));
  return { endpoints };
}

function modulesFor(sites: readonly Site[]): readonly Module[] {
  return sites.some(({ proxyTo }) => proxyTo !== null) ? ['proxy_fcgi', 'proxy_http'] : ['proxy_fcgi'];
}

export default defineRole({
  name: 'apache-app',
  summary: 'Serves applications: Apache with PHP-FPM or in front of an application port, by virtual hosts.',
  systems: ['debian-12'],
  variables,
  // What it serves may lie there, and on one host the mounts have to come first in the tier's list.
  // A server that has not the balancer's address yet must not answer its checks.
  after: ['nfs/client', { part: 'lvs-dr/real', on: 'same-host' }],

  resources(context) {
    const sites = sitesOf(context);
    check(context, sites);
    const { variables, render, reject } = context;
    const served = sites.filter(({ proxyTo }) => proxyTo === null);
    const mounts = docrootMounts(context, served.map(docrootOf));
    const php = [`php${PHP_VERSION}-fpm`, ...variables.phpExtensions.map((one) => `php${PHP_VERSION}-${one}`)];
    return apacheResources(
      {
        context,
        modules: modulesFor(sites),
        sites: sites.map((site) => ({ file: `vhost-${site.name.toLowerCase()}`, data: siteData(context, site) })),
        docroots: served.map((site) => ({ name: site.name, docroot: docrootOf(site) })),
        mounts,
        tls: sites.flatMap(({ tls }) => tls ?? []),
      },
      {
        packages: php,
        before: [
          ...docrootResources(mounts, served, reject),
          directory({ path: LIBRARY }),
          file({ path: HEALTH_PAGE, content: render('healthz.php.hbs', {}) }),
          service({ unit: 'phpsessionclean.timer', enabled: true, active: true, config: [] }),
          phpFpm(context, PHP_VERSION, mounts),
        ],
      },
    );
  },

  checks: (context) => apacheChecks(context, sitesOf(context)),

  offers(context) {
    const { port, tlsPort } = context.variables;
    const [site] = sitesOf(context);
    const tls = sitesOf(context).some((one) => one.tls !== null);
    return {
      port,
      ...(tls ? { tlsPort } : {}),
      healthPath: site?.healthPath ?? '/healthz',
      hostHeader: site?.name ?? context.host.fqdn,
      addresses: context.variables.addresses,
    };
  },
});
