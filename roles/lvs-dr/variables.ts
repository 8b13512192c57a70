import { type Static, t } from 'farmctl';

/** Every scheduler of the kernel. */
const SCHEDULERS = [
  ...(['rr', 'wrr', 'lc', 'wlc', 'lblc', 'lblcr', 'sh', 'dh', 'sed', 'nq', 'fo', 'ovf', 'mh'] as const),
] as const;

const CHECK_TYPES = ['http', 'https', 'tcp', 'dns', 'mysql', 'external', 'ping', 'on', 'off'] as const;

/** The language of ldirectord.cf has no escapes: a quote or a # ends the text, and a tab becomes blanks. */
const WRITABLE = '^[^"#\\u0000-\\u001f]+$';
const writable = (description: string) =>
  t.optional(t.string({ pattern: WRITABLE, title: 'one line without double quotes and #', description }));

const checkSchema = t.object(
  {
    type: t.optional(
      t.enum(CHECK_TYPES, {
        description:
          'How a real server is asked. `on`: never, it is always listed; `off`: none is listed. Where absent: http or https with the health page that the role offers, else tcp.',
      }),
    ),
    request: writable(
      'Path of the page (http, https), name to look up (dns) or query (mysql). Where absent: the health page of the role, `SELECT 1`.',
    ),
    expect: writable(
      'Regular expression that the page must match (http, https); for dns the very address or name that must be among the answers.',
    ),
    host: t.optional(
      t.string({
        pattern: '^[A-Za-z0-9.-]+(:[0-9]{1,5})?$',
        title: 'a host name',
        description: 'Host header (http, https). Where absent: the one that the role offers.',
      }),
    ),
    port: t.optional(
      t.port({ description: "The port that is asked; the real server's own where absent. dns: always 53." }),
    ),
    method: t.enum(['GET', 'HEAD'], { default: 'GET', description: 'Method of the request (http, https).' }),
    user: writable('Who logs in (mysql).'),
    password: t.optional(t.secret({ description: 'The password of that user (mysql), one line without " and #.' })),
    database: writable('The database (mysql).'),
    command: t.optional(
      t.string({
        pattern: '^(/[A-Za-z0-9._+-]+)+$',
        title: 'an absolute path',
        description: 'Program that is asked (external): it gets VIP, port, real address and real port; 0 is good.',
      }),
    ),
    interval: t.integer({ minimum: 1, maximum: 3600, default: 2, description: 'Seconds between two rounds.' }),
    timeout: t.integer({ minimum: 1, maximum: 300, default: 3, description: 'Seconds to wait for an answer.' }),
    failures: t.integer({
      minimum: 1,
      maximum: 100,
      default: 1,
      description: 'Failures in a row after which a server is taken out.',
    }),
  },
  { default: {}, description: 'How the health of the real servers is watched.' },
);

const serviceSchema = t.object({
  name: t.string({ pattern: '^[a-z][a-z0-9_-]{0,31}$', description: 'Unique in the farm.' }),
  vip: t.string({ description: "Name of the virtual address: one of the inventory's `vips`, which says the pair." }),
  ports: t.array(t.port(), {
    minItems: 1,
    maxItems: 64,
    uniqueItems: true,
    description: 'Ports that clients use. Each is balanced by itself, unless there is a `mark`.',
  }),
  protocol: t.enum(['tcp', 'udp'], { default: 'tcp', description: 'Transport.' }),
  mark: t.optional(
    t.integer({
      minimum: 1,
      maximum: 2_147_483_647,
      description:
        'Firewall mark that makes one service of all its ports, so that a client keeps its server on each of them. The packets are marked by a table of nftables that comes with it.',
    }),
  ),
  serves: t.string({ description: 'Role or part whose hosts are the real servers: `apache-app`.' }),
  network: t.optional(
    t.string({ description: "Network by which the real servers are reached; the virtual address's where absent." }),
  ),
  method: t.enum(['direct', 'nat', 'tunnel'], {
    default: 'direct',
    description:
      'How requests get to a real server: as they are in its own network, with the address translated (answers must come back through the director), or in an IP-in-IP tunnel.',
  }),
  realPort: t.optional(
    t.port({ description: 'Port on the real servers (nat, one port). Where absent: the one that the role offers.' }),
  ),
  scheduler: t.enum(SCHEDULERS, { default: 'wrr', description: 'Who gets the next connection.' }),
  persistence: t.optional(
    t.object(
      {
        seconds: t.integer({
          minimum: 1,
          maximum: 2_678_400,
          default: 300,
          description: 'How long a client that does nothing keeps its server.',
        }),
        prefix: t.integer({
          minimum: 1,
          maximum: 32,
          default: 32,
          description: 'Bits of the address that count: with 24, a network is one client.',
        }),
      },
      { description: 'Sticky sessions: a client keeps its real server. Where absent, there are none.' },
    ),
  ),
  check: checkSchema,
  quiescent: t.boolean({
    default: false,
    description:
      'A server that fails stays listed with weight 0 instead of being taken out: connections that it has go on.',
  }),
  fallback: t.optional(
    t.object(
      {
        address: t.string({ format: 'ipv4', default: '127.0.0.1', description: 'The director itself by default.' }),
        port: t.optional(t.port({ description: "The service's own where absent." })),
        method: t.enum(['direct', 'nat', 'tunnel'], { default: 'direct', description: 'As above.' }),
      },
      { description: 'Who answers while no real server is good.' },
    ),
  ),
  verify: t.optional(
    t.enum(['http', 'tcp', 'none'], {
      description:
        'What `farmctl verify` tries at the virtual address, from where farmctl runs. Where absent: http if that is how the real servers are checked, else tcp (none for udp).',
    }),
  ),
});

const weight = (options: Record<string, unknown>) => t.integer({ minimum: 0, maximum: 65_535, ...options });

export const variables = t.object({
  services: t.array(serviceSchema, {
    default: [],
    description:
      'Virtual services, for all pairs of directors; those of a pair are the ones whose `vip` is of that pair.',
  }),
  weight: weight({
    default: 1,
    description: 'On a real server: its weight. 0: it gets no new connections and keeps those that it has.',
  }),
  weights: t.record(t.string(), weight({}), {
    default: {},
    description: 'On a real server: its weight by the name of a service, where that differs.',
  }),
  sync: t.boolean({
    default: true,
    description: 'The directors of a pair tell each other their connections, so that they outlive one of them.',
  }),
  syncId: t.optional(
    t.integer({
      minimum: 1,
      maximum: 255,
      description: "Number of the pair on the network; the last part of its first VIP's address where absent.",
    }),
  ),
  syncNetwork: t.optional(
    t.string({ description: "Network on which connections are told; the first VIP's where absent." }),
  ),
  timeouts: t.object(
    {
      tcp: t.integer({ minimum: 1, maximum: 2_678_400, default: 900, description: 'An idle TCP connection.' }),
      tcpFin: t.integer({ minimum: 1, maximum: 86_400, default: 120, description: 'A TCP connection being closed.' }),
      udp: t.integer({ minimum: 1, maximum: 86_400, default: 300, description: 'An idle UDP flow.' }),
    },
    { default: {}, description: 'Seconds after which the kernel forgets connections.' },
  ),
  sysctls: t.record(
    t.string({ pattern: '^[a-z0-9_]+$' }),
    t.union([
      t.integer({ minimum: 0, maximum: 2_147_483_647 }),
      t.string({ pattern: '^[0-9]+( [0-9]+)*$', title: 'numbers with a blank between two' }),
    ]),
    {
      default: {},
      description:
        'Settings below `net.ipv4.vs` besides expire_nodest_conn and expire_quiescent_template, which are 1 unless said otherwise here.',
    },
  ),
  drainSeconds: t.integer({
    minimum: 0,
    maximum: 60,
    default: 10,
    description: 'How long a server that leaves a service may take to finish the connections it has.',
  }),
});

/** The settings below `net.ipv4.vs` as the kernel prints them. */
export function settingsOf({ sysctls }: Variables): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(sysctls).map(([key, value]) => [key, String(value)]));
}

export type Variables = Static<typeof variables>;
export type Service = Variables['services'][number];
export type Method = Service['method'];
