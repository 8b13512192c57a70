import { type Static, type TObject, t } from 'farmctl';
import { MODULES } from './modules.ts';

const LABEL = '[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?';
/** At most 200 characters, so that it can be part of a file name. */
const HOST_NAME = `^(?=.{1,200}$)(${LABEL}\\.)*${LABEL}$`;
const HOST_NAME_OR_WILDCARD = `^(?=.{1,200}$)(\\*\\.)?(${LABEL}\\.)*${LABEL}$`;
const OCTET = '(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])';
const IPV4_OR_NETWORK = `^${OCTET}(\\.${OCTET}){3}(/([0-9]|[12][0-9]|3[0-2]))?$`;
const USER = '^[a-z_][a-z0-9_-]{0,31}$';

/** A path that can stand in a configuration of Apache without quoting: no quotes, no blanks, no `$`. */
const plainPath = (options: Record<string, unknown> = {}) =>
  t.string({ pattern: '^(/(?!\\.{1,2}(/|$))[A-Za-z0-9._@+-]+)+$', ...options });

/** A short name that becomes part of file names: of a pool or a certificate. */
export const shortName = (options: Record<string, unknown> = {}) =>
  t.string({ pattern: '^[a-z][a-z0-9_-]{0,31}$', ...options });

export const orNull = <S extends Parameters<typeof t.optional>[0]>(schema: S, options: Record<string, unknown>) =>
  t.union([schema, t.null()], { default: null, ...options });

/** Where the two roles differ in what is usual. */
interface UsualValues {
  readonly workers: number;
  readonly threadsPerChild: number;
  readonly maxSpareThreads: number;
  readonly asyncFactor: number;
  readonly keepAliveTimeout: number;
  readonly listenBacklog: number;
  readonly sharedStorage: boolean;
}

/** The variables of every Apache, whatever it serves. */
export function serverVariables(usual: UsualValues) {
  return {
    port: t.port({ default: 80, description: 'Port for plain HTTP.' }),
    tlsPort: t.port({ default: 443, description: 'Port for HTTPS; listened on only if a virtual host has `tls`.' }),
    addresses: t.array(t.string({ format: 'ipv4' }), {
      default: [],
      uniqueItems: true,
      description: 'IPv4 addresses to listen on; empty: all, which is what a host behind a virtual address needs.',
    }),
    statusPort: t.port({ default: 8081, description: 'Port on 127.0.0.1 where `/server-status` is shown.' }),
    workers: t.integer({
      default: usual.workers,
      minimum: 1,
      maximum: 200_000,
      description:
        'Requests served at a time (MaxRequestWorkers): a multiple of `threadsPerChild`, at most `serverLimit` times it.',
    }),
    threadsPerChild: t.integer({
      default: usual.threadsPerChild,
      minimum: 1,
      maximum: 20_000,
      description: 'Threads of one process (ThreadsPerChild), at most `threadLimit`.',
    }),
    serverLimit: t.integer({
      default: 32,
      minimum: 1,
      maximum: 20_000,
      description:
        'Most processes (ServerLimit). Room above `workers` / `threadsPerChild` lets a reload start new processes while old ones still finish. A change restarts Apache.',
    }),
    threadLimit: t.integer({
      default: 64,
      minimum: 1,
      maximum: 20_000,
      description: 'Upper limit of `threadsPerChild` (ThreadLimit). A change restarts Apache.',
    }),
    startServers: t.integer({ default: 2, minimum: 1, maximum: 1000, description: 'Processes at the start.' }),
    minSpareThreads: t.integer({
      default: 25,
      minimum: 1,
      maximum: 200_000,
      description: 'Idle threads kept at least.',
    }),
    maxSpareThreads: t.integer({
      default: usual.maxSpareThreads,
      minimum: 1,
      maximum: 200_000,
      description: 'Idle threads kept at most: `minSpareThreads` + `threadsPerChild` or more.',
    }),
    asyncFactor: t.number({
      default: usual.asyncFactor,
      exclusiveMinimum: 0,
      maximum: 100,
      description:
        'Idle connections a process holds besides its busy ones, per idle thread (AsyncRequestWorkerFactor).',
    }),
    maxConnectionsPerChild: t.integer({
      default: 0,
      minimum: 0,
      maximum: 1_000_000_000,
      description: 'Connections after which a process is replaced; 0: never.',
    }),
    listenBacklog: t.integer({
      default: usual.listenBacklog,
      minimum: 1,
      maximum: 65_535,
      description:
        'Connections that wait to be accepted (ListenBacklog). Above 4096 the kernel limit net.core.somaxconn is raised too. A change restarts Apache.',
    }),
    timeout: t.integer({ default: 60, minimum: 1, maximum: 3600, description: 'Seconds without progress (Timeout).' }),
    keepAliveTimeout: t.integer({
      default: usual.keepAliveTimeout,
      minimum: 0,
      maximum: 300,
      description: 'Seconds an idle connection is kept open; 0: connections are not kept.',
    }),
    maxKeepAliveRequests: t.integer({
      default: 1000,
      minimum: 0,
      maximum: 1_000_000,
      description: 'Requests per connection; 0: no limit.',
    }),
    openFiles: t.integer({
      default: 65_536,
      minimum: 1024,
      maximum: 524_288,
      description: 'Open files per process (ulimit -n in envvars). A change restarts Apache.',
    }),
    sharedStorage: t.boolean({
      default: usual.sharedStorage,
      description:
        'The document roots lie on shared storage: no sendfile and no mmap, which would send stale or torn files. Where the role nfs/client of the same host mounts one, that is so in any case.',
    }),
    docrootMount: orNull(plainPath(), {
      description:
        'Mount point that holds document roots, besides those that the role nfs/client mounts: Apache is started after it, and nothing below it is created by this role.',
    }),
    accessLog: t.boolean({ default: true, description: 'Write access logs, without the health checks.' }),
    modules: t.array(t.enum(MODULES), {
      default: [],
      uniqueItems: true,
      description: 'Modules besides those that the role needs.',
    }),
    withoutModules: t.array(t.enum(MODULES), {
      default: [],
      uniqueItems: true,
      description: 'Modules to leave out of the usual deflate, env, expires and reqtimeout.',
    }),
    lbAddresses: t.array(t.string({ pattern: IPV4_OR_NETWORK }), {
      default: [],
      uniqueItems: true,
      description:
        'Addresses or networks of balancers: they may read the health pages, and are believed when they say X-Forwarded-For. Empty: the networks of the farm may read the health pages, and nobody is believed.',
    }),
    certificates: t.array(
      t.object({
        name: shortName({ description: 'The name that `tls` of a virtual host gives.' }),
        certificate: t.string({
          pattern: '^-----BEGIN CERTIFICATE-----\\n',
          description: 'The certificate and its chain, PEM: `!text FILE`.',
        }),
        key: t.secret({ description: 'The private key without a pass phrase, PEM: `!file FILE`.' }),
      }),
      { default: [], description: 'Certificates that virtual hosts use.' },
    ),
  };
}

/** What every virtual host has. */
export function siteVariables(healthPath: string) {
  return {
    name: t.string({ pattern: HOST_NAME, description: 'The host name it answers to.' }),
    aliases: t.array(t.string({ pattern: HOST_NAME_OR_WILDCARD }), {
      default: [],
      uniqueItems: true,
      description: 'More names; `*.example.org` is allowed.',
    }),
    docroot: orNull(plainPath(), { description: 'Document root; `/srv/www/NAME` where absent.' }),
    createDocroot: t.boolean({
      default: true,
      description:
        'Make the document root. False: others do, a deployment that switches a link for example; one that is missing is refused then.',
    }),
    owner: t.string({ default: 'root', pattern: USER, description: 'Owner of the document root.' }),
    group: t.string({ default: 'root', pattern: USER, description: 'Group of the document root.' }),
    files: t.array(
      t.object({
        path: t.string({
          pattern: '^(?!/)((^|/)(?!\\.{1,2}(/|$))[A-Za-z0-9._@+-]+)+$',
          description: 'Path below the document root.',
        }),
        text: t.string({ description: 'What it holds: `!text FILE`.' }),
      }),
      {
        default: [],
        description: 'A few files that come with the configuration. Larger sites are deployed otherwise.',
      },
    ),
    tls: orNull(shortName(), { description: 'Name of the certificate; null: plain HTTP only.' }),
    redirectToTls: t.boolean({ default: false, description: 'Send plain HTTP to HTTPS, but for the health page.' }),
    healthPath: t.string({
      default: healthPath,
      pattern: '^/[A-Za-z0-9._/-]*[A-Za-z0-9_-]$',
      description: 'Where the health page is.',
    }),
    healthFile: orNull(t.string({ pattern: '^(?!/)((^|/)(?!\\.{1,2}(/|$))[A-Za-z0-9._@+-]+)+$' }), {
      description:
        'A file below the document root that must be readable for good health, so that a missing mount is noticed; the directory itself where absent.',
    }),
    extra: t.string({ default: '', description: "Lines of Apache's language, put at the end of the virtual host." }),
  };
}

export type ServerVariables = Static<TObject<ReturnType<typeof serverVariables>>>;
export type SiteVariables = Static<TObject<ReturnType<typeof siteVariables>>>;
