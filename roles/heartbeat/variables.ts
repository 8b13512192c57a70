import { type Static, t } from 'farmctl';

const seconds = (fallback: number, description: string) =>
  t.number({ minimum: 0.1, maximum: 3600, default: fallback, description });

const WORD = '^[A-Za-z0-9_.@%+,=/-]+$';

export const variables = t.object({
  authkey: t.secret({
    description: 'What the two sign their messages with, one word: `openssl rand -hex 20 >ha.key`. One for each pair.',
  }),
  authkeyNumber: t.integer({
    minimum: 1,
    maximum: 15,
    default: 1,
    description: 'The number of that key, which each message carries.',
  }),
  otherAuthkeys: t.record(t.string({ pattern: '^([1-9]|1[0-5])$' }), t.secret(), {
    default: {},
    description: 'Keys by number that are accepted beside it: while the key is exchanged for another.',
  }),
  transport: t.enum(['ucast', 'bcast', 'mcast'], {
    default: 'ucast',
    description: 'How messages travel: to the addresses of both nodes, to all of the network, or to a group.',
  }),
  networks: t.optional(
    t.array(t.string(), {
      uniqueItems: true,
      description: 'Networks on which the two speak to each other; all that they share if absent.',
    }),
  ),
  serial: t.array(t.path(), {
    default: [],
    uniqueItems: true,
    description: 'Devices of null modem cables between the two, such as `/dev/ttyS0`.',
  }),
  baud: t.enum(['9600', '19200', '38400', '57600', '115200'], {
    default: '19200',
    description: 'Speed of those cables.',
  }),
  multicastGroup: t.string({
    pattern: '^2(2[4-9]|3[0-9])(\\.([0-9]|[1-9][0-9]|1[0-9][0-9]|2[0-4][0-9]|25[0-5])){3}$',
    default: '239.0.6.94',
    description: 'The group of `mcast`.',
  }),
  port: t.port({ default: 694, description: 'UDP port of all networks.' }),
  keepalive: seconds(0.3, 'Seconds between two signs of life.'),
  warntime: seconds(3, 'Seconds of silence after which it is logged that a sign of life is late.'),
  deadtime: seconds(5, 'Seconds of silence after which the other node is dead.'),
  initdead: seconds(20, 'The same after a start, when networks may be slow to come: twice `deadtime` or more.'),
  autoFailback: t.boolean({
    default: false,
    description: 'Whether addresses go back to the first host of their pair as soon as it is there again.',
  }),
  ping: t.array(t.string({ format: 'ipv4' }), {
    default: [],
    uniqueItems: true,
    description:
      'Addresses that both can reach, such as the router: who reaches fewer gives its addresses away (ipfail).',
  }),
  resources: t.array(
    t.object({
      agent: t.string({
        pattern: '^[A-Za-z0-9_][A-Za-z0-9_.-]*$',
        description: 'A script of /etc/ha.d/resource.d or /etc/init.d.',
      }),
      arguments: t.array(t.string({ pattern: WORD }), { default: [], description: 'Its arguments.' }),
      position: t.enum(['before', 'after'], {
        default: 'before',
        description: 'Started before the addresses (and stopped after them), or after them.',
      }),
      vip: t.optional(
        t.string({
          description: 'With which VIP it moves, where the pair has some that move apart; the first if absent.',
        }),
      ),
    }),
    { default: [], description: 'What moves with the addresses besides them.' },
  ),
  check: t.optional(
    t.object(
      {
        command: t.string({
          minLength: 1,
          pattern: '^[^\\n]*$',
          description: 'A line of shell; it ends with 0 where all is well.',
        }),
        interval: seconds(1, 'Seconds between two looks.'),
        timeout: seconds(3, 'Seconds after which a look has failed.'),
        fall: t.integer({ minimum: 1, maximum: 100, default: 2, description: 'Failures in a row that count.' }),
        pause: seconds(10, 'Seconds until this node may give them away again.'),
      },
      { description: 'Run on both nodes: where it fails, the one with the addresses gives them to the other.' },
    ),
  ),
  startAfter: t.array(t.string({ pattern: '^[A-Za-z0-9:_.@-]+\\.(service|target|socket)$' }), {
    default: ['named.service', 'ldirectord.service'],
    description:
      'At boot these units are up before the node may take an address; those that are not there do not count.',
  }),
});

export type Variables = Static<typeof variables>;

/** What both nodes of a pair must say alike, and what other pairs on the same wire must know. */
export type Offer = Variables;

declare module 'farmctl' {
  interface Offers {
    heartbeat: Offer;
  }
}
