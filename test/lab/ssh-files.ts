import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { isErrno, must } from './command.ts';
import { replaceFile } from './files.ts';
import type { LabHost } from './host.ts';
import { knownHostsName, knownNames } from './names.ts';
import type { LabPaths, StatePaths } from './paths.ts';

/** Makes the throw-away key pair and the operator's password file where they are not there yet. @returns the public key */
export async function ensureKey(state: StatePaths): Promise<string> {
  await mkdir(state.root, { recursive: true });
  try {
    return (await readFile(`${state.key}.pub`, 'utf8')).trim();
  } catch (error) {
    if (!isErrno(error, 'ENOENT')) throw error;
  }
  await must(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', 'farmctl-lab', '-f', state.key]);
  await writeFile(state.operatorPassword, 'operator\n');
  await chmod(state.operatorPassword, 0o600);
  return (await readFile(`${state.key}.pub`, 'utf8')).trim();
}

/** Writes known_hosts: one line a host, keyed by all its names and addresses. */
export async function writeKnownHosts(
  paths: LabPaths,
  keys: ReadonlyArray<{ readonly host: LabHost; readonly key: string }>,
): Promise<void> {
  const lines = keys.map(({ host, key }) => {
    const names = knownNames(host).map((name) => knownHostsName(name, host.sshPort));
    return `${names.join(',')} ${key}\n`;
  });
  await replaceFile(paths.knownHosts, lines.join(''));
}

/** Writes the ssh configuration by which OpenSSH reaches the hosts from inside the lab's network, host keys checked. */
export async function writeSshConfig(state: StatePaths, paths: LabPaths, hosts: readonly LabHost[]): Promise<void> {
  const stanzas = hosts.flatMap((host) =>
    host.addresses.map((one, index) => {
      const names = index === 0 ? [host.name, `${host.name}.${one.network}`] : [`${host.name}.${one.network}`];
      const others = index === 0 ? host.aliases.filter((alias) => !isNetworkName(host, alias)) : [];
      return `Host ${[...names, ...others, one.address].join(' ')}\n  HostName ${one.address}\n  Port ${host.sshPort}\n`;
    }),
  );
  const all = `Host *
  User root
  IdentityFile ${state.key}
  IdentitiesOnly yes
  UserKnownHostsFile ${paths.knownHosts}
  GlobalKnownHostsFile /dev/null
  StrictHostKeyChecking yes
  UpdateHostKeys no
  KexAlgorithms curve25519-sha256
  ConnectTimeout 10
  LogLevel ERROR
`;
  await replaceFile(paths.sshConfig, `${stanzas.join('')}${all}`);
}

/** True for `app1.db`, which names one address of a host. */
function isNetworkName(host: LabHost, alias: string): boolean {
  return host.addresses.some((one) => alias === `${host.name}.${one.network}`);
}
