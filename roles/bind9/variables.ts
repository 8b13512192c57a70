import { type Static, t } from 'farmctl';
import { recordSchema } from './records.ts';

const address = t.string({ format: 'ipv4' });
const network = t.string({ format: 'ipv4-network' });
const seconds = (fallback: number, description: string) =>
  t.integer({ minimum: 0, maximum: 2_147_483_647, default: fallback, description });

export const variables = t.object({
  primary: t.optional(
    t.string({ description: "The host that has the zones themselves; the farm's first with this role if absent." }),
  ),
  tsig: t.optional(
    t.secret({
      description:
        'The key of zone transfers, in base64: `head -c 32 /dev/urandom | base64`. Needed as soon as there is a secondary.',
    }),
  ),
  tsigName: t.string({
    default: 'farm-transfer',
    pattern: '^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$',
    description: 'The name of that key.',
  }),
  tsigAlgorithm: t.enum(['hmac-sha256', 'hmac-sha384', 'hmac-sha512'], {
    default: 'hmac-sha256',
    description: 'The algorithm of that key.',
  }),
  ttl: t.integer({
    minimum: 0,
    maximum: 604_800,
    default: 300,
    description: 'Seconds for which an answer may be kept. Low, because virtual addresses may change.',
  }),
  soa: t.object(
    {
      hostmaster: t.string({
        default: 'hostmaster',
        pattern: '^[A-Za-z0-9._+-]+(@[A-Za-z0-9.-]+)?$',
        description: "Mail address of whoever is responsible; without a domain it is in the farm's.",
      }),
      refresh: seconds(3600, 'How often a secondary asks for a new serial, in seconds.'),
      retry: seconds(600, 'How soon it asks again if there was no answer, in seconds.'),
      expire: seconds(1_209_600, 'When it stops to answer if there is none at all, in seconds.'),
      minimum: seconds(60, 'For how long "there is no such name" may be kept, in seconds.'),
    },
    { default: {}, description: 'The SOA record of all zones.' },
  ),
  records: t.array(recordSchema, {
    default: [],
    description: "Records of the farm's zone besides those of hosts and virtual addresses.",
  }),
  zones: t.array(
    t.object({
      name: t.string({ minLength: 1, description: 'The name of the zone.' }),
      ttl: t.optional(
        t.integer({ minimum: 0, maximum: 604_800, description: 'Seconds; `ttl` of the role if absent.' }),
      ),
      records: t.array(recordSchema, { default: [], description: 'Its records; NS and SOA are made.' }),
    }),
    { default: [], description: 'Further zones.' },
  ),
  recursion: t.boolean({ default: true, description: "Whether the farm's hosts may ask for names outside of it." }),
  allowQuery: t.array(t.union([t.literal('any'), network]), {
    default: [],
    description: "Networks besides the farm's own that may ask for the farm's zones; `any` for everyone.",
  }),
  allowRecursion: t.array(network, {
    default: [],
    description: "Networks besides the farm's own that may ask for names outside of it.",
  }),
  forwarders: t.array(address, {
    default: [],
    description: 'Servers that are asked for names outside of the farm; without any, the root servers are.',
  }),
  forward: t.enum(['first', 'only'], {
    default: 'first',
    description: '`only`: if the forwarders do not answer, nobody else is asked.',
  }),
  dnssecValidation: t.enum(['auto', 'yes', 'no'], {
    default: 'auto',
    description: '`no` where the forwarders spoil DNSSEC or there is no way out.',
  }),
  transferNetwork: t.optional(
    t.string({
      description: "The network on which the name servers speak to each other; each host's first if absent.",
    }),
  ),
  cacheMiB: t.integer({ minimum: 2, maximum: 65_536, default: 128, description: 'Memory for the cache, in MiB.' }),
  responsesPerSecond: t.optional(
    t.integer({ minimum: 1, maximum: 100_000, description: 'Like answers to one client network; no limit if absent.' }),
  ),
  queryLog: t.boolean({ default: false, description: 'Whether each question is logged.' }),
  statisticsPort: t.optional(t.port({ description: 'Port of 127.0.0.1 on which named shows its statistics.' })),
});

export type Variables = Static<typeof variables>;
