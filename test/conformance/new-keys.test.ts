import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasSshd, type Sshd, startSshd } from './sshd.ts';

const PROJECT = join(import.meta.dirname, '../..');
const hasPty = existsSync('/usr/bin/script');

describe.skipIf(!hasSshd())('hosts whose keys nobody knows (left out without openssh-server)', () => {
  let one: Sshd;
  let two: Sshd;
  let folder: string;

  beforeAll(async () => {
    one = await startSshd();
    two = await startSshd();
    folder = join(one.folder, 'project');
    mkdirSync(folder);
    const host = (port: number) => `{ web: 127.0.0.1, ssh: { address: 127.0.0.1, port: ${port} } }`;
    writeFileSync(
      join(folder, 'inventory.yaml'),
      `farm: keys
domain: keys.example
os: debian-12
networks: { web: { cidr: 10.1.0.0/24, device: eth0 } }
ssh: { user: ${userInfo().username}, private_key: ${one.keyPath} }
become: false
tiers:
  app:
    roles: []
    hosts: { app1: ${host(one.port).replace('web: 127.0.0.1', 'web: 10.1.0.1')}, app2: ${host(two.port).replace('web: 127.0.0.1', 'web: 10.1.0.2')} }
`,
    );
    writeFileSync(join(two.folder, 'authorized_keys'), readFileSync(`${one.keyPath}.pub`));
  });
  afterAll(async () => {
    await two?.stop();
    await one?.stop();
  });

  /** farmctl exec true, with a known_hosts of its own, which holds `before`. */
  async function run(
    name: string,
    options: readonly string[],
    typed?: string,
    before?: string,
  ): Promise<{ output: string; known: string }> {
    const known = join(folder, name);
    if (before !== undefined) writeFileSync(known, before);
    writeFileSync(join(folder, 'config'), `Host *\n  UserKnownHostsFile ${known}\n  GlobalKnownHostsFile /dev/null\n`);
    const words = [process.execPath, '-C', 'farmctl-source', join(PROJECT, 'bin/farmctl.js')];
    const command = [...words, 'exec', ...options, '-i', join(folder, 'inventory.yaml'), '--', 'echo', 'reached'];
    const env = { ...process.env, CI: '', NO_COLOR: '1', FARMCTL_SSH_CONFIG: join(folder, 'config'), TERM: 'xterm' };
    const child =
      typed === undefined
        ? spawn(command[0] ?? '', command.slice(1), { env, stdio: ['ignore', 'pipe', 'pipe'] })
        : spawn('script', ['-qec', command.map((word) => `'${word}'`).join(' '), '/dev/null'], { env, stdio: 'pipe' });
    let output = '';
    let isAnswered = false;
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        output += chunk.toString();
        if (!isAnswered && typed !== undefined && /write (it|them) down/.test(output)) {
          isAnswered = true;
          child.stdin?.write(typed);
        }
      });
    }
    await new Promise((resolve) => child.once('close', resolve));
    const text = existsSync(known) ? readFileSync(known, 'utf8') : '';
    return { output: output.replaceAll('\r', ''), known: text };
  }

  it('are refused in one block that names them all', async () => {
    const { output, known } = await run('refused', []);
    expect(output.match(/ssh\/host-key-unknown/g)).toHaveLength(1);
    expect(output).toMatch(
      /Neither the inventory nor known_hosts has a key of these:\n +app1 .*: ssh-ed25519 SHA256:\S+\n +app2 /,
    );
    expect(output).toContain('--accept-new');
    expect(output).not.toContain('reached');
    expect(known).toBe('');
  });

  it('are taken with --accept-new and told in one block', async () => {
    const { output, known } = await run('accepted', ['--accept-new']);
    expect(output).toMatch(
      /Accepted 2 new host keys:\n {2}app\d .*: ssh-ed25519 SHA256:\S+\n {2}app\d .*\n {2}written to/,
    );
    expect(output.match(/reached/g)).toHaveLength(2);
    expect(known.split('\n').filter((line) => line !== '')).toHaveLength(2);
  });

  it.skipIf(!hasPty)('are listed on a terminal and asked about once', async () => {
    const { output, known } = await run('asked', [], 'y\r');
    expect(output).toMatch(/These 2 hosts show keys that nobody knows here yet:\n {2}app1 .*\n {2}app2 /);
    expect(output.match(/reached\n/g)).toHaveLength(2);
    expect(known.split('\n').filter((line) => line !== '')).toHaveLength(2);
  });

  it.skipIf(!hasPty)('are asked about although something is known of others, or revoked for all', async () => {
    const lines = [
      // Of this address on port 22, where another host answers: that one is app2's own key, so only app1's is new.
      `127.0.0.1 ${two.hostKey}`,
      `@revoked * ${readFileSync(`${one.keyPath}.pub`, 'utf8').trim()}`,
    ];
    const { output, known } = await run('partly', [], 'y\r', `${lines.join('\n')}\n`);
    expect(output).toMatch(/that nobody knows here yet:\n {2}app1 .*\n/);
    expect(output).not.toMatch(/ {2}app2 .*SHA256/);
    expect(output.match(/reached\n/g)).toHaveLength(2);
    expect(known.split('\n').filter((line) => line !== '')).toHaveLength(3);
    expect(known).toContain(`[127.0.0.1]:${one.port} ${one.hostKey}`);
  });

  it.skipIf(!hasPty)('are refused where the answer is no', async () => {
    const { output, known } = await run('declined', [], 'n\r');
    expect(output.match(/ssh\/host-key-unknown/g)).toHaveLength(1);
    expect(known).toBe('');
  });
});
