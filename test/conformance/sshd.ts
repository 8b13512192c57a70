import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';

/** A real sshd of this machine on a loopback port, with keys and configuration of its own, as the current user. */
export interface Sshd {
  readonly port: number;
  /** Everything of it, for more keys and files; removed by `stop`. */
  readonly folder: string;
  /** A key that it lets in. */
  readonly keyPath: string;
  /** A known_hosts file that knows it. */
  readonly knownHostsPath: string;
  /** `ssh-ed25519 AAAA…` */
  readonly hostKey: string;
  stop(): Promise<void>;
}

const SSHD = '/usr/sbin/sshd';

/** True where the tests of a real sshd can run; they say so where not. */
export function hasSshd(): boolean {
  return existsSync(SSHD);
}

export function keygen(path: string, ...more: string[]): void {
  const type = more.includes('-t') ? [] : ['-t', 'ed25519'];
  const passphrase = more.includes('-N') ? [] : ['-N', ''];
  execFileSync('ssh-keygen', ['-q', ...type, ...passphrase, '-C', 'test', '-f', path, ...more]);
}

/** A loopback port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

async function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

/** Starts one; `lines` are added to its sshd_config and win. Its log goes to `logPath`, where that is given. */
export async function startSshd(lines: readonly string[] = [], logPath?: string): Promise<Sshd> {
  const folder = mkdtempSync(join(tmpdir(), 'farmctl-sshd-'));
  // sshd as root insists on this folder; on a running system its unit makes it.
  if (userInfo().uid === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });
  const port = await freePort();
  const keyPath = join(folder, 'client');
  keygen(keyPath);
  keygen(join(folder, 'host'));
  writeFileSync(join(folder, 'authorized_keys'), readFileSync(`${keyPath}.pub`));
  const hostKey = readFileSync(join(folder, 'host.pub'), 'utf8').split(' ').slice(0, 2).join(' ');
  const knownHostsPath = join(folder, 'known_hosts');
  writeFileSync(knownHostsPath, `[127.0.0.1]:${port} ${hostKey}\n`);
  const config = [
    ...lines,
    `Port ${port}`,
    'ListenAddress 127.0.0.1',
    `HostKey ${folder}/host`,
    `AuthorizedKeysFile ${folder}/authorized_keys`,
    'PidFile none',
    'StrictModes no',
    'UsePAM no',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'PermitRootLogin yes',
    'LogLevel QUIET',
  ];
  writeFileSync(join(folder, 'sshd_config'), `${config.join('\n')}\n`);
  const log = logPath === undefined ? ['-e'] : ['-E', logPath];
  const child = spawn(SSHD, ['-D', ...log, '-f', join(folder, 'sshd_config')], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  for (let waitedMs = 0; !(await answers(port)); waitedMs += 20) {
    if (waitedMs > 5000 || child.exitCode !== null) throw new Error('sshd did not start');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return {
    port,
    folder,
    keyPath,
    knownHostsPath,
    hostKey,
    async stop() {
      child.kill('SIGTERM');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A wire to a loopback port that can be cut or go silent. */
export interface Wire {
  readonly port: number;
  /** Connections that it has carried so far. */
  carried(): number;
  cut(): void;
  /** Carries nothing any more, and says nothing about it. */
  freeze(): void;
  stop(): Promise<void>;
}

/** @param at the loopback address that it listens on */
export async function startWire(to: number, at = '127.0.0.1'): Promise<Wire> {
  const sockets = new Set<Socket>();
  let count = 0;
  const server = createServer((near) => {
    count += 1;
    const far = connect({ port: to, host: '127.0.0.1', noDelay: true });
    near.setNoDelay(true);
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one);
      one.on('error', () => other.destroy());
      one.on('close', () => {
        sockets.delete(one);
        other.destroy();
      });
      one.pipe(other);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, at, resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: address.port,
    carried: () => count,
    cut,
    freeze() {
      for (const socket of sockets) {
        socket.unpipe();
        socket.pause();
      }
    },
    async stop() {
      cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
