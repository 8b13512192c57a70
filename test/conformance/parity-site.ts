import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { chmodSync, copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, keygen, type Sshd, startSshd } from './sshd.ts';

/** Some sshds and keys, with everything that a table of ssh configurations needs. Paths are in `folder`. */
export interface Site {
  readonly folder: string;
  /** One ed25519 host key. */
  readonly one: Sshd;
  /** Host keys of three kinds. */
  readonly many: Sshd;
  readonly hop: Sshd;
  readonly hop2: Sshd;
  /** Its host key is signed for app1 by the authority; it takes certificates of the authority alone. */
  readonly signed: Sshd;
  /** It speaks an exchange of keys that the library lacks. */
  readonly modern: Sshd;
  readonly closedPort: number;
  readonly agent: string;
  readonly certificateAgent: string;
  /** The public half of the authority, `ssh-ed25519 AAAA…`. */
  readonly authority: string;
  path(name: string): string;
  /** `ssh-rsa AAAA…` of a host key. */
  publicKey(name: string): string;
  /** All logins so far at any of them: `one: root SHA256:…`, each with a mark of its own. */
  logins(): readonly { readonly at: string; readonly login: string }[];
  fingerprint(name: string): string;
  stop(): Promise<void>;
}

async function startAgent(socket: string, keys: readonly string[]): Promise<ChildProcess> {
  const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' });
  const env = { ...process.env, SSH_AUTH_SOCK: socket };
  for (const key of keys) {
    for (let tries = 0; ; tries += 1) {
      try {
        execFileSync('ssh-add', ['-q', key], { env, stdio: 'pipe' });
        break;
      } catch (error) {
        if (tries > 50) throw error;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
  }
  return agent;
}

export async function startSite(): Promise<Site> {
  const one = await logging('one');
  const { folder } = one.sshd;
  const path = (name: string) => join(folder, name);
  const publicKey = (name: string) =>
    readFileSync(path(`${name}.pub`), 'utf8')
      .split(' ')
      .slice(0, 2)
      .join(' ');

  for (const name of ['good', 'second', 'stranger', 'user-ca', 'certified', 'beside', 'expired']) keygen(path(name));
  keygen(path('rsa'), '-t', 'rsa', '-b', '2048');
  keygen(path('ecdsa'), '-t', 'ecdsa');
  // The agent has it unlocked; nobody can be asked for its passphrase.
  keygen(path('locked'));
  keygen(path('lonely'), '-N', 'secret');
  keygen(path('host-ecdsa'), '-t', 'ecdsa');
  keygen(path('host-rsa'), '-t', 'rsa', '-b', '2048');
  keygen(path('host-signed'));
  copyFileSync(path('good'), path('loose'));
  chmodSync(path('loose'), 0o644);
  copyFileSync(path('good'), path('app1-root'));

  const sign = (...words: string[]) => execFileSync('ssh-keygen', ['-q', '-s', path('user-ca'), ...words]);
  sign('-I', 'user', '-n', 'root', path('certified.pub'));
  sign('-I', 'user', '-n', 'root', path('beside.pub'));
  sign('-I', 'user', '-n', 'root', '-V', '20200101:20200102', path('expired.pub'));
  sign('-I', 'host', '-h', '-n', 'app1', path('host-signed.pub'));
  // A certificate that only CertificateFile names.
  copyFileSync(path('certified-cert.pub'), path('elsewhere.pub'));
  const certificateAgent = path('agent2');
  const agent = path('agent1');
  const agents = [
    await startAgent(agent, [path('second'), path('good'), path('locked')]),
    await startAgent(certificateAgent, [path('certified')]),
  ];
  execFileSync('rm', [path('certified-cert.pub')]);
  execFileSync('ssh-keygen', ['-q', '-p', '-P', '', '-N', 'secret', '-f', path('locked')]);

  const many = await logging('many', [`HostKey ${path('host-rsa')}`, `HostKey ${path('host-ecdsa')}`]);
  const hop = await logging('hop');
  const hop2 = await logging('hop2');
  const signed = await logging('signed', [
    `TrustedUserCAKeys ${path('user-ca.pub')}`,
    `HostKey ${path('host-signed')}`,
    `HostCertificate ${path('host-signed-cert.pub')}`,
  ]);
  const modern = await logging('modern', [], 'sntrup761x25519-sha512@openssh.com');
  const all = [one, many, hop, hop2, signed, modern];
  for (const { port } of [one.sshd, hop2.sshd]) copyFileSync(path('rsa'), path(`port-${port}-daemon`));
  const lines = ['good', 'rsa', 'ecdsa', 'locked', 'lonely'].map((name) => publicKey(name)).join('\n');
  for (const { sshd } of all) {
    // sshd looks for authorized keys as the user who logs in.
    chmodSync(sshd.folder, 0o711);
    writeFileSync(join(sshd.folder, 'authorized_keys'), sshd === signed.sshd ? '' : `${lines}\n`);
  }

  return {
    folder,
    one: one.sshd,
    many: many.sshd,
    hop: hop.sshd,
    hop2: hop2.sshd,
    signed: signed.sshd,
    modern: modern.sshd,
    closedPort: await freePort(),
    agent,
    certificateAgent,
    authority: publicKey('user-ca'),
    path,
    publicKey,
    logins: () =>
      all.flatMap(({ name, logPath }) =>
        [...readFileSync(logPath, 'utf8').matchAll(/^Accepted publickey for (\S+) .*? (SHA256:\S{43})/gm)].map(
          ([, user, key], index) => ({ at: `${name} ${index}`, login: `${name}: ${user} ${key}` }),
        ),
      ),
    fingerprint: (name) =>
      execFileSync('ssh-keygen', ['-lf', path(`${name}.pub`)])
        .toString()
        .split(' ')[1] ?? '',
    async stop() {
      for (const one of agents) one.kill();
      await Promise.all(all.toReversed().map(({ sshd }) => sshd.stop()));
    },
  };
}

/** An sshd that writes down who logs in. The quick exchange of keys keeps the table quick. */
async function logging(name: string, lines: readonly string[] = [], kex = 'curve25519-sha256') {
  const logPath = join(execFileSync('mktemp', ['-d']).toString().trim(), 'log');
  writeFileSync(logPath, '');
  const sshd = await startSshd([`KexAlgorithms ${kex}`, 'LogLevel VERBOSE', 'MaxStartups 100', ...lines], logPath);
  return { name, sshd, logPath };
}
