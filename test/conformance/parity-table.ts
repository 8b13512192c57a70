import type { Site } from './parity-site.ts';
import type { Sshd } from './sshd.ts';

/** How a login came out: `SERVER: USER KEY`, or why it was refused. */
export type Outcome =
  | `${string}: ${string} ${string}`
  | 'host-key-unknown'
  | 'host-key-changed'
  | 'host-key-revoked'
  | 'auth-failed'
  | 'unreachable';

/** One ssh configuration with what must come of `ssh app1`. What `base` says is appended. */
export interface Case {
  readonly name: string;
  readonly is: Outcome;
  readonly config: (site: Site) => string;
  /** known_hosts; that of all hosts where absent. */
  readonly known?: (site: Site) => string;
  /** Instead of app1. */
  readonly destination?: string;
  /** On ssh's command line, in farmctl's inventory. */
  readonly user?: string;
  readonly port?: (site: Site) => number;
  /** Names are hashed before it is used. */
  readonly isHashed?: true;
}

const at = ({ port }: Sshd, more = '') => `Host app1\n  HostName 127.0.0.1\n  Port ${port}\n${more}`;
const one = (more = '') => ({ config: (site: Site) => at(site.one, more.replaceAll('@/', `${site.folder}/`)) });
const line = ({ port, hostKey }: Sshd) => `[127.0.0.1]:${port} ${hostKey}\n`;

/** Everybody's plain host key. */
export function knownToAll({ one, many, hop, hop2, modern }: Site): string {
  return [one, many, hop, hop2, modern].map(line).join('');
}

/** What stands behind every configuration of the table; a key only where that names none, as they would add up. */
export function base({ folder }: Site, config: string, knownPath: string): string {
  const key = /^\s*IdentityFile /m.test(config) ? '' : `  IdentityFile ${folder}/good\n`;
  return `Host *
  User root
${key}  IdentitiesOnly yes
  IdentityAgent none
  UserKnownHostsFile ${knownPath}
  GlobalKnownHostsFile /dev/null
`;
}

const jumps = ({ hop, hop2, one }: Site, jump: string) =>
  `Host app1\n  HostName 127.0.0.1\n  Port ${one.port}\n  ProxyJump ${jump}\n` +
  `Host hop\n  HostName 127.0.0.1\n  Port ${hop.port}\nHost hop2\n  HostName 127.0.0.1\n  Port ${hop2.port}\n`;

export const CASES: readonly Case[] = [
  // Which host.
  { name: 'HostName and Port', is: 'one: root good', ...one() },
  {
    name: 'Host by a pattern',
    is: 'one: root good',
    config: ({ one }) => `Host app?\n  HostName 127.0.0.1\n  Port ${one.port}\n`,
  },
  {
    name: 'Host by a negated pattern',
    is: 'one: root good',
    config: ({ one, many }) =>
      `Host * !app1\n  Port ${many.port}\nHost app*\n  HostName 127.0.0.1\n  Port ${one.port}\n`,
  },
  { name: 'the first Port wins', is: 'one: root good', config: (site) => `${at(site.one)}${at(site.many)}` },
  {
    name: 'Host by address',
    is: 'one: root good',
    destination: '127.0.0.1',
    config: ({ one }) => `Host 127.0.0.1\n  Port ${one.port}\n`,
  },
  {
    name: 'HostName with %h',
    is: 'one: root good',
    destination: '1',
    config: ({ one }) => `Host 1\n  HostName 127.0.0.%h\n  Port ${one.port}\n`,
  },
  {
    name: 'Match host',
    is: 'one: root good',
    config: ({ one }) => `Host app1\n  HostName 127.0.0.1\nMatch host 127.0.0.1\n  Port ${one.port}\n`,
  },
  {
    name: 'Match originalhost',
    is: 'one: root good',
    config: ({ one }) => `Match originalhost app1\n  HostName 127.0.0.1\n  Port ${one.port}\n`,
  },
  {
    name: 'Match exec',
    is: 'many: root good',
    config: ({ one, many }) =>
      `Match exec false\n  Port ${one.port}\nMatch exec true\n  Port ${many.port}\nHost app1\n  HostName 127.0.0.1\n`,
  },
  {
    name: 'Match user',
    is: 'many: root good',
    config: ({ many }) => `Host app1\n  HostName 127.0.0.1\n  User root\nMatch user root\n  Port ${many.port}\n`,
  },
  {
    name: 'Match user, for the user that is stated',
    is: 'many: daemon good',
    user: 'daemon',
    config: ({ one, many }) =>
      `Match user daemon\n  Port ${many.port}\nHost app1\n  HostName 127.0.0.1\n  User root\n  Port ${one.port}\n`,
  },
  {
    name: 'Match user, for another user than the one that is stated',
    is: 'one: daemon good',
    user: 'daemon',
    config: ({ one, many }) =>
      `Match user root\n  Port ${many.port}\nHost app1\n  HostName 127.0.0.1\n  User root\n  Port ${one.port}\n`,
  },
  {
    name: 'a port that is stated',
    is: 'one: root good',
    port: ({ one }) => one.port,
    config: ({ many }) => at(many),
  },
  { name: 'Include of a file', is: 'one: root good', config: ({ path }) => `Include ${path('one.conf')}\n` },
  { name: 'Include=', is: 'one: root good', config: ({ path }) => `Include=${path('one.conf')}\n` },
  { name: 'Include by a pattern', is: 'one: root good', config: ({ path }) => `Include ${path('on*.conf')}\n` },
  {
    name: 'Include inside Host',
    is: 'many: root good',
    config: (site) => `Host other\n  Include ${site.path('one.conf')}\n${at(site.many)}`,
  },
  {
    name: 'a port where nobody listens',
    is: 'unreachable',
    config: ({ closedPort }) => `Host app1\n  HostName 127.0.0.1\n  Port ${closedPort}\n`,
  },
  { name: 'a name that does not exist', is: 'unreachable', config: () => 'Host app1\n  HostName nowhere.invalid\n' },
  { name: 'AddressFamily inet', is: 'one: root good', ...one('  AddressFamily inet\n') },
  { name: 'AddressFamily inet6 for an IPv4 address', is: 'unreachable', ...one('  AddressFamily inet6\n') },
  { name: 'BindAddress', is: 'one: root good', ...one('  BindAddress 127.0.0.1\n') },
  {
    name: 'ServerAliveInterval and ConnectTimeout',
    is: 'one: root good',
    ...one('  ServerAliveInterval 1\n  ServerAliveCountMax 2\n  ConnectTimeout 5\n'),
  },
  {
    name: 'forwardings, a RemoteCommand and a ControlMaster that are not ours',
    is: 'one: root good',
    ...one('  DynamicForward 1\n  ControlMaster auto\n  ControlPath @/master-%C\n'),
  },
  // As whom, and with which key.
  { name: 'User', is: 'one: daemon good', ...one('  User daemon\n') },
  { name: 'a User that the host does not have', is: 'auth-failed', ...one('  User nobody-there\n') },
  {
    name: 'IdentityFile: the first does not fit, the second does',
    is: 'one: root good',
    ...one('  IdentityFile @/stranger\n  IdentityFile @/good\n'),
  },
  {
    name: 'IdentityFile that fits comes first',
    is: 'one: root rsa',
    ...one('  IdentityFile @/rsa\n  IdentityFile @/good\n'),
  },
  { name: 'IdentityFile of ECDSA', is: 'one: root ecdsa', ...one('  IdentityFile @/ecdsa\n') },
  {
    name: 'IdentityFile with %n and %r',
    is: 'one: root good',
    config: (site) => `${at(site.one, `  IdentityFile ${site.folder}/%n-%r\n`)}`,
  },
  {
    name: 'IdentityFile with %r and %p of what is stated',
    is: 'one: daemon rsa',
    user: 'daemon',
    port: ({ one }) => one.port,
    config: (site) => `${at(site.many, `  User root\n  IdentityFile ${site.folder}/port-%p-%r\n`)}`,
  },
  { name: 'IdentityFile that others may read', is: 'auth-failed', config: (site) => only(site, site.path('loose')) },
  { name: 'IdentityFile that is not there', is: 'auth-failed', config: (site) => only(site, site.path('missing')) },
  { name: 'IdentityFile of a stranger', is: 'auth-failed', config: (site) => only(site, site.path('stranger')) },
  { name: 'an encrypted key and nobody to ask', is: 'auth-failed', config: (site) => only(site, site.path('lonely')) },
  {
    name: 'an encrypted key that the agent has',
    is: 'one: root locked',
    config: (site) => only(site, site.path('locked'), site.agent),
  },
  {
    name: 'a public half, the key in the agent',
    is: 'one: root good',
    config: (site) => only(site, site.path('good.pub'), site.agent),
  },
  {
    name: 'IdentitiesOnly no: keys of the agent',
    is: 'one: root good',
    config: (site) =>
      `${only(site, site.path('missing'), site.agent)}`.replace('IdentitiesOnly yes', 'IdentitiesOnly no'),
  },
  {
    name: 'IdentitiesOnly yes: not those of the agent',
    is: 'auth-failed',
    config: (site) => only(site, site.path('stranger'), site.agent),
  },
  {
    name: 'IdentityAgent none',
    is: 'auth-failed',
    config: (site) => only(site, site.path('missing')).replace('IdentitiesOnly yes', 'IdentitiesOnly no'),
  },
  { name: 'PubkeyAuthentication no', is: 'auth-failed', ...one('  PubkeyAuthentication no\n') },
  {
    name: 'PreferredAuthentications without publickey',
    is: 'auth-failed',
    ...one('  PreferredAuthentications password\n'),
  },
  // Certificates.
  {
    name: 'CertificateFile',
    is: 'signed: root certified',
    known: ({ authority }) => `@cert-authority * ${authority}\n`,
    config: (site) => certified(site, 'certified', `  CertificateFile ${site.path('elsewhere.pub')}\n`),
  },
  {
    name: 'a certificate beside the key',
    is: 'signed: root beside',
    known: ({ authority }) => `@cert-authority * ${authority}\n`,
    config: (site) => certified(site, 'beside'),
  },
  {
    name: 'a certificate in the agent',
    is: 'signed: root certified',
    known: ({ authority }) => `@cert-authority * ${authority}\n`,
    config: (site) =>
      certified(site, 'missing').replace(
        'IdentitiesOnly yes',
        `IdentitiesOnly no\n  IdentityAgent ${site.certificateAgent}`,
      ),
  },
  {
    name: 'a certificate that has expired',
    is: 'auth-failed',
    known: ({ authority }) => `@cert-authority * ${authority}\n`,
    config: (site) => certified(site, 'expired'),
  },
  {
    name: 'the key without its certificate',
    is: 'auth-failed',
    known: ({ authority }) => `@cert-authority * ${authority}\n`,
    config: (site) => certified(site, 'certified'),
  },
  // On the way.
  { name: 'ProxyJump', is: 'one: root good', config: (site) => jumps(site, 'hop') },
  { name: 'ProxyJump over two', is: 'one: root good', config: (site) => jumps(site, 'hop,hop2') },
  {
    name: 'ProxyJump of the ProxyJump',
    is: 'one: root good',
    config: (site) => `Host hop\n  ProxyJump hop2\n${jumps(site, 'hop')}`,
  },
  {
    name: 'ProxyJump as user@host:port',
    is: 'one: root good',
    config: (site) => jumps(site, `root@127.0.0.1:${site.hop2.port}`),
  },
  {
    name: 'ProxyJump as user@host:port, a key for that user and port alone',
    is: 'one: root good',
    config: (site) =>
      `Host hop\n  HostName 127.0.0.1\n  IdentityFile ${site.folder}/port-%p-%r\n` +
      `Host app1\n  HostName 127.0.0.1\n  Port ${site.one.port}\n  IdentityFile ${site.folder}/good\n  ProxyJump daemon@hop:${site.hop2.port}\n`,
  },
  {
    name: 'ProxyJump none before another',
    is: 'one: root good',
    config: (site) => `Host app1\n  ProxyJump none\n${jumps(site, 'nowhere.invalid')}`,
  },
  {
    name: 'ProxyJump over a host that is not known',
    is: 'host-key-unknown',
    config: (site) => jumps(site, 'hop'),
    known: ({ one }) => line(one),
  },
  {
    name: 'a host that is not known behind a ProxyJump',
    is: 'host-key-unknown',
    config: (site) => jumps(site, 'hop'),
    known: ({ hop }) => line(hop),
  },
  {
    name: 'ProxyCommand',
    is: 'one: root good',
    config: (site) => at(site.one, `  ProxyCommand bash -c 'exec 3<>/dev/tcp/127.0.0.1/%p; cat <&3 & exec cat >&3'\n`),
  },
  { name: 'ProxyCommand that fails', is: 'unreachable', ...one('  ProxyCommand false\n') },
  { name: 'an exchange of keys that only OpenSSH has', is: 'modern: root good', config: ({ modern }) => at(modern) },
  // Which host key.
  {
    name: 'unknown, StrictHostKeyChecking yes',
    is: 'host-key-unknown',
    ...one('  StrictHostKeyChecking yes\n'),
    known: () => '',
  },
  {
    name: 'unknown, StrictHostKeyChecking ask',
    is: 'host-key-unknown',
    ...one('  StrictHostKeyChecking ask\n'),
    known: () => '',
  },
  {
    name: 'unknown, StrictHostKeyChecking accept-new',
    is: 'one: root good',
    ...one('  StrictHostKeyChecking accept-new\n'),
    known: () => '',
  },
  {
    name: 'changed',
    is: 'host-key-changed',
    ...one(),
    known: ({ one, hop }) => `[127.0.0.1]:${one.port} ${hop.hostKey}\n`,
  },
  {
    name: 'changed, StrictHostKeyChecking accept-new',
    is: 'host-key-changed',
    ...one('  StrictHostKeyChecking accept-new\n'),
    known: ({ one, hop }) => `[127.0.0.1]:${one.port} ${hop.hostKey}\n`,
  },
  {
    name: 'known by another kind, StrictHostKeyChecking accept-new',
    is: 'host-key-changed',
    ...one('  StrictHostKeyChecking accept-new\n'),
    known: (site) => `[127.0.0.1]:${site.one.port} ${site.publicKey('host-rsa')}\n`,
  },
  { name: 'revoked', is: 'host-key-revoked', ...one(), known: ({ one }) => `${line(one)}@revoked * ${one.hostKey}\n` },
  { name: 'on the list of RevokedHostKeys', is: 'host-key-revoked', ...one('  RevokedHostKeys @/host.pub\n') },
  { name: 'known by a hashed name', is: 'one: root good', ...one(), isHashed: true },
  { name: 'known by a pattern', is: 'one: root good', ...one(), known: ({ one }) => `[127.0.0.*]:* ${one.hostKey}\n` },
  {
    name: 'known by a pattern that leaves this host out',
    is: 'host-key-unknown',
    ...one(),
    known: ({ one }) => `[127.*]:*,![127.0.0.1]:${one.port} ${one.hostKey}\n`,
  },
  { name: 'known without its port', is: 'one: root good', ...one(), known: ({ one }) => `127.0.0.1 ${one.hostKey}\n` },
  {
    name: 'known on another port',
    is: 'host-key-unknown',
    ...one(),
    known: ({ one }) => `[127.0.0.1]:1 ${one.hostKey}\n`,
  },
  {
    name: 'known among several names',
    is: 'one: root good',
    ...one(),
    known: ({ one }) => `other,[127.0.0.1]:${one.port} ${one.hostKey}\n`,
  },
  {
    name: 'two keys of a kind are known, the second fits',
    is: 'one: root good',
    ...one(),
    known: ({ one, hop }) => `[127.0.0.1]:${one.port} ${hop.hostKey}\n${line(one)}`,
  },
  {
    name: 'HostKeyAlias',
    is: 'one: root good',
    ...one('  HostKeyAlias farm\n'),
    known: ({ one }) => `farm ${one.hostKey}\n`,
  },
  { name: 'HostKeyAlias that nobody knows', is: 'host-key-unknown', ...one('  HostKeyAlias farm\n') },
  {
    name: 'three kinds shown, known by RSA',
    is: 'many: root good',
    config: ({ many }) => at(many),
    known: (site) => `[127.0.0.1]:${site.many.port} ${site.publicKey('host-rsa')}\n`,
  },
  {
    name: 'three kinds shown, known by ECDSA',
    is: 'many: root good',
    config: ({ many }) => at(many),
    known: (site) => `[127.0.0.1]:${site.many.port} ${site.publicKey('host-ecdsa')}\n`,
  },
  {
    name: 'three kinds shown, known by Ed25519',
    is: 'many: root good',
    config: ({ many }) => at(many),
    known: ({ many }) => line(many),
  },
  {
    name: 'a second UserKnownHostsFile',
    is: 'one: root good',
    known: () => '',
    ...one('  UserKnownHostsFile /dev/null @/one.known\n'),
  },
  {
    name: 'GlobalKnownHostsFile',
    is: 'one: root good',
    known: () => '',
    ...one('  GlobalKnownHostsFile @/one.known\n'),
  },
  {
    name: 'a certificate authority for another name',
    is: 'host-key-unknown',
    known: ({ authority }) => `@cert-authority app1 ${authority}\n`,
    config: (site) => certified(site, 'beside').replace('HostKeyAlias app1', 'HostKeyAlias app2'),
  },
  {
    name: 'a certificate authority, and a host without a certificate',
    is: 'host-key-unknown',
    ...one(),
    known: ({ authority }) => `@cert-authority * ${authority}\n`,
  },
];

/** One host with one key. */
function only(site: Site, key: string, agent = 'none'): string {
  return at(site.one, `  IdentityAgent ${agent}\n  IdentitiesOnly yes\n  IdentityFile ${key}\n`);
}

/** The host with a certificate; it is known as app1. */
function certified(site: Site, key: string, more = ''): string {
  return at(site.signed, `  HostKeyAlias app1\n  IdentitiesOnly yes\n  IdentityFile ${site.path(key)}\n${more}`);
}
