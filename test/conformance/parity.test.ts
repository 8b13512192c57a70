import { execFile, execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sshTransport } from '../../src/transport/ssh.ts';
import { TransportError } from '../../src/transport/transport.ts';
import { type Site, startSite } from './parity-site.ts';
import { base, CASES, type Case, knownToAll } from './parity-table.ts';
import { hasSshd } from './sshd.ts';

const canRun = hasSshd() && process.getuid?.() === 0;
const never = new AbortController().signal;

/** What ssh's own words say of a refusal. */
function reasonOf(said: string): string {
  if (/REVOKED HOST KEY|was revoked|Host key .* revoked/i.test(said)) return 'host-key-revoked';
  if (/REMOTE HOST IDENTIFICATION HAS CHANGED/.test(said)) return 'host-key-changed';
  if (/Host key verification failed/.test(said)) return 'host-key-unknown';
  if (/Permission denied \(/.test(said)) return 'auth-failed';
  // A command that ends at once is noticed when ssh reads from it, or already when it writes to it.
  if (/Connection refused|Could not resolve|closed by UNKNOWN|UNKNOWN port \d+: Broken pipe|not supported/.test(said))
    return 'unreachable';
  return `something else: ${said}`;
}

const app1 = (port: number) => `Host app1\n  HostName 127.0.0.1\n  Port ${port}\n`;

describe.skipIf(!canRun)('the same as OpenSSH (left out without openssh-server, and for other users than root)', () => {
  let site: Site;
  let names: ReadonlyMap<string, string>;
  let count = 0;

  beforeAll(async () => {
    site = await startSite();
    writeFileSync(site.path('one.conf'), `Host app1\n  HostName 127.0.0.1\n  Port ${site.one.port}\n`);
    writeFileSync(site.path('one.known'), `[127.0.0.1]:${site.one.port} ${site.one.hostKey}\n`);
    const keys = ['good', 'rsa', 'ecdsa', 'locked', 'lonely', 'certified', 'beside', 'second'];
    names = new Map(keys.map((name) => [site.fingerprint(name), name]));
  }, 30_000);
  afterAll(() => site?.stop());

  /** The configuration of one case, in files of its own. */
  function write({ config, known = knownToAll, isHashed }: Case): string {
    count += 1;
    const knownPath = join(site.folder, `known-${count}`);
    writeFileSync(knownPath, known(site));
    if (isHashed) execFileSync('ssh-keygen', ['-q', '-H', '-f', knownPath], { stdio: 'ignore' });
    const path = join(site.folder, `config-${count}`);
    const own = config(site);
    writeFileSync(path, `${own}${base(site, own, knownPath)}`);
    return path;
  }

  /** The login that came about meanwhile, those at hops left out, or else why there was none. */
  async function outcomeOf(work: () => Promise<string>): Promise<string> {
    const before = new Set(site.logins().map(({ at }) => at));
    const fresh = () => site.logins().filter(({ at, login }) => !before.has(at) && !login.startsWith('hop'));
    const refused = await work();
    if (refused !== '') return refused;
    for (let waits = 0; fresh().length === 0 && waits < 50; waits += 1) await sleep(10);
    const [last] = fresh();
    return (last?.login ?? 'nobody logged in').replace(/SHA256:\S+/, (key) => names.get(key) ?? key);
  }

  interface Stated {
    readonly user?: string;
    readonly port?: number;
  }

  const bySsh = (config: string, destination: string, { user, port }: Stated = {}) =>
    outcomeOf(
      () =>
        new Promise((resolve) => {
          const words = ['-F', config, '-n', '-N', '-o', 'BatchMode=yes', '-o', 'PermitLocalCommand=yes'];
          const options = ['-o', 'LocalCommand=kill $PPID', '-o', 'ControlMaster=no', '-o', 'ClearAllForwardings=yes'];
          const stated = [...(user ? ['-l', user] : []), ...(port ? ['-p', String(port)] : [])];
          execFile(
            'ssh',
            [...words, ...options, ...stated, '--', destination],
            { timeout: 20_000 },
            (error, _out, said) => resolve(error === null || error.signal === 'SIGTERM' ? '' : reasonOf(said)),
          );
        }),
    );

  const byFarmctl = (config: string, destination: string, settings: Stated = {}) =>
    outcomeOf(async () => {
      const transport = sshTransport({
        // An address that nothing answers at: the configuration's is the right one.
        target: (name) =>
          name === destination
            ? { name, address: destination.startsWith('127') ? destination : '127.9.9.9', settings, become: {} }
            : undefined,
        sshConfigFile: config,
        connectDeadlineMs: 15_000,
      });
      try {
        (await transport.connect(destination, never)).close();
        return '';
      } catch (error) {
        if (error instanceof TransportError) return error.failure;
        throw error;
      }
    });

  test.each(CASES)('$name → $is', async (one) => {
    const destination = one.destination ?? 'app1';
    // Each its own files: accept-new writes to them.
    const { user, port } = one;
    const stated = { ...(user && { user }), ...(port && { port: port(site) }) };
    const ssh = await bySsh(write(one), destination, stated);
    const farmctl = await byFarmctl(write(one), destination, stated);
    expect({ ssh, farmctl }).toEqual({ ssh: one.is, farmctl: one.is });
  });

  describe('stricter on purpose', () => {
    const STRICTER: readonly (readonly [name: string, ssh: string, farmctl: string, one: Omit<Case, 'name' | 'is'>])[] =
      [
        [
          'StrictHostKeyChecking no',
          'one: root good',
          'host-key-unknown',
          { config: (own) => `${app1(own.one.port)}  StrictHostKeyChecking no\n`, known: () => '' },
        ],
      ];
    test.each(STRICTER)('%s: ssh → %s, farmctl → %s', async (name, ssh, farmctl, given) => {
      const one: Case = { name, is: 'unreachable', ...given };
      expect(await bySsh(write(one), 'app1')).toBe(ssh);
      expect(await byFarmctl(write(one), 'app1')).toBe(farmctl);
    });
  });
});
