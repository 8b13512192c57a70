import { type Static, t } from 'farmctl';

const userName = '^[a-z][a-z0-9_-]{0,31}$';
const packageName = '^[a-z0-9][a-z0-9+.-]+$';

export const administrator = t.object({
  name: t.string({ pattern: userName, description: 'Login name.' }),
  uid: t.optional(
    t.integer({ minimum: 1000, maximum: 59_999, description: 'User number; the next free one if absent.' }),
  ),
  comment: t.string({ default: '', pattern: '^[^:\\n]*$', description: 'Full name or what the account is for.' }),
  shell: t.path({ default: '/bin/bash', description: 'Login shell.' }),
  groups: t.array(t.string({ pattern: userName }), { default: [], description: "Groups besides the user's own." }),
  keys: t.array(
    t.string({
      pattern: '^(sk-)?(ssh|ecdsa)-[a-z0-9@.-]+ [A-Za-z0-9+/]+={0,3}( [^\\n]*)?$',
      description: 'A public key, as in a .pub file.',
    }),
    { default: [], description: 'Public keys that may log in.' },
  ),
  sudo: t.enum(['none', 'password', 'nopasswd'], {
    default: 'none',
    description: 'May become root: not at all, with the password of the account, or without.',
  }),
  passwordHash: t.optional(
    t.secret({ description: 'The password as `openssl passwd -6` makes it; no password if absent.' }),
  ),
});

export const variables = t.object({
  hostsFile: t.enum(['farm', 'self', 'none'], {
    default: 'farm',
    description: "Whose names /etc/hosts holds: those of all hosts and virtual addresses, this host's alone, or none.",
  }),
  timezone: t.string({
    default: 'Etc/UTC',
    pattern: '^[A-Za-z0-9_+-]+(/[A-Za-z0-9_+-]+)*$',
    description: 'Time zone, as `Europe/Berlin`.',
  }),
  timeServers: t.array(t.string({ pattern: '^[A-Za-z0-9.-]+$' }), {
    default: [],
    description:
      'Names or addresses of time servers. Without any, time is not managed: containers have the clock of their machine and cannot set it.',
  }),
  timeService: t.enum(['chrony', 'timesyncd'], { default: 'chrony', description: 'Which service keeps the time.' }),
  administrators: t.array(administrator, {
    default: [],
    description: 'Accounts of people. One that is taken out of the list goes with the next apply; its home stays.',
  }),
  absentAdministrators: t.array(t.string({ pattern: userName }), {
    default: [],
    description: 'Accounts that no host shall have, whoever made them. Their homes stay.',
  }),
  packages: t.array(t.string({ pattern: packageName }), { default: [], description: 'Packages that every host has.' }),
  absentPackages: t.array(t.string({ pattern: packageName }), {
    default: [],
    description: 'Packages that no host has.',
  }),
  sysctl: t.record(t.string({ pattern: '^[a-z0-9_][a-z0-9_./-]*$' }), t.union([t.integer(), t.string()]), {
    default: {},
    description:
      'Kernel settings by name, each as the kernel reads it back; several numbers as text, `"4096 131072 6291456"`.',
  }),
});

export type Variables = Static<typeof variables>;
export type Administrator = Static<typeof administrator>;
