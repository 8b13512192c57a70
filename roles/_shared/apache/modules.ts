import { type Resource, symlink } from 'farmctl';

/** Apache's modules as Debian 12 packages them (apache2-bin): the names that a user may enable. The MPM is the role's. */
export const MODULES = [
  ...['access_compat', 'actions', 'alias', 'allowmethods', 'asis', 'auth_basic', 'auth_digest', 'auth_form'],
  ...[
    'authn_anon',
    'authn_core',
    'authn_dbd',
    'authn_dbm',
    'authn_file',
    'authn_socache',
    'authnz_fcgi',
    'authnz_ldap',
  ],
  ...[
    'authz_core',
    'authz_dbd',
    'authz_dbm',
    'authz_groupfile',
    'authz_host',
    'authz_owner',
    'authz_user',
    'autoindex',
  ],
  ...['brotli', 'buffer', 'cache', 'cache_disk', 'cache_socache', 'cern_meta', 'cgi', 'cgid', 'charset_lite', 'data'],
  ...[
    'dav',
    'dav_fs',
    'dav_lock',
    'dbd',
    'deflate',
    'dialup',
    'dir',
    'dump_io',
    'echo',
    'env',
    'expires',
    'ext_filter',
  ],
  ...['file_cache', 'filter', 'headers', 'heartbeat', 'heartmonitor', 'http2', 'ident', 'imagemap', 'include', 'info'],
  ...['lbmethod_bybusyness', 'lbmethod_byrequests', 'lbmethod_bytraffic', 'lbmethod_heartbeat', 'ldap', 'log_debug'],
  ...[
    'log_forensic',
    'lua',
    'macro',
    'md',
    'mime',
    'mime_magic',
    'negotiation',
    'proxy',
    'proxy_ajp',
    'proxy_balancer',
  ],
  ...['proxy_connect', 'proxy_express', 'proxy_fcgi', 'proxy_fdpass', 'proxy_ftp', 'proxy_hcheck', 'proxy_html'],
  ...['proxy_http', 'proxy_http2', 'proxy_scgi', 'proxy_uwsgi', 'proxy_wstunnel', 'ratelimit', 'reflector', 'remoteip'],
  ...['reqtimeout', 'request', 'rewrite', 'sed', 'session', 'session_cookie', 'session_crypto', 'session_dbd'],
  ...['setenvif', 'slotmem_plain', 'slotmem_shm', 'socache_dbm', 'socache_memcache', 'socache_redis', 'socache_shmcb'],
  ...[
    'speling',
    'ssl',
    'status',
    'substitute',
    'suexec',
    'unique_id',
    'userdir',
    'usertrack',
    'vhost_alias',
    'xml2enc',
  ],
] as const;

export type Module = (typeof MODULES)[number];

/** Those that bring a `.conf` beside their `.load`. That of status is left out: it would show the page on every site. */
const WITH_CONF: ReadonlySet<string> = new Set([
  ...['actions', 'alias', 'autoindex', 'cache_disk', 'cgid', 'dav_fs', 'deflate', 'dir', 'http2', 'info', 'ldap'],
  ...['mime', 'mime_magic', 'mpm_event', 'negotiation', 'proxy', 'proxy_balancer', 'proxy_ftp', 'proxy_html'],
  ...['reqtimeout', 'setenvif', 'ssl', 'userdir'],
]);

/** What a module needs, as its `.load` file says after `# Depends:`. */
const NEEDS: Readonly<Partial<Record<Module, readonly Module[]>>> = {
  access_compat: ['authn_core'],
  asis: ['mime'],
  auth_basic: ['authn_core'],
  auth_digest: ['authn_core'],
  auth_form: ['session', 'authn_core'],
  authn_dbd: ['dbd'],
  authnz_ldap: ['ldap'],
  authz_dbd: ['dbd', 'authz_core'],
  authz_dbm: ['authz_core'],
  authz_groupfile: ['authz_core'],
  authz_host: ['authz_core'],
  authz_user: ['authz_core'],
  cache_disk: ['cache'],
  cache_socache: ['cache'],
  dav_fs: ['dav'],
  deflate: ['filter'],
  file_cache: ['cache'],
  include: ['mime'],
  lbmethod_bybusyness: ['proxy_balancer'],
  lbmethod_byrequests: ['proxy_balancer'],
  lbmethod_bytraffic: ['proxy_balancer'],
  lbmethod_heartbeat: ['proxy_balancer'],
  proxy_ajp: ['proxy'],
  proxy_balancer: ['proxy', 'alias', 'slotmem_shm'],
  proxy_connect: ['proxy'],
  proxy_express: ['proxy'],
  proxy_fcgi: ['proxy'],
  proxy_fdpass: ['proxy'],
  proxy_ftp: ['proxy'],
  proxy_hcheck: ['proxy'],
  proxy_html: ['proxy', 'xml2enc'],
  proxy_http: ['proxy'],
  proxy_http2: ['proxy', 'http2'],
  proxy_scgi: ['proxy'],
  proxy_uwsgi: ['proxy'],
  proxy_wstunnel: ['proxy'],
  ratelimit: ['env'],
  session_cookie: ['session'],
  session_crypto: ['session'],
  session_dbd: ['session'],
  ssl: ['setenvif', 'mime', 'socache_shmcb'],
};

/** What every Apache of these roles loads: its configuration uses them. */
const REQUIRED: readonly Module[] = [
  ...(['alias', 'authz_core', 'authz_host', 'dir', 'headers', 'mime', 'rewrite', 'setenvif', 'status'] as const),
];

/** On unless the user leaves them out. */
const USUAL: readonly Module[] = ['deflate', 'env', 'expires', 'reqtimeout'];

function withNeeds(modules: Iterable<Module>): Set<Module> {
  const all = new Set<Module>();
  const add = (module: Module) => {
    if (all.has(module)) return;
    all.add(module);
    for (const need of NEEDS[module] ?? []) add(need);
  };
  for (const module of modules) add(module);
  return all;
}

/**
 * The modules to be loaded, sorted: those that the role needs, the usual ones without those left out, and those that
 * the user adds, each with what it needs.
 * @returns in `refused` the modules that shall be left out but are needed
 */
export function chooseModules(choice: {
  readonly needed: readonly Module[];
  readonly added: readonly Module[];
  readonly left: readonly Module[];
}): { readonly modules: readonly Module[]; readonly refused: readonly Module[] } {
  const { needed, added, left } = choice;
  const usual = USUAL.filter((module) => !left.includes(module));
  const all = withNeeds([...REQUIRED, ...needed, ...usual, ...added]);
  return { modules: [...all].sort(), refused: left.filter((module) => all.has(module)) };
}

/** The links in mods-enabled that load these modules and the event MPM. */
export function moduleLinks(modules: readonly Module[]): readonly Resource[] {
  return ['mpm_event', ...modules].flatMap((module) =>
    [`${module}.load`, ...(WITH_CONF.has(module) ? [`${module}.conf`] : [])].map((name) =>
      symlink({ path: `/etc/apache2/mods-enabled/${name}`, target: `../mods-available/${name}` }),
    ),
  );
}
