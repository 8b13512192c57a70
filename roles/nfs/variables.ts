import { type Static, t } from 'farmctl';

const OCTET = '(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])';
const ACCOUNT = '^[a-z_][a-z0-9_-]{0,31}$';
const OWNER = '^([a-z_][a-z0-9_-]{0,31}|[0-9]{1,9})$';

/** A path that stands in an export table, a unit and Apache's configuration without quoting: letters, digits and ._@+- */
const plainPath = (description: string, more: Record<string, unknown> = {}) =>
  t.string({
    pattern: '^(/(?!\\.{1,2}(/|$))[A-Za-z0-9._@+-]+)+$',
    title: 'an absolute path of letters, digits and ._@+-',
    description,
    ...more,
  });

const access = (more: Record<string, unknown>) => t.enum(['rw', 'ro'], more);
const squash = (more: Record<string, unknown>) => t.enum(['root', 'all', 'none'], more);

const client = t.object({
  network: t.optional(t.string({ description: 'All addresses of this network of the inventory.' })),
  tier: t.optional(t.string({ description: 'The hosts of this tier.' })),
  host: t.optional(t.string({ description: 'This host.' })),
  cidr: t.optional(
    t.string({
      pattern: `^${OCTET}(\\.${OCTET}){3}/([1-9]|[12][0-9]|3[0-2])$`,
      title: 'a network such as 10.77.0.0/24',
      description: 'These addresses.',
    }),
  ),
  access: t.optional(access({ description: "In place of the export's." })),
  squash: t.optional(squash({ description: "In place of the export's." })),
  anonymous: t.optional(t.string({ description: "In place of the export's." })),
});

const share = t.object({
  path: plainPath('The directory; it is made first. Clients mount it by this path.'),
  owner: t.string({
    default: 'root',
    pattern: OWNER,
    description: 'Owner of the directory: a name of `ids`, one that every Debian has, such as www-data, or a number.',
  }),
  group: t.string({ default: 'root', pattern: OWNER, description: 'Group of the directory, named like the owner.' }),
  mode: t.mode({ default: '0755', description: 'Permissions of the directory.' }),
  directories: t.array(
    t.string({
      pattern: '^(?!\\.{1,2}(/|$))[A-Za-z0-9._@+-]+(/(?!\\.{1,2}(/|$))[A-Za-z0-9._@+-]+)*$',
      title: 'a path below it, such as htdocs',
    }),
    {
      default: [],
      uniqueItems: true,
      description: 'Directories in it that are made too, with the same owner, group and mode: `[htdocs]`.',
    },
  ),
  access: access({ default: 'rw', description: 'What clients may do: write and read, or only read.' }),
  squash: squash({
    default: 'root',
    description: 'Whose requests count as those of `anonymous`: root, all, or none (root may do everything).',
  }),
  anonymous: t.optional(t.string({ description: 'A name of `ids`; nobody (65534) where absent.' })),
  sync: t.boolean({ default: true, description: 'Answer after the data are on disk. False may lose them in a crash.' }),
  privilegedPorts: t.boolean({ default: true, description: 'Only requests from ports below 1024 (`secure`).' }),
  clients: t.array(client, {
    default: [],
    description: 'Who may mount it, each named in one way. Empty: the hosts of the farm whose `mounts` name it.',
  }),
});

const mount = t.object({
  export: plainPath("The export's path on the server."),
  server: t.optional(t.string({ description: 'Host name of the server; needed where several export that path.' })),
  path: t.optional(plainPath('Mount point; the path of the export where absent.')),
  access: access({ default: 'rw', description: 'Write and read, or only read. Changed without unmounting.' }),
  network: t.optional(t.string({ description: 'Network to the server; the first that both are in where absent.' })),
  version: t.enum(['4.0', '4.1', '4.2'], { default: '4.2', description: 'Version of the protocol.' }),
  soft: t.boolean({
    default: false,
    description: 'Give up with an error where the server does not answer; only with `access: ro`. False: wait for it.',
  }),
  timeo: t.integer({
    default: 100,
    minimum: 10,
    maximum: 6000,
    description: 'Tenths of a second until a request is sent again.',
  }),
  retrans: t.integer({ default: 2, minimum: 1, maximum: 100, description: 'Times until a server counts as silent.' }),
  lookupcache: t.enum(['all', 'positive', 'none'], {
    default: 'positive',
    description: '`all` would not see a new file for up to 60 s after it was looked for in vain.',
  }),
  actimeo: t.optional(
    t.integer({
      minimum: 1,
      maximum: 3600,
      description: 'Seconds that attributes are believed; from 3 to 60 where absent, as they change.',
    }),
  ),
  atime: t.boolean({ default: false, description: 'Keep times of reading.' }),
  suid: t.boolean({ default: false, description: 'Honour set-user-ID.' }),
  devices: t.boolean({ default: false, description: 'Honour device files.' }),
  exec: t.boolean({ default: true, description: 'Allow programs to be run from it.' }),
});

/** One schema for both sides. */
export const variables = t.object({
  exports: t.array(share, { default: [], description: 'Server: what it gives away.' }),
  threads: t.integer({
    default: 16,
    minimum: 1,
    maximum: 1024,
    description: 'Server: threads of the kernel; changed without a restart.',
  }),
  versions: t.array(t.enum(['4.0', '4.1', '4.2']), {
    default: ['4.1', '4.2'],
    minItems: 1,
    uniqueItems: true,
    description: 'Server: versions that are answered. NFS 3 is not supported.',
  }),
  listen: t.array(t.string(), {
    default: [],
    uniqueItems: true,
    description: 'Server: networks of the inventory that it listens on; empty: everywhere.',
  }),
  graceSeconds: t.integer({
    default: 15,
    minimum: 10,
    maximum: 3600,
    description: 'Server: after a start clients get their locks back for this long, and everybody else waits.',
  }),
  leaseSeconds: t.integer({
    default: 15,
    minimum: 10,
    maximum: 3600,
    description: 'Server: a client that is silent for so long loses its locks.',
  }),
  ids: t.array(
    t.object({
      name: t.string({ pattern: ACCOUNT, description: 'Name of a user and their group.' }),
      uid: t.integer({ minimum: 1, maximum: 65_533, description: 'Number of the user.' }),
      gid: t.integer({ minimum: 1, maximum: 65_533, description: 'Number of the group.' }),
    }),
    {
      default: [{ name: 'farmweb', uid: 3000, gid: 3000 }],
      description: 'Owners of shared files, with the same numbers on servers and clients: NFS knows only numbers.',
    },
  ),
  mounts: t.array(mount, { default: [], description: 'Client: what it mounts.' }),
  mountTimeoutSeconds: t.integer({
    default: 90,
    minimum: 5,
    maximum: 600,
    description: 'Client: how long one attempt to mount waits for the server.',
  }),
});

export type Variables = Static<typeof variables>;
export type Share = Variables['exports'][number];
export type ShareClient = Share['clients'][number];
export type MountWish = Variables['mounts'][number];
export type Identity = Variables['ids'][number];
