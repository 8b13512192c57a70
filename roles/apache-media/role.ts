import { commandCheck, defineRole, directory, file, type RoleContext, type Script, type Static, sh, t } from 'farmctl';
import { apacheChecks, apacheResources, checkAddress } from '../_shared/apache/server.ts';
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

declare module 'farmctl' {
  interface Offers {
    'apache-media': {
      readonly port: number;
      readonly tlsPort?: number;
      readonly healthPath: string;
      readonly hostHeader: string;
      /** Where it listens; empty: on all its addresses. */
      readonly addresses: readonly string[];
    };
  }
}

const LIBRARY = '/usr/local/share/farmctl';
const HEALTH_PAGE = `${LIBRARY}/healthz.txt`;
const DAY = 86_400;
const YEAR = 365 * DAY;

/** What may lie beside itself in compressed form, by extension, and what it is. */
const COMPRESSIBLE = {
  css: 'text/css',
  html: 'text/html',
  js: 'text/javascript',
  json: 'application/json',
  mjs: 'text/javascript',
  svg: 'image/svg+xml',
  txt: 'text/plain',
  xml: 'text/xml',
} as const;

const seconds = t.integer({ minimum: 0, maximum: YEAR, description: 'How long it may be kept, in seconds.' });

const variables = t.object({
  ...serverVariables({
    workers: 1024,
    threadsPerChild: 64,
    maxSpareThreads: 256,
    asyncFactor: 4,
    keepAliveTimeout: 5,
    listenBacklog: 4096,
    sharedStorage: false,
  }),
  vhosts: t.array(
    t.object({
      ...siteVariables('/healthz'),
      directoryIndex: t.string({
        default: 'index.html',
        pattern: '^[A-Za-z0-9._-]+$',
        description: 'Shown for a directory.',
      }),
      allowOrigin: orNull(t.string({ pattern: '^(\\*|https?://[A-Za-z0-9.:-]+)$' }), {
        description: 'Sites that may use the files from scripts and for fonts (Access-Control-Allow-Origin).',
      }),
    }),
    { default: [], description: 'Virtual hosts by name. Empty: one, `static` in the domain of the farm.' },
  ),
  methods: t.array(t.enum(['GET', 'HEAD', 'OPTIONS']), {
    default: ['GET', 'HEAD'],
    minItems: 1,
    uniqueItems: true,
    description: 'Methods that are answered; all others are refused.',
  }),
  cacheDefault: t.integer({
    default: 3600,
    minimum: 0,
    maximum: YEAR,
    description: 'How long a file may be kept where nothing else is said, in seconds.',
  }),
  cacheTypes: t.array(
    t.object({ type: t.string({ pattern: '^[a-z]+/([a-z0-9.+-]+|\\*)$', description: 'MIME type.' }), seconds }),
    {
      default: [
        { type: 'image/png', seconds: 30 * DAY },
        { type: 'image/jpeg', seconds: 30 * DAY },
        { type: 'image/gif', seconds: 30 * DAY },
        { type: 'image/webp', seconds: 30 * DAY },
        { type: 'image/svg+xml', seconds: 30 * DAY },
        { type: 'font/woff2', seconds: 30 * DAY },
        { type: 'text/css', seconds: 7 * DAY },
        { type: 'text/javascript', seconds: 7 * DAY },
      ],
      description: 'How long files of a type may be kept.',
    },
  ),
  cachePatterns: t.array(
    t.object({
      pattern: t.string({
        pattern: '^[^"\\r\\n$]+$',
        description: 'Regular expression for the end of a file name, without `$`; also for its compressed forms.',
      }),
      seconds,
      immutable: t.boolean({ default: false, description: 'It never changes under this name.' }),
    }),
    {
      default: [
        {
          pattern: '\\.[0-9a-f]{8,}\\.(?:css|js|mjs|png|jpe?g|gif|webp|svg|woff2)',
          seconds: YEAR,
          immutable: true,
        },
      ],
      description:
        'How long files of a name may be kept; goes before their type. Default: names with a hash, for ever.',
    },
  ),
  precompressed: t.array(t.enum(['br', 'gzip']), {
    default: ['gzip'],
    uniqueItems: true,
    description: 'Encodings that lie beside the files, NAME.br or NAME.gz, the preferred first; empty: none.',
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
  ...{ healthPath: '/healthz', healthFile: null, extra: '', directoryIndex: 'index.html', allowOrigin: null },
} satisfies Omit<Site, 'name'>;

function sitesOf({ host, variables: { vhosts } }: Pick<Context, 'host' | 'variables'>): readonly Site[] {
  return vhosts.length > 0 ? vhosts : [{ ...usualSite, name: `static.${domainOf(host)}` }];
}

function encodings(precompressed: Variables['precompressed']) {
  const extensions = Object.keys(COMPRESSIBLE).join('|');
  return precompressed.map((encoding) => {
    const suffix = encoding === 'gzip' ? 'gz' : 'br';
    const types = Object.entries(COMPRESSIBLE).map(([extension, type]) => ({ extension, type, suffix }));
    return { encoding, suffix, types, extensions };
  });
}

/** What the template of a virtual host is given. */
function siteData({ host, farm, variables }: Context, site: Site): Readonly<Record<string, unknown>> {
  const { accessLog, cacheDefault, cacheTypes, cachePatterns, precompressed, lbAddresses, tlsPort } = variables;
  const common = {
    ...site,
    ...{ accessLog, cacheDefault, cacheTypes, cachePatterns },
    docroot: docrootOf(site),
    methods: variables.methods.join(' '),
    healthPage: HEALTH_PAGE,
    healthPattern: site.healthPath.replaceAll('.', '\\.'),
    healthFile: site.healthFile === null ? '' : `/${site.healthFile}`,
    healthTest: site.healthFile === null ? '-d' : '-f',
    healthReaders: healthReaders(host, farm, lbAddresses).join(' '),
    encodings: encodings(precompressed),
    extensions: Object.keys(COMPRESSIBLE).join('|'),
    extra: site.extra.trimEnd() === '' ? [] : site.extra.trimEnd().split('\n'),
  };
  const secure = tlsPort === 443 ? '' : `:${tlsPort}`;
  const endpoints = endpointsOf(variables, site).map((endpoint) => ({
    ...common,
    ...endpoint,
    redirect: site.redirectToTls && endpoint.tls === null ? `https://%{SERVER_NAME}${secure}%{REQUEST_URI}` : null,
  }));
  return { endpoints };
}

/** On the host: POST is refused, and a file that came with the configuration says how long it may be kept. */
function servingScript(url: string, name: string, path: string | undefined): Script {
  const caching =
    path === undefined
      ? sh``
      : sh`
kept=$(answer '%header{cache-control}' ${`${url}/${path}`})
case $kept in *max-age=*) ;; *) printf 'no max-age in the answer for %s: %s\n' ${path} "$kept" >&2; exit 1 ;; esac`;
  return sh`answer() { w=$1; shift; curl -q -s -m 5 --noproxy '*' -o /dev/null -H ${`Host: ${name}`} -w "$w" "$@"; }
s=$(answer '%{http_code}' -X POST -d x ${`${url}/`})
[ "$s" = 403 ] || { printf 'POST was answered with %s\n' "$s" >&2; exit 1; }${caching}`;
}

export default defineRole({
  name: 'apache-media',
  summary: 'Serves static files to many connections: caching rules, precompressed files, only reading.',
  systems: ['debian-12'],
  variables,
  // What it serves may lie there, and on one host the mounts have to come first in the tier's list.
  // A server that has not the balancer's address yet must not answer its checks.
  after: ['nfs/client', { part: 'lvs-dr/real', on: 'same-host' }],

  resources(context) {
    const sites = sitesOf(context);
    const { variables, render, reject } = context;
    checkSites(variables, sites, reject);
    const mounts = docrootMounts(context, sites.map(docrootOf));
    return apacheResources(
      {
        context,
        modules: ['expires'],
        sites: sites.map((site) => ({ file: `vhost-${site.name.toLowerCase()}`, data: siteData(context, site) })),
        docroots: sites.map((site) => ({ name: site.name, docroot: docrootOf(site) })),
        mounts,
        tls: sites.flatMap(({ tls }) => tls ?? []),
      },
      {
        packages: [],
        before: [
          ...docrootResources(mounts, sites, reject),
          directory({ path: LIBRARY }),
          file({ path: HEALTH_PAGE, content: render('healthz.txt.hbs', {}) }),
        ],
      },
    );
  },

  checks(context) {
    const sites = sitesOf(context);
    const url = `http://${checkAddress(context)}:${context.variables.port}`;
    const served = sites.filter(({ redirectToTls }) => !redirectToTls);
    return [
      ...apacheChecks(context, sites),
      ...served.map(({ name, files: [first] }) =>
        commandCheck({ name: `caching ${name}`, script: servingScript(url, name, first?.path) }),
      ),
    ];
  },

  offers(context) {
    const { port, tlsPort } = context.variables;
    const sites = sitesOf(context);
    return {
      port,
      ...(sites.some(({ tls }) => tls !== null) ? { tlsPort } : {}),
      healthPath: sites[0]?.healthPath ?? '/healthz',
      hostHeader: sites[0]?.name ?? context.host.fqdn,
      addresses: context.variables.addresses,
    };
  },
});
