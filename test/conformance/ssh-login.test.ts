import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import ssh2 from 'ssh2';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import type { SshSettings } from '../../src/model/farm.ts';
import { Secret } from '../../src/model/secret.ts';
import { LOADER } from '../../src/remote/loader.ts';
import { type SshOptions, sshTransport } from '../../src/transport/ssh.ts';
import { type Connection, TransportError } from '../../src/transport/transport.ts';
import { freePort, hasSshd, keygen, type Sshd, startSshd, startWire } from './sshd.ts';

const never = new AbortController().signal;
const opened: Connection[] = [];
let sshd: Sshd;

/** Connects to app1: the sshd of this test unless `settings` say otherwise. */
async function login(settings: SshSettings, options: Partial<SshOptions> = {}): Promise<Connection> {
  const transport = sshTransport({
    target: (name) => {
      const own = { port: sshd.port, user: userInfo().username, sshConfig: false };
      return name === 'app1'
        ? { name, address: '127.0.0.1', settings: { ...own, ...settings }, become: { enabled: false } }
        : undefined;
    },
    knownHostsFile: sshd.knownHostsPath,
    ...options,
  });
  const connection = await transport.connect('app1', never);
  opened.push(connection);
  return connection;
}

async function failure(work: Promise<unknown>): Promise<TransportError> {
  const error = await work.then(
    () => new Error('it did not fail'),
    (thrown: unknown) => thrown,
  );
  if (error instanceof TransportError) return error;
  throw error;
}

async function whoami(connection: Connection): Promise<string> {
  const channel = await connection.start(LOADER);
  await channel.write('8\nid -u -n');
  let text = '';
  for await (const chunk of channel.output) text += Buffer.from(chunk).toString();
  return text.trim();
}

const me = userInfo().username;

/** What belongs to this test alone is taken out of a message. */
function plain(text: string | undefined): string {
  return (text ?? '')
    .replaceAll(sshd.folder, 'FOLDER')
    .replaceAll(String(sshd.port), 'PORT')
    .replaceAll(`user ${me}`, 'user ME')
    .replaceAll(/SHA256:\S{43}/g, 'FINGERPRINT');
}

describe.skipIf(!hasSshd())('logging in at a real sshd (left out without openssh-server)', () => {
  beforeAll(async () => {
    sshd = await startSshd();
  });
  afterEach(() => {
    for (const connection of opened.splice(0)) connection.close();
  });
  afterAll(async () => {
    await sshd?.stop();
  });

  describe('with keys', () => {
    it('uses the stated key', async () => {
      expect(await whoami(await login({ privateKey: sshd.keyPath }))).toBe(me);
    });

    it('asks once for the passphrase of an encrypted key, and again only if it was wrong', async () => {
      const path = join(sshd.folder, 'encrypted');
      keygen(path, '-N', 'open sesame');
      writeFileSync(join(sshd.folder, 'authorized_keys'), readFileSync(`${path}.pub`), { flag: 'a' });
      const asked: string[] = [];
      const transport = sshTransport({
        target: (name) => ({
          name,
          address: '127.0.0.1',
          settings: { port: sshd.port, user: me, sshConfig: false, privateKey: path },
          become: { enabled: false },
        }),
        knownHostsFile: sshd.knownHostsPath,
        // Slower than the deadline: the user's time does not count.
        connectDeadlineMs: 700,
        askPassphrase: async (keyPath) => {
          asked.push(keyPath);
          await new Promise((resolve) => setTimeout(resolve, 500));
          return new Secret(asked.length === 1 ? 'wrong' : 'open sesame', 'a test');
        },
      });
      const all = await Promise.all(['app1', 'app2', 'app3'].map((name) => transport.connect(name, never)));
      opened.push(...all);
      expect(asked).toEqual([path, path]);
    });

    it('says which key file is not there, or is still locked, and asks for a wrong passphrase as such', async () => {
      const config = join(sshd.folder, 'locked.conf');
      const path = join(sshd.folder, 'locked');
      const absent = join(sshd.folder, 'absent');
      keygen(path, '-N', 'open sesame');
      writeFileSync(config, `Host *\n  IdentityFile ${absent}\n  IdentityAgent none\n`);
      const options = { sshConfigFile: config };
      const nothing = await failure(login({ sshConfig: true }, options));
      expect(plain(nothing.message)).toContain('There was nothing to try. There is no FOLDER/absent.');
      const again: boolean[] = [];
      const askPassphrase = async (_: string, isAgain: boolean) => {
        again.push(isAgain);
        return new Secret('wrong', 'a test');
      };
      const askAnswer = async () => undefined;
      const locked = await failure(
        login({ privateKey: path, sshConfig: true }, { ...options, askPassphrase, askAnswer }),
      );
      expect(again).toEqual([false, true, true]);
      expect(plain(locked.message)).toContain('FOLDER/locked is encrypted and was not unlocked.');
      expect(plain(`${locked.hint}`)).toContain('Unlock FOLDER/locked with ssh-add');
    });

    it('names what it tried and left out', async () => {
      const stranger = join(sshd.folder, 'stranger');
      keygen(stranger);
      const loose = join(sshd.folder, 'loose');
      copyFileSync(sshd.keyPath, loose);
      chmodSync(loose, 0o644);
      const config = join(sshd.folder, 'keys.conf');
      writeFileSync(config, `Host *\n  IdentityFile ${loose}\n  IdentityAgent none\n`);
      const error = await failure(login({ privateKey: stranger, sshConfig: true }, { sshConfigFile: config }));
      expect(error.failure).toBe('auth-failed');
      expect(plain(`${error.message}\n${error.hint}`)).toMatchInlineSnapshot(`
        "app1 (127.0.0.1:PORT, user ME) did not let us in. Tried: the key FOLDER/stranger. It takes: publickey. FOLDER/loose was left out: others may read it (chmod 600 it).
        Check the user (-u) and that one of these keys is in its authorized_keys on the host, or give another with --private-key."
      `);
    });

    it('uses an agent, only the configured keys with IdentitiesOnly', async () => {
      const socket = join(sshd.folder, 'agent');
      const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' });
      try {
        await expect
          .poll(() => execFileSync('sh', ['-c', `test -S '${socket}' && echo there || true`]).toString())
          .toBe('there\n');
        const env = { ...process.env, SSH_AUTH_SOCK: socket };
        for (let index = 0; index < 8; index += 1) {
          const path = join(sshd.folder, `agent${index}`);
          keygen(path);
          execFileSync('ssh-add', ['-q', path], { env });
          rmSync(path);
        }
        execFileSync('ssh-add', ['-q', sshd.keyPath], { env });
        // Nine keys are more than sshd lets one try; the configured one is the last of them.
        const config = join(sshd.folder, 'agent.conf');
        const lines = (more: string) => `Host *\n  IdentityAgent ${socket}\n${more}`;
        writeFileSync(config, lines(`  IdentityFile ${sshd.folder}/nowhere\n`));
        const tooMany = await failure(login({ sshConfig: true }, { sshConfigFile: config }));
        expect(tooMany.failure).toBe('auth-failed');
        expect(tooMany.message).toContain('9 keys of the agent');
        expect(tooMany.message).toContain('Too many authentication failures');
        writeFileSync(config, lines(`  IdentityFile ${sshd.folder}/agent0\n  IdentitiesOnly yes\n`));
        expect((await failure(login({ sshConfig: true }, { sshConfigFile: config }))).message).toContain(
          "the agent's key",
        );
        writeFileSync(config, lines(`  IdentityFile ${sshd.keyPath}.pub\n  IdentitiesOnly yes\n`));
        expect(await whoami(await login({ sshConfig: true }, { sshConfigFile: config }))).toBe(me);
      } finally {
        agent.kill();
      }
    });
  });

  describe('with a host key that', () => {
    it('is new, writes it down where new ones are accepted, and refuses it otherwise', async () => {
      const knownHostsFile = join(sshd.folder, 'fresh', 'known_hosts');
      const heard: string[] = [];
      const options: Partial<SshOptions> = {
        knownHostsFile,
        onNewHostKey: ({ keyType, file }) => heard.push(`${keyType} ${file}`),
      };
      expect((await failure(login({ privateKey: sshd.keyPath }, options))).failure).toBe('host-key-unknown');
      await login({ privateKey: sshd.keyPath, acceptNew: true }, options);
      expect(heard).toEqual([`ssh-ed25519 ${knownHostsFile}`]);
      expect(readFileSync(knownHostsFile, 'utf8')).toBe(readFileSync(sshd.knownHostsPath, 'utf8'));
      await login({ privateKey: sshd.keyPath }, options);
    });

    it('changed, refuses it', async () => {
      const knownHostsFile = join(sshd.folder, 'changed');
      const other = readFileSync(`${sshd.keyPath}.pub`, 'utf8').split(' ')[1];
      writeFileSync(knownHostsFile, `[127.0.0.1]:${sshd.port} ssh-ed25519 ${other}\n`);
      const error = await failure(login({ privateKey: sshd.keyPath, acceptNew: true }, { knownHostsFile }));
      expect(error.failure).toBe('host-key-changed');
      expect(plain(`${error.message}\n${error.hint}`)).toMatchInlineSnapshot(`
        "The host key of app1 (127.0.0.1:PORT, user ME) has changed: it shows ssh-ed25519 FINGERPRINT, but FOLDER/changed:1 says ssh-ed25519 FINGERPRINT. Somebody may be in between, or the host was installed anew.
        If you know why it changed, forget the old key with: ssh-keygen -R '[127.0.0.1]:PORT' -f 'FOLDER/changed'; then pin the new one or run once with --accept-new."
      `);
    });

    it('is pinned, needs no known_hosts', async () => {
      const knownHostsFile = join(sshd.folder, 'nothing');
      await login({ privateKey: sshd.keyPath, hostKeys: [sshd.hostKey] }, { knownHostsFile });
      const pinned = readFileSync(`${sshd.keyPath}.pub`, 'utf8').trim();
      expect((await failure(login({ privateKey: sshd.keyPath, hostKeys: [pinned] }))).failure).toBe('host-key-changed');
    });

    it('is of the second kind that the server prefers, is asked for by its kind', async () => {
      const rsa = join(sshd.folder, 'host_rsa');
      keygen(rsa, '-t', 'rsa', '-b', '2048');
      const both = await startSshd([`HostKey ${rsa}`]);
      try {
        const rsaKey = readFileSync(`${rsa}.pub`, 'utf8').split(' ').slice(0, 2).join(' ');
        writeFileSync(both.knownHostsPath, `[127.0.0.1]:${both.port} ${rsaKey}\n`);
        await login({ port: both.port, privateKey: both.keyPath }, { knownHostsFile: both.knownHostsPath });
      } finally {
        await both.stop();
      }
    });
  });

  describe('by the ssh configuration', () => {
    it('finds address, port, user and key, and lets the inventory win', async () => {
      const config = join(sshd.folder, 'whole.conf');
      const included = join(sshd.folder, 'included.conf');
      writeFileSync(included, `IdentityFile ${sshd.folder}/%n-key\nUserKnownHostsFile ${sshd.knownHostsPath}\n`);
      copyFileSync(sshd.keyPath, join(sshd.folder, 'app1-key'));
      writeFileSync(
        config,
        `Host app1\n  HostName 127.0.0.1\n  Port ${sshd.port}\n  User ${me}\n  Include ${included}\n`,
      );
      const transport = (settings: SshSettings) =>
        sshTransport({
          target: (name) => ({ name, address: '127.0.0.9', settings, become: { enabled: false } }),
          sshConfigFile: config,
        });
      const connection = await transport({}).connect('app1', never);
      expect(await whoami(connection)).toBe(me);
      connection.close();
      const wrongPort = await freePort();
      expect((await failure(transport({ port: wrongPort }).connect('app1', never))).message).toContain(
        String(wrongPort),
      );
      expect((await failure(transport({ user: 'nobody-else' }).connect('app1', never))).message).toContain(
        'nobody-else',
      );
    });

    it('takes an entry for the address where there is none for the name', async () => {
      const config = join(sshd.folder, 'address.conf');
      writeFileSync(config, `Host 127.0.0.*\n  Port ${sshd.port}\n  User ${me}\n  IdentityFile ${sshd.keyPath}\n`);
      const transport = sshTransport({
        target: (name) => ({ name, address: '127.0.0.1', settings: {}, become: { enabled: false } }),
        sshConfigFile: config,
        knownHostsFile: sshd.knownHostsPath,
      });
      const connection = await transport.connect('app1', never);
      opened.push(connection);
      expect(await whoami(connection)).toBe(me);
    });

    it('says what is wrong with it', async () => {
      const config = join(sshd.folder, 'nonsense.conf');
      writeFileSync(config, 'Host *\n  Nonsense yes\n  Port 22\n');
      const error = await failure(login({ sshConfig: true }, { sshConfigFile: config }));
      expect(error.failure).toBe('unsupported');
      expect(error.message).toContain('nonsense');
    });
  });

  describe('through jump hosts', () => {
    let hop: Sshd;
    beforeAll(async () => {
      hop = await startSshd();
      writeFileSync(join(hop.folder, 'authorized_keys'), readFileSync(`${sshd.keyPath}.pub`));
    });
    afterAll(() => hop?.stop());

    const both = () => {
      const knownHostsFile = join(sshd.folder, 'both');
      writeFileSync(
        knownHostsFile,
        readFileSync(sshd.knownHostsPath, 'utf8') + readFileSync(hop.knownHostsPath, 'utf8'),
      );
      return knownHostsFile;
    };

    it('logs in once at the hop for several hosts', async () => {
      const wire = await startWire(hop.port);
      const knownHostsFile = both();
      writeFileSync(knownHostsFile, `[127.0.0.1]:${wire.port} ${hop.hostKey}\n`, { flag: 'a' });
      const config = join(sshd.folder, 'jump.conf');
      writeFileSync(
        config,
        `Host bastion\n  HostName 127.0.0.1\n  Port ${wire.port}\nHost app*\n  ProxyJump bastion\nHost *\n  User ${me}\n  IdentityFile ${sshd.keyPath}\n`,
      );
      const transport = sshTransport({
        target: (name) =>
          name.startsWith('app')
            ? { name, address: '127.0.0.1', settings: { port: sshd.port }, become: { enabled: false } }
            : undefined,
        sshConfigFile: config,
        knownHostsFile,
      });
      const all = await Promise.all(['app1', 'app2', 'app3'].map((name) => transport.connect(name, never)));
      opened.push(...all);
      for (const connection of all) expect(await whoami(connection)).toBe(me);
      expect(wire.carried()).toBe(1);
      all[0]?.close();
      const late = await transport.connect('app4', never);
      opened.push(late);
      expect(await whoami(late)).toBe(me);
      expect(wire.carried()).toBe(1);
      wire.cut();
      const [, second] = all;
      if (second !== undefined) expect((await failure(second.start(LOADER))).failure).toBe('disconnected');
      await wire.stop();
    });

    it('checks the keys of the hops and of the host behind them', async () => {
      const jump = [`${me}@127.0.0.1:${hop.port}`];
      const config = join(sshd.folder, 'hopkey.conf');
      writeFileSync(config, `Host *\n  IdentityFile ${sshd.keyPath}\n`);
      const settings = { jump, privateKey: sshd.keyPath, sshConfig: true };
      await login(settings, { knownHostsFile: both(), sshConfigFile: config });
      const first = await failure(login(settings, { knownHostsFile: sshd.knownHostsPath, sshConfigFile: config }));
      expect(first.failure).toBe('host-key-unknown');
      expect(first.message).toContain('On the way to app1');
      const last = await failure(login(settings, { knownHostsFile: hop.knownHostsPath, sshConfigFile: config }));
      expect(last.failure).toBe('host-key-unknown');
      expect(last.message).not.toContain('On the way');
    });

    it('refuses a circle', async () => {
      const config = join(sshd.folder, 'circle.conf');
      writeFileSync(
        config,
        `Host a\n  HostName 127.0.0.2\n  ProxyJump b\nHost b\n  HostName 127.0.0.3\n  ProxyJump a\n`,
      );
      const error = await failure(login({ sshConfig: true, jump: ['a'] }, { sshConfigFile: config }));
      expect(error.message).toContain('circle');
    });
  });

  describe('in bad weather', () => {
    it('brings 50 addresses through one sshd with MaxStartups 3 and MaxSessions 1', async () => {
      const addresses = Array.from({ length: 50 }, (_, index) => `127.0.1.${index + 1}`);
      const narrow = await startSshd(['MaxStartups 3:100:3', 'MaxSessions 1']);
      const wires = new Map(
        await Promise.all(addresses.map(async (at) => [at, await startWire(narrow.port, at)] as const)),
      );
      try {
        const transport = sshTransport({
          target: (name) => ({
            name,
            address: name,
            settings: {
              port: wires.get(name)?.port ?? 0,
              user: me,
              privateKey: narrow.keyPath,
              sshConfig: false,
              hostKeys: [narrow.hostKey],
            },
            become: { enabled: false },
          }),
          // That all get in is the question here, not how fast a busy machine lets them.
          connectDeadlineMs: 60_000,
          startDeadlineMs: 60_000,
        });
        const names = await Promise.all(
          addresses.map(async (address) => {
            const connection = await transport.connect(address, never);
            opened.push(connection);
            return await whoami(connection);
          }),
        );
        expect(names).toEqual(addresses.map(() => me));
      } finally {
        for (const connection of opened.splice(0)) connection.close();
        for (const wire of wires.values()) await wire.stop();
        await narrow.stop();
      }
    }, 90_000);

    it('needs one session alone, with OpenSSH’s client too', async () => {
      const narrow = await startSshd(['MaxSessions 1']);
      try {
        const settings = { port: narrow.port, privateKey: narrow.keyPath };
        const connection = await login(settings, { knownHostsFile: narrow.knownHostsPath, client: 'openssh' });
        const held = await connection.start(LOADER);
        const refused = await failure(connection.start(LOADER));
        expect(refused.failure).toBe('no-shell');
        expect(refused.message).toContain('session');
        held.end();
      } finally {
        for (const connection of opened.splice(0)) connection.close();
        await narrow.stop();
      }
    });

    it('gives up what accepts and says nothing, without holding up others', async () => {
      const silent: Server = createServer(() => {});
      await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
      const address = silent.address();
      const port = address !== null && typeof address === 'object' ? address.port : 0;
      const transport = sshTransport({
        target: (name) => ({
          name,
          address: '127.0.0.1',
          settings: { port: name === 'app1' ? sshd.port : port, user: me, privateKey: sshd.keyPath, sshConfig: false },
          become: { enabled: false },
        }),
        knownHostsFile: sshd.knownHostsPath,
        handshakes: 2,
        connectDeadlineMs: 4000,
      });
      const dead = ['dead1', 'dead2', 'dead3'].map((name) => failure(transport.connect(name, never)));
      const startedAt = performance.now();
      opened.push(await transport.connect('app1', never));
      expect(performance.now() - startedAt).toBeLessThan(3500);
      const [first] = await Promise.all(dead);
      expect(first?.failure).toBe('unreachable');
      expect(first?.message).toContain('accepted the connection, but no ssh handshake came about within 4 s');
      silent.close();
    });

    it('names a port where nothing listens, and what is no sshd', async () => {
      const refusing = await failure(login({ port: await freePort() }));
      expect(refusing.failure).toBe('unreachable');
      expect(refusing.message).toContain('nothing listens on that port');
      const web: Server = createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
      await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve));
      const address = web.address();
      const port = address !== null && typeof address === 'object' ? address.port : 0;
      const error = await failure(login({ port }, { connectDeadlineMs: 1000 }));
      expect(error.failure).toBe('unreachable');
      web.close();
    });

    it('notices a host that falls silent', async () => {
      const wire = await startWire(sshd.port);
      const knownHostsFile = join(sshd.folder, 'silent');
      writeFileSync(knownHostsFile, `[127.0.0.1]:${wire.port} ${sshd.hostKey}\n`);
      const settings = { port: wire.port, privateKey: sshd.keyPath };
      const connection = await login(settings, { knownHostsFile, keepaliveMs: 100 });
      const channel = await connection.start(LOADER);
      wire.freeze();
      const error = await failure(channel.exit);
      expect(error.failure).toBe('disconnected');
      expect(error.message).toContain('it did not answer for 0.4 s');
      await wire.stop();
    });

    it('bounds a login shell that never gets to the command, or talks without end', async () => {
      const slow = await startSshd(['ForceCommand sleep 60']);
      const noisy = await startSshd(['ForceCommand yes']);
      try {
        const at = ({ port, keyPath, knownHostsPath }: Sshd) =>
          login({ port, privateKey: keyPath }, { knownHostsFile: knownHostsPath, startDeadlineMs: 500 });
        const hung = await failure((await at(slow)).start(LOADER));
        expect(hung.failure).toBe('timeout');
        const endless = await failure((await at(noisy)).start(LOADER));
        expect(endless.failure).toBe('no-shell');
        expect(endless.message).toContain('more than 64 KiB');
      } finally {
        for (const connection of opened.splice(0)) connection.close();
        await Promise.all([slow.stop(), noisy.stop()]);
      }
    });

    it('names forwarding that the host forbids', async () => {
      const strict = await startSshd(['AllowTcpForwarding no']);
      try {
        const connection = await login(
          { port: strict.port, privateKey: strict.keyPath },
          { knownHostsFile: strict.knownHostsPath },
        );
        const error = await failure(connection.forward('127.0.0.1', strict.port));
        expect(`${error.failure}: ${error.message}`).toContain('forbids forwarded connections');
      } finally {
        for (const connection of opened.splice(0)) connection.close();
        await strict.stop();
      }
    });

    it('goes on with OpenSSH’s own client where the library has no algorithm in common', async () => {
      const odd = await startSshd(['KexAlgorithms sntrup761x25519-sha512@openssh.com']);
      try {
        const settings = { port: odd.port, privateKey: odd.keyPath };
        expect(await whoami(await login(settings, { knownHostsFile: odd.knownHostsPath }))).toBe(me);
      } finally {
        for (const connection of opened.splice(0)) connection.close();
        await odd.stop();
      }
    });
  });
});

/** sshd itself would need PAM and a user with a password; this is another implementation of the same protocol. */
describe('logging in with a password', () => {
  let server: InstanceType<typeof ssh2.Server>;
  let port = 0;
  let tries: string[] = [];
  let folder = '';
  let hostKey = '';

  beforeAll(async () => {
    folder = execFileSync('mktemp', ['-d']).toString().trim();
    keygen(join(folder, 'host'));
    hostKey = readFileSync(join(folder, 'host.pub'), 'utf8').split(' ').slice(0, 2).join(' ');
    server = new ssh2.Server({ hostKeys: [readFileSync(join(folder, 'host'))] }, (client) => {
      client.on('error', () => {});
      client.on('authentication', (auth) => {
        tries.push(auth.method);
        if (auth.username === 'plain' && auth.method === 'password' && auth.password === 'right') return auth.accept();
        if (auth.username === 'factor' && auth.method === 'keyboard-interactive') {
          return auth.prompt(
            [
              { prompt: 'Password: ', echo: false },
              { prompt: 'Code: ', echo: true },
            ],
            (answers) =>
              answers[0] === 'right' && answers[1] === '123456' ? auth.accept() : auth.reject(['keyboard-interactive']),
          );
        }
        if (auth.username === 'two' && auth.method === 'publickey') {
          // A key first (whatever it is), then the code.
          if (auth.signature === undefined) return auth.accept();
          return auth.reject(['keyboard-interactive'], true);
        }
        if (auth.username === 'two' && auth.method === 'keyboard-interactive') {
          return auth.prompt([{ prompt: 'Code: ', echo: true }], ([code]) =>
            code === '123456' ? auth.accept() : auth.reject(['keyboard-interactive']),
          );
        }
        if (auth.username === 'two') return auth.reject(['publickey']);
        auth.reject(auth.username === 'plain' ? ['password', 'publickey'] : ['keyboard-interactive']);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    port = address !== null && typeof address === 'object' ? address.port : 0;
  });
  afterAll(async () => {
    await new Promise<void>((resolve) => server.close(() => resolve()));
    rmSync(folder, { recursive: true, force: true });
  });

  async function attempt(user: string, options: Partial<SshOptions>, more: SshSettings = {}): Promise<string> {
    tries = [];
    const transport = sshTransport({
      target: (name) => ({
        name,
        address: '127.0.0.1',
        settings: {
          ...{ port, user, sshConfig: false, hostKeys: [hostKey], privateKey: join(folder, 'nowhere') },
          ...more,
        },
        become: {},
      }),
      ...options,
    });
    try {
      (await transport.connect('app1', never)).close();
      return 'in';
    } catch (error) {
      return error instanceof TransportError ? `${error.failure}: ${error.message}\n${error.hint}` : String(error);
    }
  }

  it('sends it where passwords are taken', async () => {
    expect(await attempt('plain', { password: new Secret('right', 'a test') })).toBe('in');
    expect(tries).toEqual(['none', 'password']);
    const refused = await attempt('plain', { password: new Secret('wrong', 'a test') });
    expect(refused).toContain('auth-failed');
    expect(refused).toContain('Tried: the password. It takes');
    expect(refused).toContain('Check the user (-u) and the password, or give a key with --private-key.');
    expect(refused).not.toContain('wrong');
  });

  it('answers questions with it, and asks for the rest', async () => {
    const asked: string[] = [];
    const options: Partial<SshOptions> = {
      password: new Secret('right', 'a test'),
      askAnswer: async (_label, question) => {
        asked.push(question);
        return new Secret('123456', 'a test');
      },
    };
    expect(await attempt('factor', options)).toBe('in');
    expect(asked).toEqual(['Code: ']);
    expect(tries).toEqual(['none', 'keyboard-interactive']);
  });

  it('asks for the second factor after a key, with a password at hand or without', async () => {
    const key = join(folder, 'first');
    keygen(key);
    const asked: string[] = [];
    const config = join(folder, 'two.conf');
    writeFileSync(config, `IdentityFile ${key}\nIdentityAgent none\n`);
    const options: Partial<SshOptions> = {
      sshConfigFile: config,
      askAnswer: async (_label, question) => {
        asked.push(question);
        return new Secret('123456', 'a test');
      },
    };
    expect(await attempt('two', options, { sshConfig: true })).toBe('in');
    expect(await attempt('two', { ...options, client: 'openssh' }, { sshConfig: true })).toBe('in');
    expect(asked).toHaveLength(2);
    for (const question of asked) expect(question).toMatch(/^Code: ?$/);
  });

  describe('by OpenSSH’s own client', () => {
    const client = 'openssh';

    it('sends it, to what asks for it and no more than once', async () => {
      expect(await attempt('plain', { client, password: new Secret('right', 'a test') })).toBe('in');
      const refused = await attempt('plain', { client, password: new Secret('wrong', 'a test') });
      expect(refused).toContain('auth-failed');
      expect(refused).toContain('the password');
      expect(refused).not.toContain('wrong');
      expect(tries.filter((method) => method === 'password')).toHaveLength(1);
    });

    it('answers questions with it, and asks for the rest', async () => {
      const asked: string[] = [];
      const askAnswer = async (_label: string, question: string) => {
        asked.push(question);
        return new Secret('123456', 'a test');
      };
      expect(await attempt('factor', { client, password: new Secret('right', 'a test'), askAnswer })).toBe('in');
      expect(asked).toEqual(['Code: ']);
    });

    it('says without a password what there was to try', async () => {
      expect(await attempt('plain', { client })).toContain('There was nothing to try.');
    });
  });
});
