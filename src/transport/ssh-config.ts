import { execFile } from 'node:child_process';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { sha256 } from '../lib/digest.ts';
import { errorCode } from './error-code.ts';
import { cached, home, readSshConfigFiles, type SshConfigFiles } from './ssh-config-files.ts';
import { TransportError } from './transport.ts';

/** What the user's ssh configuration says about one destination. Paths are expanded. */
export interface SshConfig {
  /** Absent where the configuration leaves the destination's own name. */
  readonly hostName?: string;
  readonly port: number;
  readonly user: string;
  readonly identityFiles: readonly string[];
  readonly identitiesOnly: boolean;
  /** Absent: SSH_AUTH_SOCK. `none` for no agent. */
  readonly identityAgent?: string;
  /** `[user@]host[:port]`, the first hop first. */
  readonly proxyJump: readonly string[];
  readonly proxyCommand?: string;
  readonly certificateFiles: readonly string[];
  readonly knownHostsFiles: readonly string[];
  /** Where new keys are written. */
  readonly userKnownHostsFile: string | undefined;
  readonly hostKeyAlias?: string;
  readonly hashKnownHosts: boolean;
  readonly acceptNew: boolean;
  /** Methods of login that the configuration switches off, by the protocol's names. */
  readonly methodsOff: readonly LoginMethod[];
  /** Settings in force that only OpenSSH's own client knows, such as `BindAddress`. */
  readonly onlyOpenSsh: readonly string[];
}

export type LoginMethod = 'publickey' | 'password' | 'keyboard-interactive';

/** What stands on ssh's command line beside the destination: it wins over the files, and `Match` judges by it. */
export interface StatedToSsh {
  readonly hostName?: string | undefined;
  readonly port?: number | undefined;
  readonly user?: string | undefined;
}

/** Asks for a destination's configuration. */
export type SshConfigLookup = (destination: string, stated?: StatedToSsh) => Promise<SshConfig>;

/** As ssh tries them. The library reads no keys of security tokens: where it finds one, OpenSSH's own client goes on. */
const DEFAULT_KEYS = ['id_rsa', 'id_ecdsa', 'id_ecdsa_sk', 'id_ed25519', 'id_ed25519_sk'];

/** What holds where nobody configured anything. */
export function defaultConfig(): SshConfig {
  const folder = join(home(), '.ssh');
  return {
    port: 22,
    user: userInfo().username,
    identityFiles: DEFAULT_KEYS.map((name) => join(folder, name)),
    identitiesOnly: false,
    proxyJump: [],
    certificateFiles: [],
    knownHostsFiles: [
      join(folder, 'known_hosts'),
      join(folder, 'known_hosts2'),
      '/etc/ssh/ssh_known_hosts',
      '/etc/ssh/ssh_known_hosts2',
    ],
    userKnownHostsFile: join(folder, 'known_hosts'),
    hashKnownHosts: false,
    acceptNew: false,
    methodsOff: [],
    onlyOpenSsh: [],
  };
}

const SWITCHES: readonly (readonly [string, LoginMethod])[] = [
  ['pubkeyauthentication', 'publickey'],
  ['passwordauthentication', 'password'],
  ['kbdinteractiveauthentication', 'keyboard-interactive'],
];

/** Options of ssh with the values under which they do nothing; `ssh -G` leaves some out then. */
const ONLY_OPENSSH: readonly (readonly [option: string, idle: readonly string[]])[] = [
  ['AddressFamily', ['any']],
  ['BindAddress', []],
  ['BindInterface', []],
  ['CanonicalizeHostname', ['false', 'no']],
  ['KnownHostsCommand', ['none']],
  ['PKCS11Provider', ['none']],
  ['PreferredAuthentications', []],
  ['RevokedHostKeys', ['none']],
  ['VerifyHostKeyDNS', ['false', 'no']],
];

/** Replaces `~` and the tokens that ssh knows in paths. */
export function expandPath(path: string, tokens: Readonly<Record<string, string>>): string {
  const absolute = path === '~' || path.startsWith('~/') ? join(home(), path.slice(1)) : path;
  return absolute
    .replaceAll(/%([%a-zA-Z])/g, (whole, letter: string) => (letter === '%' ? '%' : (tokens[letter] ?? whole)))
    .replaceAll(/\$\{(\w+)\}/g, (whole, name: string) => process.env[name] ?? whole);
}

/** Reads what `ssh -G` prints. `destination` is the word that ssh was asked about. */
export function parseSshG(text: string, destination: string): SshConfig {
  const values = new Map<string, string[]>();
  for (const line of text.split('\n')) {
    const space = line.indexOf(' ');
    if (space === -1) continue;
    const key = line.slice(0, space);
    values.set(key, [...(values.get(key) ?? []), line.slice(space + 1).trim()]);
  }
  const first = (key: string) => values.get(key)?.[0];
  const stated = (key: string) => (first(key) === 'none' ? undefined : first(key));
  const defaults = defaultConfig();
  const hostName = first('hostname') ?? destination;
  const port = Number(first('port') ?? 22);
  const user = first('user') ?? defaults.user;
  const { username, uid } = userInfo();
  const tokens = { h: hostName, n: destination, p: String(port), r: user, u: username, d: home(), i: String(uid) };
  const files = (key: string) =>
    (stated(key)?.split(' ') ?? []).filter((path) => path !== '').map((path) => expandPath(path, tokens));
  const expandAll = (key: string) =>
    (values.get(key) ?? []).filter((path) => path !== 'none').map((path) => expandPath(path, tokens));
  const userFiles = files('userknownhostsfile');
  const agent = first('identityagent');
  const proxyCommand = stated('proxycommand');
  const hostKeyAlias = first('hostkeyalias');
  return {
    ...(hostName.toLowerCase() !== destination.toLowerCase() && { hostName }),
    port,
    user,
    identityFiles: expandAll('identityfile'),
    identitiesOnly: first('identitiesonly') === 'yes',
    ...(agent !== undefined && agent !== 'SSH_AUTH_SOCK' && { identityAgent: expandAgent(agent, tokens) }),
    proxyJump: stated('proxyjump')?.split(',') ?? [],
    ...(proxyCommand !== undefined && { proxyCommand }),
    certificateFiles: expandAll('certificatefile'),
    knownHostsFiles: [...userFiles, ...files('globalknownhostsfile')],
    userKnownHostsFile: userFiles[0],
    ...(hostKeyAlias !== undefined && { hostKeyAlias }),
    hashKnownHosts: first('hashknownhosts') === 'yes',
    acceptNew: first('stricthostkeychecking') === 'accept-new',
    methodsOff: SWITCHES.filter(([key]) => ['no', 'false'].includes(first(key) ?? '')).map(([, method]) => method),
    onlyOpenSsh: ONLY_OPENSSH.filter(([option, idle]) => {
      const value = first(option.toLowerCase());
      return value !== undefined && !idle.includes(value);
    }).map(([option]) => option),
  };
}

function expandAgent(agent: string, tokens: Readonly<Record<string, string>>): string {
  if (agent === 'none') return agent;
  if (agent.startsWith('$') && !agent.startsWith('${')) return process.env[agent.slice(1)] ?? 'none';
  return expandPath(agent, tokens);
}

function askSsh(
  destination: string,
  { hostName, port, user }: StatedToSsh,
  configFile: string | undefined,
): Promise<string> {
  const options = [
    ...(configFile === undefined ? [] : ['-F', configFile]),
    ...(hostName === undefined ? [] : ['-o', `HostName=${hostName}`]),
    ...(port === undefined ? [] : ['-p', String(port)]),
    ...(user === undefined ? [] : ['-l', user]),
  ];
  return new Promise((resolve, reject) => {
    execFile(
      'ssh',
      ['-G', ...options, '--', destination],
      { timeout: 5000, maxBuffer: 1024 * 1024 },
      (error, stdout, stderr) => {
        if (error === null) return resolve(stdout);
        const hasNoSsh = errorCode(error) === 'ENOENT';
        reject(
          new TransportError(
            'unsupported',
            hasNoSsh
              ? 'There is an ssh configuration, but no ssh on this machine to read it with.'
              : `The ssh configuration for ${destination} cannot be read: ${(stderr.replaceAll('\r', '').trim() || error.message).slice(0, 500)}`,
            hasNoSsh
              ? 'Install the OpenSSH client, or set ssh_config: false in the inventory.'
              : 'Correct it, or set ssh_config: false in the inventory.',
            { cause: error },
          ),
        );
      },
    );
  });
}

/** At most this many `ssh -G` at once: each takes about 15 ms of a core. */
const PROCESSES = 4;

/**
 * The user's ssh configuration, resolved by ssh itself (Include, Match and tokens are its business), once for each
 * question. Where no file says anything that matters here, ssh is not asked.
 * @param configFile as `ssh -F`: this file alone
 * @param cacheFolder where answers are kept from run to run, as long as the files stay the same; absent: nowhere
 */
export function sshConfigLookup(configFile?: string, cacheFolder?: string): SshConfigLookup {
  const answers = new Map<string, Promise<SshConfig>>();
  let running = 0;
  const waiting: (() => void)[] = [];
  let files: Promise<SshConfigFiles> | undefined;

  async function askPaced(destination: string, stated: StatedToSsh): Promise<string> {
    if (running >= PROCESSES) await new Promise<void>((resolve) => waiting.push(resolve));
    running += 1;
    try {
      return await askSsh(destination, stated, configFile);
    } finally {
      running -= 1;
      waiting.shift()?.();
    }
  }

  async function look(destination: string, stated: StatedToSsh, question: readonly unknown[]): Promise<SshConfig> {
    files ??= readSshConfigFiles(configFile === undefined ? undefined : [configFile]);
    const { isRelevant, digest } = await files;
    if (!isRelevant) return defaultConfig();
    const ask = () => askPaced(destination, stated);
    if (cacheFolder === undefined || digest === undefined) return parseSshG(await ask(), destination);
    const key = sha256(JSON.stringify([digest, ...question]));
    return parseSshG(await cached(cacheFolder, key, ask), destination);
  }

  return (destination, stated = {}) => {
    const { hostName = null, port = null, user = null } = stated;
    const question = [destination, hostName, port, user];
    const key = JSON.stringify(question);
    const answer = answers.get(key) ?? look(destination, stated, question);
    answers.set(key, answer);
    return answer;
  };
}
